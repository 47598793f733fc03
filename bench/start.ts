/** From start to exit: agents of a small module, in a worker by itself and through the kernel. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildGuests } from '../scripts/build-guests.ts';
import { type Isolation, openKernel } from '../src/index.ts';
import { type PreparedModule, prepareModule } from '../src/wasm/component/prepare/prepare.ts';
import { BATCH, InProcessWorker } from './in-process-worker.ts';
import { median, type Part, quantile, type Row } from './measure.ts';
import { onThreads } from './start-thread.ts';

const ONE_BY_ONE = 2_000;
const AT_A_TIME = 64;
const MANY = 10_000;
/** Agents in a thread or a process of their own: each loads our code anew. */
const OF_THEIR_OWN = 20;
/** Starts of a round in a worker of this thread, and rounds; the least counts. */
const ROUND = 4_096;
const ROUNDS = 12;
/** So many starts until all is as large as it gets, then so many to see whether anything stays. */
const SETTLING = 200_000;
const ENDURANCE = 1_000_000;
/** Agents that wait for a message at once. */
const WAITING = 2_000;

function plainStarts(): number {
  // The same number of instantiations of a trivial module: what V8 alone takes.
  const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 0, 1]);
  const module = new WebAssembly.Module(bytes);
  const times: number[] = [];
  for (let count = 0; count < ONE_BY_ONE; count += 1) {
    const started = performance.now();
    new WebAssembly.Instance(module);
    times.push(performance.now() - started);
  }
  return median(times);
}

const row = (name: string, value: string, ratio: number | null = null, against = ''): Row => ({
  part: 'start',
  name,
  value,
  ratio,
  against,
});

/** Milliseconds for one start, run and drop, the least of some rounds. */
async function startMs(worker: InProcessWorker): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    for (let done = 0; done < ROUND; done += BATCH) {
      await worker.run(BATCH);
    }
    least = Math.min(least, (performance.now() - startedAt) / ROUND);
  }
  return least;
}

const micros = (ms: number): string => `${(ms * 1000).toFixed(1)} µs`;

/** What a worker takes for a start by itself, with fresh instances and with restored ones. */
async function ofOneThread(file: string): Promise<Row[]> {
  const module = await prepareModule(new Uint8Array(readFileSync(file)), { cacheDirectory: null });
  const v8 = plainStarts();
  const unpooled = await startMs(new InProcessWorker(module, BATCH, false, false));
  const fresh = await startMs(new InProcessWorker(module, BATCH, false));
  const restoring = new InProcessWorker(module, BATCH, true);
  const restored = await startMs(restoring);
  const endure = async (starts: number): Promise<void> => {
    for (let done = 0; done < starts; done += BATCH) {
      await restoring.run(BATCH);
    }
  };
  await endure(SETTLING);
  const before = process.memoryUsage.rss();
  await endure(ENDURANCE);
  const grown = (process.memoryUsage.rss() - before) / 1e6;
  const against = 'a bare WebAssembly.Instance with a memory';
  return [
    row('one thread, fresh instance, new memory', micros(unpooled), unpooled / v8, against),
    row('one thread, fresh instance', micros(fresh), fresh / v8, against),
    row('one thread, restored instance', micros(restored), restored / v8, against),
    row('one thread, 1,000,000 starts more', `${grown.toFixed(0)} MB grown`),
    ...(await ofTwoThreads(module, false)),
    ...(await ofTwoThreads(module, true)),
  ];
}

/**
 * Two threads against one, each with a worker of its own. V8 does some of the work for both under locks, and
 * its collector's threads need the same cores: what each start takes of its own thread stands beside it.
 */
async function ofTwoThreads(module: PreparedModule, reuse: boolean): Promise<Row[]> {
  const [one] = await onThreads(1, module, reuse);
  const two = await onThreads(2, module, reuse);
  const perSecond = two.reduce((sum, each) => sum + each.perSecond, 0);
  const cpu = two.reduce((sum, each) => sum + each.cpuMicroseconds, 0) / two.length;
  const shown = (starts: number, micros: number): string =>
    `${starts.toFixed(0)}/s, ${micros.toFixed(1)} µs CPU each`;
  const kind = reuse ? 'restored' : 'fresh';
  return [
    row(`one thread for 2 s, ${kind}`, shown(one!.perSecond, one!.cpuMicroseconds)),
    row('… two threads', shown(perSecond, cpu), perSecond / one!.perSecond, 'one thread'),
  ];
}

/** Loading: prepared anew, and found in the cache. */
async function ofLoading(file: string): Promise<Row[]> {
  const cacheDirectory = mkdtempSync(join(tmpdir(), 'ringfence-bench-'));
  try {
    const load = async (): Promise<number> => {
      await using kernel = await openKernel({ cacheDirectory });
      const startedAt = performance.now();
      await kernel.load(file);
      return performance.now() - startedAt;
    };
    const cold = await load();
    const cached = await load();
    return [
      row('loading, cold', `${cold.toFixed(0)} ms`),
      row('loading, cached', `${cached.toFixed(1)} ms`, cached / cold, 'cold'),
    ];
  } finally {
    rmSync(cacheDirectory, { recursive: true, force: true });
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
      const agent = await kernel.spawn({ module });
      await agent.exited;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  return MANY / ((performance.now() - startedAt) / 1000);
}

/** Resident memory of an agent that waits for a message. */
async function ofWaiting(file: string): Promise<Row[]> {
  await using kernel = await openKernel({ workers: 1 });
  const module = await kernel.load(file);
  const grants = { ipc: 'all' } as const;
  const spawnMany = (count: number) =>
    Promise.all(Array.from({ length: count }, () => kernel.spawn({ module, grants })));
  const first = await spawnMany(200);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = process.memoryUsage.rss();
  const agents = await spawnMany(WAITING);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const each = (process.memoryUsage.rss() - before) / WAITING / 1024;
  for (const agent of [...first, ...agents]) agent.kill();
  await Promise.all([...first, ...agents].map(({ exited }) => exited));
  return [row('resident memory of a waiting agent', `${each.toFixed(1)} KiB of ${WAITING}`)];
}

export const start: Part = {
  name: 'start',
  what: 'loading, and from spawn to exit of `hello`',
  async run() {
    const { files } = await buildGuests({ only: ['hello', 'echo'] });
    const file = files.get('hello');
    const echo = files.get('echo');
    if (file === undefined || echo === undefined) {
      throw new Error('hello or echo was not built');
    }
    const loading = await ofLoading(file);
    const oneThread = await ofOneThread(file);
    const onOne = await perSecond(file, 1);
    const onTwo = await perSecond(file, 2);
    const waiting = await ofWaiting(echo);
    await using kernel = await openKernel();
    const module = await kernel.load(file);
    const once = async (isolation: Isolation = 'shared'): Promise<void> => {
      const agent = await kernel.spawn({ module, isolation });
      const { exit } = await agent.exited;
      if (exit.reason !== 'normal') {
        throw new Error(`hello ended with ${exit.reason}: ${exit.message}`);
      }
    };
    for (let count = 0; count < 200; count += 1) {
      await once();
    }
    const times: number[] = [];
    for (let count = 0; count < ONE_BY_ONE; count += 1) {
      const started = performance.now();
      await once();
      times.push(performance.now() - started);
    }
    const ofTheirOwn: Row[] = [];
    for (const isolation of ['thread', 'process'] as const) {
      const own: number[] = [];
      for (let count = 0; count < OF_THEIR_OWN; count += 1) {
        const startedAt = performance.now();
        await once(isolation);
        own.push(performance.now() - startedAt);
      }
      const ratio = median(own) / median(times);
      const name = `isolation ${isolation}, one by one, p50`;
      ofTheirOwn.push(
        row(name, `${median(own).toFixed(0)} ms`, ratio, 'isolation shared, one by one'),
      );
    }
    return [
      ...loading,
      ...oneThread,
      row('kernel, one by one, p50', micros(median(times))),
      row('kernel, one by one, p99', micros(quantile(times, 0.99))),
      row(`kernel, ${MANY}, ${AT_A_TIME} at a time, one worker`, `${onOne.toFixed(0)}/s`),
      row('… two workers', `${onTwo.toFixed(0)}/s`, onTwo / onOne, 'one worker'),
      ...waiting,
      ...ofTheirOwn,
    ];
  },
};
