/** One worker with more to do than it can: how soon who waits runs, how fair it is, how soon one ends. */

import { Worker } from 'node:worker_threads';
import { buildGuests } from '../scripts/build-guests.ts';
import { type Agent, type Kernel, type LoadedModule, openKernel } from '../src/index.ts';
import { type Part, quantile, type Row, type Stats, statsOf } from './measure.ts';

const LOOPS = 100;
/** Between two messages the echo has long been waiting again. */
const PAUSE_MS = { min: 3, max: 13 } as const;
const WAKES = 500;
const ROUND = 100;
const KILLS = 1_000;
const FAIR_MS = 8_000;
const IDLE = 1_000;
const IDLE_MS = 2_000;

/** Goals of the project, in milliseconds and as a ratio. */
const GOAL_MS = 5;
const GOAL_FAIR = 1.1;

type Modules = Readonly<Record<(typeof GUESTS)[number], LoadedModule>>;
const GUESTS = ['endless-loop', 'memory-walk', 'host-calls', 'puppet', 'sleeper'] as const;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const pause = (): Promise<void> =>
  sleep(PAUSE_MS.min + Math.random() * (PAUSE_MS.max - PAUSE_MS.min));

function row(
  name: string,
  value: string,
  stats: Stats,
  ratio: number | null = null,
  against = '',
): Row {
  return { part: 'scheduler', name, value, ratio, against, stats };
}

/**
 * Quantiles of milliseconds, over all and in the best round: others use the machine at times, and then
 * nothing of ours runs. The ratio is the best round's 99th to the goal.
 */
function times(name: string, ms: readonly number[]): Row {
  const rounds: number[] = [];
  for (let from = 0; from < ms.length; from += ROUND) {
    rounds.push(quantile(ms.slice(from, from + ROUND), 0.99));
  }
  const best = Math.min(...rounds);
  const [p50, p99] = [quantile(ms, 0.5), quantile(ms, 0.99)];
  const value = `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, best round's ${best.toFixed(2)} ms`;
  return row(name, value, statsOf(ms, 'ms'), best / GOAL_MS, `${GOAL_MS} ms, the goal for p99`);
}

async function spawnMany(
  kernel: Kernel,
  module: LoadedModule,
  count: number,
  args: readonly string[] = [],
): Promise<Agent[]> {
  const agents: Agent[] = [];
  for (let index = 0; index < count; index += 1) {
    agents.push(
      await kernel.spawn({ module, arguments: args, limits: { cpuTimeMs: 0, messages: 0 } }),
    );
  }
  return agents;
}

async function haveRun(agents: readonly Agent[], slices: number): Promise<void> {
  while (agents.some((agent) => agent.slices() < slices)) {
    await sleep(5);
  }
}

async function end(agents: readonly Agent[]): Promise<void> {
  for (const agent of agents) {
    agent.kill();
  }
  await Promise.all(agents.map(({ exited }) => exited));
}

/** What the machine alone does: a thread that computes a millisecond at a time, and answers in between. */
async function bareThread(): Promise<Row> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
    parentPort.on('message', (message) => parentPort.postMessage(message));
    const compute = () => {
      for (const until = performance.now() + 1; performance.now() < until; );
      setImmediate(compute);
    };
    compute();`,
    { eval: true },
  );
  const delays: number[] = [];
  for (let count = 0; count < WAKES; count += 1) {
    await pause();
    const sent = performance.now();
    const { promise, resolve } = Promise.withResolvers<unknown>();
    worker.once('message', resolve);
    worker.postMessage(null);
    await promise;
    delays.push(performance.now() - sent);
  }
  await worker.terminate();
  return times('a bare thread that computes by the millisecond answers', delays);
}

/** From the send of a message to the first word of who was waiting for it. */
async function wakeUps(kernel: Kernel, { puppet }: Modules): Promise<Row[]> {
  let answered: () => void = () => {};
  const echo = await kernel.spawn({
    module: puppet,
    grants: { ipc: 'all' },
    limits: { messages: 0, cpuTimeMs: 0 },
    stdin: 'receive\n'.repeat(WAKES),
    stdout: async () => answered(),
  });
  const wakes: number[] = [];
  for (let count = 0; count < WAKES; count += 1) {
    await pause();
    const { promise, resolve } = Promise.withResolvers<void>();
    answered = resolve;
    const sent = performance.now();
    await echo.send('a message');
    await promise;
    wakes.push(performance.now() - sent);
  }
  const { usage } = await echo.exited;
  return [
    times(`an echo wakes up beside ${LOOPS} endless loops`, wakes),
    row(
      'the longest wait of the echo for its turn in the worker',
      `${usage.longest_wait_ms.toFixed(2)} ms`,
      statsOf([usage.longest_wait_ms], 'ms'),
    ),
  ];
}

/** What the worker's event loop answers by itself: that a message is in the mailbox of who computes. */
async function eventLoopDelay(loops: readonly Agent[]): Promise<Row> {
  const delays: number[] = [];
  for (let count = 0; count < WAKES; count += 1) {
    await pause();
    const sent = performance.now();
    await loops[count % loops.length]?.send('never read');
    delays.push(performance.now() - sent);
  }
  return times('its event loop answers', delays);
}

async function kills(kernel: Kernel, module: LoadedModule, loops: Agent[]): Promise<Row> {
  const took: number[] = [];
  for (let count = 0; count < KILLS; count += 1) {
    const index = count % loops.length;
    const loop = loops[index] as Agent;
    await haveRun([loop], 1);
    await pause();
    const killed = performance.now();
    loop.kill();
    await loop.exited;
    took.push(performance.now() - killed);
    [loops[index]] = (await spawnMany(kernel, module, 1)) as [Agent];
  }
  return times(`${KILLS} kills of one of ${loops.length} endless loops`, took);
}

/** How much each agent got over the same time. */
async function shares(agents: readonly Agent[], of: (agent: Agent) => number): Promise<number[]> {
  const before = agents.map(of);
  await sleep(FAIR_MS);
  return agents.map((agent, index) => of(agent) - (before[index] ?? 0));
}

async function fairness(loops: readonly Agent[]): Promise<Row> {
  const fuel = await shares(loops, (loop) => loop.usage().fuel);
  const ratio = Math.max(...fuel) / Math.min(...fuel);
  const name = `fuel of ${loops.length} identical endless loops in ${FAIR_MS / 1000} s`;
  const stats = statsOf([ratio], 'largest over smallest');
  return row(name, 'largest over smallest', stats, ratio, `goal ${GOAL_FAIR}`);
}

async function fairnessOfKinds(kernel: Kernel, modules: Modules): Promise<Row[]> {
  const each = 20;
  const kinds = [
    ['computes', await spawnMany(kernel, modules['endless-loop'], each)],
    ['misses caches', await spawnMany(kernel, modules['memory-walk'], each)],
    [
      'calls the host',
      await spawnMany(kernel, modules['host-calls'], each, ['', 'clock', '2147483647']),
    ],
  ] as const;
  const all = kinds.flatMap(([, agents]) => agents);
  await haveRun(all, 5);
  const got = await shares(all, (agent) => agent.usage().cpu_time_ms);
  const total = got.reduce((sum, ms) => sum + ms, 0);
  const parts = kinds.map(([name], kind) => {
    const ms = got.slice(kind * each, (kind + 1) * each).reduce((sum, value) => sum + value, 0);
    return { name, share: ms / total };
  });
  await end(all);
  const shareOf = parts.map(({ share }) => share);
  const value = parts.map(({ name, share }) => `${name} ${(share * 100).toFixed(1)} %`).join(', ');
  const ratio = Math.max(...shareOf) / Math.min(...shareOf);
  const against = 'largest over smallest';
  const stats = statsOf([ratio], against);
  return [row(`CPU time of ${each} agents of each kind`, value, stats, ratio, against)];
}

async function idle(kernel: Kernel, module: LoadedModule): Promise<Row> {
  const agents: Agent[] = [];
  for (let count = 0; count < IDLE; count += 1) {
    agents.push(await kernel.spawn({ module, grants: { ipc: 'all' } }));
  }
  await sleep(500);
  const before = process.cpuUsage();
  await sleep(IDLE_MS);
  const { user, system } = process.cpuUsage(before);
  await end(agents);
  const share = (user + system) / 1000 / IDLE_MS;
  const percent = share * 100;
  const stats = statsOf([percent], '% of a core');
  return row(`CPU of ${IDLE} agents that wait`, `${percent.toFixed(2)} % of a core`, stats);
}

export const scheduler: Part = {
  name: 'scheduler',
  what: 'one worker with a hundred endless loops: wake-ups, kills, fairness',
  async run() {
    const { files } = await buildGuests({ only: [...GUESTS] });
    await using kernel = await openKernel({ workers: 1 });
    const loaded: [string, LoadedModule][] = [];
    for (const name of GUESTS) {
      loaded.push([name, await kernel.load(files.get(name) ?? '')]);
    }
    const modules = Object.fromEntries(loaded) as Modules;
    const rows = [await idle(kernel, modules.sleeper), await bareThread()];
    const loops = await spawnMany(kernel, modules['endless-loop'], LOOPS);
    await haveRun(loops, 20);
    rows.push(await fairness(loops));
    rows.push(...(await wakeUps(kernel, modules)));
    rows.push(await eventLoopDelay(loops));
    rows.push(await kills(kernel, modules['endless-loop'], loops));
    await end(loops);
    rows.push(...(await fairnessOfKinds(kernel, modules)));
    return rows;
  },
};
