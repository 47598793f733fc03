/** Messages by the size of their bodies, and requests idle and under load; within a worker and across two. */

import { type Kernel, type LoadedModule, openKernel } from '../src/index.ts';
import { courier, courierFile, done } from './courier.ts';
import { erlang } from './erlang.ts';
import { latencyRows } from './latency.ts';
import { median, type Part, timeAsync } from './measure.ts';
import { type Program, valuesInTurns } from './rounds.ts';
import { Rows } from './rows.ts';
import { number } from './table.ts';

/** Pairs that talk at the same time. */
const PAIRS = 32;
const ROUNDS = 3;
const MIB = 1024 * 1024;
/** Erlang shares what is larger among processes, and copies the rest: its guide to efficiency, "Binaries". */
const ERLANG_COPIES = 64;
/** Bodies, and how many of them each pair sends in a round. */
const SIZES = [
  { shown: '16 B', bytes: 16, each: 3_000 },
  { shown: '1 KiB', bytes: 1024, each: 1_500 },
  { shown: '64 KiB', bytes: 64 * 1024, each: 60 },
  { shown: '1 MiB', bytes: MIB, each: 4 },
] as const;
const WAYS = ['within a worker', 'across workers', 'Erlang'] as const;

/** Messages a second: each pair has a sender and a receiver, who looks at each body's size. */
async function rate(
  kernel: Kernel,
  module: LoadedModule,
  each: number,
  bytes: number,
): Promise<number> {
  const ms = await timeAsync(async () => {
    const ends: Promise<void>[] = [];
    for (let pair = 0; pair < PAIRS; pair += 1) {
      // A kernel gives a new agent to the worker with the fewest: these take turns.
      const sink = await courier(kernel, module, 'sink', each, bytes);
      const source = await courier(kernel, module, 'source', sink.pid, each, bytes);
      ends.push(done(sink), done(source));
    }
    await Promise.all(ends);
  });
  return ((PAIRS * each) / ms) * 1000;
}

/** Of one size: messages a second of all ways in turns. */
async function ratesOf(kernels: readonly Kernel[], file: string, size: (typeof SIZES)[number]) {
  const { bytes, each } = size;
  const programs: Program[] = [];
  for (const kernel of kernels) {
    const module = await kernel.load(file);
    await rate(kernel, module, Math.ceil(each / 4), bytes);
    programs.push(() => rate(kernel, module, each, bytes));
  }
  const beside = (): number | undefined => erlang(['messages', PAIRS, each, bytes])?.[0];
  if (beside() !== undefined) programs.push(async () => beside() ?? Number.NaN);
  return valuesInTurns(ROUNDS, programs);
}

export const messages: Part = {
  name: 'messages',
  what: 'messages by size, requests idle and under load, within a worker and across',
  async run() {
    const file = await courierFile();
    const rows = new Rows('messages');
    await using one = await openKernel({ workers: 1 });
    await using two = await openKernel({ workers: 2 });
    const growth = WAYS.map((): [number, number][] => []);
    for (const size of SIZES) {
      const rates = await ratesOf([one, two], file, size);
      const best = rates.map((values) => Math.max(...values));
      const title = `messages of ${size.shown}`;
      rates.forEach((values, index) => {
        growth[index]?.push([size.bytes, median(values)]);
        const shared = size.bytes > ERLANG_COPIES;
        const isErlang = WAYS[index] === 'Erlang';
        const reference = isErlang ? undefined : best[WAYS.indexOf('Erlang')];
        rows.add(`${title}: ${WAYS[index]}`, values, 'a second', {
          better: 'more',
          plot: title,
          note:
            isErlang && shared
              ? 'bodies are shared, not copied'
              : `${number((median(values) * size.bytes) / MIB)} MiB/s`,
          ...(reference === undefined
            ? {}
            : {
                ratio: reference / (best[index] ?? Number.NaN),
                against: shared ? 'Erlang, which copies no such body' : 'Erlang',
              }),
        });
      });
    }
    for (const way of ['within a worker', 'across workers'] as const) {
      const points = growth[WAYS.indexOf(way)] ?? [];
      rows.grows(`messages a second by bytes, ${way}`, points, 'a second');
      const volume = points.map(([bytes, each]) => [bytes, (each * bytes) / MIB] as const);
      rows.grows(`MiB a second by bytes, ${way}`, volume, 'MiB a second');
    }
    await latencyRows(rows, file);
    return rows.all;
  },
};
