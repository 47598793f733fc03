/** The kernel: agents from spawn to exit, those that wait, those that crash. Erlang beside the first. */

import { type Agent, type Kernel, type LoadedModule, openKernel } from '../src/index.ts';
import { courier, courierFile, done } from './courier.ts';
import { erlang } from './erlang.ts';
import { type Part, timeAsync } from './measure.ts';
import { type Program, valuesInTurns } from './rounds.ts';
import { Rows } from './rows.ts';

const SPAWNS = 10_000;
const AT_A_TIME = 256;
const SPAWNS_MORE = 100_000;
const ROUNDS = 3;
const WAITING = 10_000;
const CRASHING = 1_000;
/** Until agents that have started do nothing more. */
const SETTLED_MS = 1_000;
const IDLE_MS = 1_000;
const MIB = 1024 * 1024;
/** Restarts that are allowed: all of them. */
const INTENSITY = CRASHING + 1;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function spawnAll(kernel: Kernel, module: LoadedModule, count: number): Promise<number> {
  const startedAt = performance.now();
  let left = count;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await done(await courier(kernel, module, 'none'));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, one));
  return performance.now() - startedAt;
}

async function ofSpawns(rows: Rows, file: string): Promise<void> {
  await using kernel = await openKernel();
  const module = await kernel.load(file);
  await spawnAll(kernel, module, SPAWNS);
  const rateOf = (ms: number): number => (SPAWNS / ms) * 1000;
  const programs: Program[] = [async () => rateOf(await spawnAll(kernel, module, SPAWNS))];
  const beside = (): number | undefined => erlang(['spawns', 10 * SPAWNS])?.[0];
  if (beside() !== undefined) programs.push(async () => beside() ?? Number.NaN);
  const [ours = [], erlangs] = await valuesInTurns(ROUNDS, programs);
  const title = `spawn to exit, ${AT_A_TIME} at a time`;
  const unit = 'a second';
  rows.add(`${title}: ringfence`, ours, unit, {
    better: 'more',
    plot: title,
    ...(erlangs === undefined
      ? {}
      : { ratio: Math.max(...erlangs) / Math.max(...ours), against: 'Erlang' }),
  });
  if (erlangs !== undefined) {
    rows.add(`${title}: Erlang`, erlangs, unit, { better: 'more', plot: title });
  }
  const latencies: number[] = [];
  for (let count = 0; count < 2_000; count += 1) {
    latencies.push(
      1000 * (await timeAsync(async () => done(await courier(kernel, module, 'none')))),
    );
  }
  rows.add('spawn to exit, one by one', latencies, 'µs', { p99: true });
  const before = process.memoryUsage.rss();
  await spawnAll(kernel, module, SPAWNS_MORE);
  const grown = (process.memoryUsage.rss() - before) / MIB;
  rows.add('memory grown by 100,000 more', [grown], 'MiB');
}

async function ofWaiting(rows: Rows, file: string): Promise<void> {
  await using kernel = await openKernel({ capacity: WAITING });
  const module = await kernel.load(file);
  const agents: Agent[] = [];
  for (let count = 0; count < WAITING; count += 1) {
    agents.push(await courier(kernel, module, 'wait'));
  }
  while (agents.some(({ state }) => state !== 'running')) await sleep(100);
  await sleep(SETTLED_MS);
  const shares: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const cpuBefore = process.cpuUsage();
    await sleep(IDLE_MS);
    const { user, system } = process.cpuUsage(cpuBefore);
    shares.push((user + system) / 10 / IDLE_MS);
  }
  const name = `${WAITING.toLocaleString('en')} agents that wait`;
  rows.add(`${name}: idle`, shares, '% of a core');
  const ms = await timeAsync(async () => {
    await Promise.all(agents.map((agent) => agent.send('go')));
    await Promise.all(agents.map(done));
  });
  rows.add(`${name}: woken, and ended`, [(WAITING / ms) * 1000], 'a second', { better: 'more' });
}

async function ofCrash(rows: Rows, file: string): Promise<void> {
  await using kernel = await openKernel({ capacity: 2 * CRASHING });
  const module = await kernel.load(file);
  const children = Array.from({ length: CRASHING }, (_, index) => ({
    id: `child ${index}`,
    module,
    arguments: ['courier', 'wait'],
    grants: { ipc: 'all' } as const,
  }));
  await using supervisor = await kernel.supervise({
    strategy: 'one_for_one',
    intensity: INTENSITY,
    backoff: { initialMs: 0 },
    children,
  });
  const running = (): number =>
    supervisor.children().filter(({ state }) => state === 'running').length;
  const pids = new Set(supervisor.children().map(({ pid }) => pid));
  const startedAt = performance.now();
  for (const { pid } of supervisor.children()) {
    kernel.kill(pid ?? 0);
  }
  for (;;) {
    const again = supervisor.children().filter(({ pid }) => pid !== null && !pids.has(pid)).length;
    if (again === CRASHING && running() === CRASHING) {
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const ms = performance.now() - startedAt;
  const ids = supervisor.children().map(({ id }) => id);
  if (!ids.every((id, index) => id === `child ${index}`)) throw new Error('they are out of order');
  const name = `a crash of ${CRASHING.toLocaleString('en')}, all running again, in order`;
  rows.add(name, [ms], 'ms');
}

/** Spawns, waiting and crashes through the kernel. */
export const kernel: Part = {
  name: 'kernel',
  what: 'spawn to exit, 10,000 that wait, 1,000 that crash',
  async run() {
    const file = await courierFile();
    const rows = new Rows('kernel');
    await ofSpawns(rows, file);
    await ofWaiting(rows, file);
    await ofCrash(rows, file);
    return rows.all;
  },
};
