/** From start to exit: loading, agents of a small module in a worker by itself and through the kernel. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildGuests } from '../scripts/build-guests.ts';
import { type Isolation, type Kernel, type LoadedModule, openKernel } from '../src/index.ts';
import { type PreparedModule, prepareModule } from '../src/wasm/component/prepare/prepare.ts';
import { BATCH, InProcessWorker } from './in-process-worker.ts';
import { median, type Part } from './measure.ts';
import { readProgram } from './metering/programs.ts';
import { type Program, valuesInTurns } from './rounds.ts';
import { Rows } from './rows.ts';
import { onThreads } from './start-thread.ts';

const ONE_BY_ONE = 2_000;
const WARM_UP = 200;
const AT_A_TIME = 64;
const MANY = 10_000;
/** Agents in a thread or a process of their own: each loads our code anew. */
const OF_THEIR_OWN = 20;
/** Starts of a round in a worker of this thread, and rounds. */
const ROUND = 4_096;
const ROUNDS = 12;
const RATE_ROUNDS = 3;
const LOADS = 5;
/** So many starts until all is as large as it gets, then so many to see whether anything stays. */
const SETTLING = 200_000;
const ENDURANCE = 1_000_000;

/** Microseconds of an instantiation of a trivial module, the middle of many: what V8 alone takes. */
function plainMicros(): number {
  const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 0, 1]);
  const module = new WebAssembly.Module(bytes);
  const times: number[] = [];
  for (let count = 0; count < ONE_BY_ONE; count += 1) {
    const started = performance.now();
    new WebAssembly.Instance(module);
    times.push((performance.now() - started) * 1_000);
  }
  return median(times);
}

/** Microseconds for one start, run and drop, the mean of a round. */
const startMicros =
  (worker: InProcessWorker): Program =>
  async () => {
    const startedAt = performance.now();
    for (let done = 0; done < ROUND; done += BATCH) await worker.run(BATCH);
    return ((performance.now() - startedAt) / ROUND) * 1_000;
  };

/** What a worker takes for a start by itself, with fresh instances and with restored ones. */
async function ofOneThread(rows: Rows, file: string): Promise<void> {
  const module = await prepareModule(new Uint8Array(readFileSync(file)), { cacheDirectory: null });
  const restoring = new InProcessWorker(module, BATCH, true);
  const [plain = [], unpooled = [], fresh = [], restored = []] = await valuesInTurns(ROUNDS, [
    async () => plainMicros(),
    startMicros(new InProcessWorker(module, BATCH, false, false)),
    startMicros(new InProcessWorker(module, BATCH, false)),
    startMicros(restoring),
  ]);
  const against = 'a bare WebAssembly.Instance with a memory';
  rows.add(against, plain, 'µs');
  for (const [name, values] of [
    ['warm, in one thread: fresh instance, new memory', unpooled],
    ['warm, in one thread: fresh instance', fresh],
    ['warm, in one thread: restored instance', restored],
  ] as const) {
    const ratio = Math.min(...values) / Math.min(...plain);
    rows.add(name, values, 'µs', { ratio, against, plot: 'a start in one thread' });
  }
  const endure = async (starts: number): Promise<void> => {
    for (let done = 0; done < starts; done += BATCH) await restoring.run(BATCH);
  };
  await endure(SETTLING);
  const before = process.memoryUsage.rss();
  await endure(ENDURANCE);
  const grown = (process.memoryUsage.rss() - before) / 1e6;
  rows.add('memory grown by a million starts more', [grown], 'MB');
  await ofTwoThreads(rows, module, false);
  await ofTwoThreads(rows, module, true);
}

/**
 * Two threads against one, each with a worker of its own. V8 does some of the work for both under locks, and
 * its collector's threads need the same cores: what each start takes of its own thread stands beside it.
 */
async function ofTwoThreads(rows: Rows, module: PreparedModule, reuse: boolean): Promise<void> {
  const [one] = await onThreads(1, module, reuse);
  const two = await onThreads(2, module, reuse);
  const perSecond = two.reduce((sum, each) => sum + each.perSecond, 0);
  const cpu = two.reduce((sum, each) => sum + each.cpuMicroseconds, 0) / two.length;
  const note = (micros: number): string => `${micros.toFixed(1)} µs CPU each`;
  const kind = reuse ? 'restored' : 'fresh';
  const better = 'more';
  rows.add(`one thread for 2 s, ${kind}`, [one!.perSecond], 'a second', {
    better,
    note: note(one!.cpuMicroseconds),
  });
  rows.add(`two threads for 2 s, ${kind}`, [perSecond], 'a second', {
    better,
    note: note(cpu),
    ratio: perSecond / one!.perSecond,
    against: 'one thread',
  });
}

/** Milliseconds in which a new kernel loads a file. */
async function loadMs(file: string, cacheDirectory: string): Promise<number> {
  await using kernel = await openKernel({ cacheDirectory });
  const startedAt = performance.now();
  await kernel.load(file);
  return performance.now() - startedAt;
}

/** Loading: of a file that was never seen, and of one that is in the cache. Its threads start meanwhile. */
async function ofLoading(rows: Rows, name: string, file: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
  try {
    let caches = 0;
    const [cold = [], cached = []] = await valuesInTurns(LOADS, [
      () => {
        caches += 1;
        return loadMs(file, join(folder, `cold-${caches}`));
      },
      async () => {
        const cache = join(folder, 'warm');
        await loadMs(file, cache);
        return loadMs(file, cache);
      },
    ]);
    rows.add(`loading ${name}, cold`, cold, 'ms', { plot: 'loading' });
    const ratio = Math.min(...cached) / Math.min(...cold);
    rows.add(`loading ${name}, cached`, cached, 'ms', { plot: 'loading', ratio, against: 'cold' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** SQLite's shell, 1.4 MB, where it was built: `node scripts/build-programs.ts`. */
async function ofLoadingSqlite(rows: Rows): Promise<void> {
  const bytes = readProgram('sqlite3');
  if (typeof bytes === 'string') return;
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
  try {
    const file = join(folder, 'sqlite3.wasm');
    writeFileSync(file, bytes);
    await ofLoading(rows, "SQLite's shell", file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Agents a second through the kernel, many at a time. */
async function perSecond(file: string, workers: number): Promise<number> {
  await using kernel = await openKernel({ workers });
  const module = await kernel.load(file);
  let left = 2_000 + MANY;
  let startedAt = 0;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      if (left === MANY) startedAt = performance.now();
      left -= 1;
      await once(kernel, module);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  return MANY / ((performance.now() - startedAt) / 1000);
}

/** @throws {Error} where it does not end as it should */
async function once(
  kernel: Kernel,
  module: LoadedModule,
  isolation: Isolation = 'shared',
): Promise<void> {
  const agent = await kernel.spawn({ module, isolation });
  const { exit } = await agent.exited;
  if (exit.reason !== 'normal') throw new Error(`ended with ${exit.reason}: ${exit.message}`);
}

async function ofKernel(rows: Rows, file: string): Promise<void> {
  await using kernel = await openKernel();
  const module = await kernel.load(file);
  const timed = async (count: number, isolation: Isolation): Promise<number[]> => {
    const times: number[] = [];
    for (let each = 0; each < count; each += 1) {
      const startedAt = performance.now();
      await once(kernel, module, isolation);
      times.push(performance.now() - startedAt);
    }
    return times;
  };
  await timed(WARM_UP, 'shared');
  const shared = await timed(ONE_BY_ONE, 'shared');
  const micros = shared.map((ms) => ms * 1_000);
  rows.add('spawn to exit, one by one', micros, 'µs', { p99: true });
  for (const isolation of ['thread', 'process'] as const) {
    const own = await timed(OF_THEIR_OWN, isolation);
    const ratio = median(own) / median(shared);
    const beside = { ratio, against: 'isolation shared', plot: 'isolation' };
    rows.add(`spawn to exit, isolation ${isolation}, from source`, own, 'ms', beside);
  }
}

export const start: Part = {
  name: 'start',
  what: 'loading, and from spawn to exit of `hello`',
  async run() {
    const file = (await buildGuests({ only: ['hello'] })).files.get('hello');
    if (file === undefined) throw new Error('hello was not built');
    const rows = new Rows('start');
    await ofLoading(rows, 'hello', file);
    await ofLoadingSqlite(rows);
    await ofOneThread(rows, file);
    const [one = [], two = []] = await valuesInTurns(RATE_ROUNDS, [
      () => perSecond(file, 1),
      () => perSecond(file, 2),
    ]);
    const better = 'more';
    rows.add('spawn to exit, 64 at a time, one worker', one, 'a second', { better });
    const ratio = Math.max(...two) / Math.max(...one);
    rows.add('spawn to exit, 64 at a time, two workers', two, 'a second', {
      better,
      ratio,
      against: 'one worker',
    });
    await ofKernel(rows, file);
    return rows.all;
  },
};
