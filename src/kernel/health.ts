/** Asks the parts of a kernel how they are. */

import type { ThreadCounts } from '../backend/wasm/shared-threads.ts';
import { type HealthCheck, HealthChecks } from '../health/checks.ts';
import {
  type Health,
  type HealthPart,
  healthy,
  levelOf,
  wholeOf,
  worstOf,
} from '../health/health.ts';
import type { Taken } from '../resource/engine-room.ts';
import type { Quotas } from '../resource/quotas.ts';

/** How long a thread has to answer: as long as one that is to end an agent (docs/architecture.md). */
const THREAD_MS = 2_000;

/** Without these nothing runs. */
const ESSENTIAL: ReadonlySet<string> = new Set(['kernel', 'workers']);

/** Names of parts: the program's checks have others. */
export const PART_NAMES: readonly string[] = [
  'kernel',
  'workers',
  'agents',
  'quotas',
  'room',
  'supervisors',
  'schedule',
];

const QUOTA_WORDS: Readonly<Record<keyof Quotas, string>> = {
  agents: 'agents of the quota',
  stacks: 'stacks of the quota',
  descriptors: 'descriptors of the quota',
  memoryBytes: 'bytes of memory of the quota',
};

/** Where it is read. */
export interface KernelHealthOptions {
  readonly checks: Readonly<Record<string, HealthCheck>> | undefined;
  readonly capacity: number;
  isClosed(): boolean;
  answering(withinMs: number): Promise<ThreadCounts>;
  agents(): number;
  quotas(): { readonly used: Quotas; readonly max: Quotas };
  room(): { readonly mappings: Taken; readonly addressBytes: Taken };
  /** Children of supervisors that wait to be started again. */
  waiting(): readonly string[];
  schedule(): HealthPart;
}

/** Children that are named in a message. */
const NAMED_MAX = 10;

/** The health of a kernel. */
export class KernelHealth {
  readonly #options: KernelHealthOptions;
  readonly #checks: HealthChecks;

  constructor(options: KernelHealthOptions) {
    this.#options = options;
    this.#checks = new HealthChecks(options.checks);
  }

  async read(): Promise<Health> {
    if (this.#options.isClosed()) {
      const message = 'it is closed: open another';
      return wholeOf([{ name: 'kernel', status: 'unhealthy', message }], ESSENTIAL);
    }
    const [workers, checks] = await Promise.all([this.#workers(), this.#checks.run()]);
    const { capacity, agents } = this.#options;
    const parts = [
      healthy('kernel'),
      workers,
      levelOf('agents', 'agents', agents(), capacity),
      this.#quotas(),
      this.#room(),
      this.#supervisors(),
      this.#options.schedule(),
      ...checks,
    ];
    return wholeOf(parts, ESSENTIAL);
  }

  async #workers(): Promise<HealthPart> {
    const { answering, starting, silent } = await this.#options.answering(THREAD_MS);
    const threads = answering + starting + silent;
    if (answering === threads) {
      return healthy('workers');
    }
    const message =
      silent > 0
        ? `${silent} of ${threads} threads do not answer within ${THREAD_MS} ms`
        : `${starting} of ${threads} threads have not started yet`;
    return { name: 'workers', status: silent === threads ? 'unhealthy' : 'degraded', message };
  }

  #quotas(): HealthPart {
    const { used, max } = this.#options.quotas();
    const names = Object.keys(QUOTA_WORDS) as (keyof Quotas)[];
    return worstOf(
      'quotas',
      names.map((name) => levelOf('quotas', QUOTA_WORDS[name], used[name], max[name])),
    );
  }

  #room(): HealthPart {
    const { mappings, addressBytes } = this.#options.room();
    return worstOf('room', [
      levelOf('room', 'mappings of the process', mappings.used, mappings.max),
      levelOf('room', 'bytes of addresses of the process', addressBytes.used, addressBytes.max),
    ]);
  }

  #supervisors(): HealthPart {
    const waiting = this.#options.waiting();
    if (waiting.length === 0) {
      return healthy('supervisors');
    }
    const named = waiting
      .slice(0, NAMED_MAX)
      .map((id) => `'${id}'`)
      .join(', ');
    const more = waiting.length > NAMED_MAX ? ` and ${waiting.length - NAMED_MAX} more` : '';
    const message = `children have ended and wait to be started again: ${named}${more}`;
    return { name: 'supervisors', status: 'degraded', message };
  }
}
