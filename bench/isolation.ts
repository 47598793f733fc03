/**
 * How soon a polite agent answers beside 1, 10 and 100 hostile ones of each kind, all in one worker: asked by
 * the program, and by another agent.
 */

import { buildGuests } from '../scripts/build-guests.ts';
import { type Agent, type Kernel, type LoadedModule, openKernel } from '../src/index.ts';
import { Crowd, HOSTILE, type Hostile } from './hostile.ts';
import { type Part, type Row, type Stats, statsOf } from './measure.ts';

const REQUESTS = 100;
const BESIDE = [1, 10, 100] as const;
/** Between two requests the polite agent has long been waiting again. */
const PAUSE_MS = 3;
/** A kind that holds requests up is measured for no longer. */
const MEASURE_MS = 1_500;
/** The crowd has started when so much of the time has passed; what it does then goes on. */
const STARTING_MS = 100;
const UNLIMITED = { fuel: 0, cpuTimeMs: 0, wallTimeMs: 0, messages: 0 } as const;
const GRANTS = { ipc: 'all', clocks: 'exact' } as const;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Milliseconds of requests of the program. */
async function fromProgram(polite: Agent): Promise<number[]> {
  const times: number[] = [];
  const until = performance.now() + MEASURE_MS;
  while (times.length < REQUESTS && performance.now() < until) {
    await sleep(PAUSE_MS);
    const startedAt = performance.now();
    await polite.request('are you there', { timeoutMs: 60_000 });
    times.push(performance.now() - startedAt);
  }
  return times;
}

/** Milliseconds of requests of an agent of the same worker. */
async function fromAgent(kernel: Kernel, courier: LoadedModule, polite: Agent): Promise<number[]> {
  const asker = await kernel.spawn({
    module: courier,
    arguments: ['courier', 'ask', String(polite.pid), String(REQUESTS), '16'],
    grants: GRANTS,
    limits: UNLIMITED,
  });
  const { exit } = await asker.exited;
  if (exit.reason !== 'normal') throw new Error(`the asker ended: ${exit.message}`);
  const nanoseconds = Buffer.from(asker.stdout).toString().trim().split(' ').map(Number);
  return nanoseconds.map((each) => each / 1e6);
}

/** What both of them say, alone: what else is there is compared with that. */
interface Alone {
  readonly program: Stats;
  readonly agent: Stats;
}

function row(name: string, ms: readonly number[], base: Stats | null): Row {
  const stats = statsOf(ms, 'ms');
  return {
    part: 'isolation',
    name,
    value: `p50 ${stats.median.toFixed(2)} ms, p99 ${stats.p99.toFixed(2)} ms`,
    ratio: base === null ? null : stats.p99 / base.p99,
    against: base === null ? '' : 'alone (p99)',
    stats,
    plot: name.endsWith(OF_AGENT) ? 'a request of another agent' : 'a request of the program',
  };
}

const OF_AGENT = ', asked by an agent';

class Bench {
  readonly #kernel: Kernel;
  readonly #modules: ReadonlyMap<string, LoadedModule>;
  readonly #polite: Agent;

  constructor(kernel: Kernel, modules: ReadonlyMap<string, LoadedModule>, polite: Agent) {
    this.#kernel = kernel;
    this.#modules = modules;
    this.#polite = polite;
  }

  async rows(name: string, base: Alone | null): Promise<Row[]> {
    const program = await fromProgram(this.#polite);
    const agent = await fromAgent(this.#kernel, this.#module('courier'), this.#polite);
    return [
      row(name, program, base?.program ?? null),
      row(`${name}${OF_AGENT}`, agent, base?.agent ?? null),
    ];
  }

  async beside(kind: Hostile, count: number, base: Alone): Promise<Row[]> {
    const crowd = new Crowd(this.#kernel, {
      kind,
      module: this.#module(kind.guest),
      child: this.#module('courier'),
      count,
    });
    await sleep(STARTING_MS);
    const rows = await this.rows(`beside ${count} ${kind.title}`, base);
    await crowd.end();
    return rows;
  }

  #module(name: string): LoadedModule {
    return this.#modules.get(name)!;
  }
}

/** A polite agent beside hostile ones. */
export const isolation: Part = {
  name: 'isolation',
  what: 'how soon a polite agent answers beside hostile ones of 16 kinds',
  async run() {
    const guests = [...new Set(['courier', ...HOSTILE.map(({ guest }) => guest)])];
    const { files } = await buildGuests({ only: guests });
    await using kernel = await openKernel({ workers: 1 });
    const modules = new Map<string, LoadedModule>();
    for (const guest of guests) modules.set(guest, await kernel.load(files.get(guest) ?? ''));
    const polite = await kernel.spawn({
      module: modules.get('courier')!,
      arguments: ['courier', 'echo'],
      grants: GRANTS,
      limits: UNLIMITED,
    });
    const bench = new Bench(kernel, modules, polite);
    await bench.rows('warm-up', null);
    const rows = await bench.rows('alone', null);
    const [program, agent] = rows.map(({ stats }) => stats!) as [Stats, Stats];
    for (const kind of HOSTILE) {
      for (const count of BESIDE) {
        rows.push(...(await bench.beside(kind, count, { program, agent })));
      }
    }
    polite.kill();
    await polite.exited;
    return rows;
  },
};
