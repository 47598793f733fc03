/** Reads a kernel's metrics where they are kept. */

import type { Sample } from '../metrics/definitions.ts';
import type { Exposition } from '../metrics/exposition.ts';
import { type MetricReading, Readings } from '../metrics/readings.ts';
import { Tally } from '../metrics/tally.ts';
import type { ProcessState } from '../process/state.ts';
import type { Process } from '../supervisor/process.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';

/** Where it is read. */
export interface KernelMetricsOptions {
  readonly supervisor: Supervisor;
  readonly capacity: number;
  counts(): Readonly<Record<ProcessState, number>>;
  modules(): number;
  elevationsWaiting(): number;
  readonly deadLetters: Sample['deadLetters'];
  tools(): Sample['tools'];
  served(): Sample['served'];
  jobs(): Pick<Sample, 'jobs' | 'jobRuns'>;
}

/** The metrics of a kernel. */
export class KernelMetrics {
  readonly #options: KernelMetricsOptions;
  readonly #tally = new Tally();
  readonly #readings = new Readings();
  #exposition: Promise<Exposition> | null = null;

  constructor(options: KernelMetricsOptions) {
    this.#options = options;
  }

  /** An agent was spawned, `from` is null then, or has changed its state. */
  changed(process: Process, from: ProcessState | null): void {
    if (from === null && process.restartedFrom !== null) {
      this.#tally.restarts += 1;
    }
    if (process.exit !== null) {
      this.#tally.exited(process.exit.reason, process);
    }
  }

  /** What Prometheus reads. */
  async text(): Promise<string> {
    // Only who asks for metrics needs their library.
    this.#exposition ??= import('../metrics/exposition.ts').then(
      (module) => new module.Exposition(),
    );
    return (await this.#exposition).text(this.#sample());
  }

  /** Their values, for one who asks. */
  read(): MetricReading[] {
    return this.#readings.of(this.#sample());
  }

  #sample(): Sample {
    const { supervisor, capacity, counts, modules, elevationsWaiting, deadLetters } = this.#options;
    const { tools, served, jobs } = this.#options;
    const live = supervisor.list();
    const { memoryBytes, descriptors } = supervisor.quotas.used();
    return {
      tally: this.#tally.with(live),
      spawned: supervisor.spawned,
      states: counts(),
      mailboxMessages: live.reduce((sum, { block }) => sum + (block?.mailboxMessages ?? 0), 0),
      memoryBytes,
      descriptors,
      capacity,
      modules: modules(),
      elevationsWaiting: elevationsWaiting(),
      deadLetters,
      tools: tools(),
      served: served(),
      ...jobs(),
    };
  }
}
