/** How soon a polite agent answers beside 1, 10 and 100 hostile ones, of each kind, on the same workers. */

import { buildGuests } from '../scripts/build-guests.ts';
import { type Agent, openKernel } from '../src/index.ts';
import { type Part, type Row, statsOf } from './measure.ts';

const REQUESTS = 300;
const BESIDE = [1, 10, 100] as const;
/** Between two requests the polite agent has long been waiting again. */
const PAUSE_MS = 3;
const UNLIMITED = { fuel: 0, cpuTimeMs: 0, wallTimeMs: 0, messages: 0 } as const;

/** What hostile agents do. */
const KINDS = [
  { title: 'endless loops', guest: 'endless-loop', args: [] },
  { title: 'memory bombs', guest: 'memory-bomb', args: [] },
  { title: 'mailbox floods', guest: 'mailbox-flood', args: [] },
  { title: 'storms of host calls', guest: 'host-calls', args: ['', 'clock', '2147483647'] },
] as const;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Hostile agents that are there until they are ended: one that ends by itself is spawned anew. */
class Crowd {
  readonly #agents = new Set<Agent>();
  readonly #lives: Promise<void>[] = [];
  #ended = false;

  constructor(spawn: () => Promise<Agent>, count: number) {
    for (let index = 0; index < count; index += 1) this.#lives.push(this.#live(spawn));
  }

  async #live(spawn: () => Promise<Agent>): Promise<void> {
    while (!this.#ended) {
      const agent = await spawn();
      this.#agents.add(agent);
      if (this.#ended) agent.kill();
      await agent.exited;
      this.#agents.delete(agent);
    }
  }

  async end(): Promise<void> {
    this.#ended = true;
    for (const agent of this.#agents) agent.kill();
    await Promise.all(this.#lives);
  }
}

async function latencies(polite: Agent): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < REQUESTS; count += 1) {
    await sleep(PAUSE_MS);
    const startedAt = performance.now();
    await polite.request('are you there', { timeoutMs: 60_000 });
    times.push(performance.now() - startedAt);
  }
  return times;
}

function row(name: string, ms: readonly number[], base: number | null): Row {
  const stats = statsOf(ms, 'ms');
  return {
    part: 'isolation',
    name,
    value: `p50 ${stats.median.toFixed(2)} ms, p99 ${stats.p99.toFixed(2)} ms`,
    ratio: base === null ? null : stats.p99 / base,
    against: base === null ? '' : 'alone (p99)',
    stats,
    plot: 'a request of a polite agent',
  };
}

/** A polite agent beside hostile ones. */
export const isolation: Part = {
  name: 'isolation',
  what: 'how soon a polite agent answers beside hostile ones',
  async run() {
    const guests = KINDS.map(({ guest }) => guest);
    const { files } = await buildGuests({ only: ['echo', ...guests] });
    await using kernel = await openKernel();
    const echo = await kernel.load(files.get('echo') ?? '');
    const polite = await kernel.spawn({ module: echo, grants: { ipc: 'all' }, limits: UNLIMITED });
    await latencies(polite);
    const alone = row('alone', await latencies(polite), null);
    const rows: Row[] = [alone];
    for (const { title, guest, args } of KINDS) {
      const module = await kernel.load(files.get(guest) ?? '');
      for (const count of BESIDE) {
        const crowd = new Crowd(
          () =>
            kernel.spawn({
              module,
              arguments: [...args],
              limits: UNLIMITED,
              grants: { ipc: 'all' },
            }),
          count,
        );
        await sleep(200);
        const ms = await latencies(polite);
        await crowd.end();
        rows.push(row(`beside ${count} ${title}`, ms, alone.stats?.p99 ?? null));
      }
    }
    polite.kill();
    await polite.exited;
    return rows;
  },
};
