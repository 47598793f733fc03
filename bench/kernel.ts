/** The kernel: agents from spawn to exit, messages, requests, those that wait, those that crash. Erlang beside it. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildGuests } from '../scripts/build-guests.ts';
import { type Agent, type Kernel, type LoadedModule, openKernel } from '../src/index.ts';
import { median, type Part, quantile, type Row } from './measure.ts';

const SPAWNS = 10_000;
const AT_A_TIME = 256;
const SPAWNS_MORE = 100_000;
/** Pairs that talk at the same time, and messages of each. */
const PAIRS = 32;
const MESSAGES = 10_000;
const REQUESTS = 5_000;
const WAITING = 10_000;
const CRASHING = 1_000;
const IDLE_MS = 2_000;
/** Restarts that are allowed: all of them. */
const INTENSITY = CRASHING + 1;

const row = (name: string, value: string, ratio: number | null = null, against = ''): Row => ({
  part: 'kernel',
  name,
  value,
  ratio,
  against,
});

const perSecond = (count: number, ms: number): string =>
  `${Math.round((count / ms) * 1000).toLocaleString('en')}/s`;

const micros = (ms: number): string => `${(ms * 1000).toFixed(1)} µs`;

/** What Erlang takes for the same, in its own words: see kernel.escript. Null: it is not installed. */
type Erlang = Readonly<Record<'spawn' | 'messages' | 'request_us', number>> | null;

function erlang(): Erlang {
  const script = fileURLToPath(new URL('kernel.escript', import.meta.url));
  try {
    return JSON.parse(execFileSync('escript', [script], { encoding: 'utf8', timeout: 120_000 }));
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') {
      return null;
    }
    throw error;
  }
}

async function spawnAll(kernel: Kernel, module: LoadedModule, count: number): Promise<number> {
  const startedAt = performance.now();
  let left = count;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const { exited } = await kernel.spawn({ module, arguments: ['courier', 'none'] });
      await exited;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, one));
  return performance.now() - startedAt;
}

async function ofSpawns(file: string, beside: Erlang): Promise<Row[]> {
  await using kernel = await openKernel();
  const module = await kernel.load(file);
  await spawnAll(kernel, module, SPAWNS);
  const ms = await spawnAll(kernel, module, SPAWNS);
  const latencies: number[] = [];
  for (let count = 0; count < 2_000; count += 1) {
    const startedAt = performance.now();
    const { exited } = await kernel.spawn({ module, arguments: ['courier', 'none'] });
    await exited;
    latencies.push(performance.now() - startedAt);
  }
  const before = process.memoryUsage.rss();
  await spawnAll(kernel, module, SPAWNS_MORE);
  const grown = (process.memoryUsage.rss() - before) / 1e6;
  const rate = (SPAWNS / ms) * 1000;
  return [
    row(
      'spawn to exit, 10,000 agents',
      perSecond(SPAWNS, ms),
      beside === null ? null : beside.spawn / rate,
      beside === null ? '' : `Erlang (${Math.round(beside.spawn).toLocaleString('en')}/s)`,
    ),
    row(
      '… one by one',
      `p50 ${micros(median(latencies))}, p99 ${micros(quantile(latencies, 0.99))}`,
    ),
    row('… 100,000 more', `${grown.toFixed(0)} MB grown`),
  ];
}

const GRANTS = { ipc: 'all' } as const;

async function courier(
  kernel: Kernel,
  module: LoadedModule,
  ...words: readonly (string | number)[]
): Promise<Agent> {
  const limits = { messages: 0, wallTimeMs: 0, cpuTimeMs: 0, fuel: 0 };
  const args = ['courier', ...words.map(String)];
  return kernel.spawn({ module, arguments: args, grants: GRANTS, limits });
}

/** Messages in a second, of pairs whose sender and receiver are on one worker, or on two. */
async function messages(file: string, workers: number): Promise<number> {
  await using kernel = await openKernel({ workers });
  const module = await kernel.load(file);
  const once = async (count: number): Promise<number> => {
    const startedAt = performance.now();
    const agents: Agent[] = [];
    for (let pair = 0; pair < PAIRS; pair += 1) {
      // A kernel gives a new agent to the worker with the fewest: these take turns.
      const sink = await courier(kernel, module, 'sink', count);
      agents.push(sink, await courier(kernel, module, 'source', sink.pid, count));
    }
    await Promise.all(agents.map(({ exited }) => exited));
    return performance.now() - startedAt;
  };
  await once(1_000);
  const times = [await once(MESSAGES), await once(MESSAGES), await once(MESSAGES)];
  return ((PAIRS * MESSAGES) / Math.min(...times)) * 1000;
}

/** Nanoseconds of requests, each from its sending to its reply. */
async function requests(file: string, workers: number): Promise<number[]> {
  await using kernel = await openKernel({ workers });
  const module = await kernel.load(file);
  const echo = await courier(kernel, module, 'echo');
  const ask = async (): Promise<number[]> => {
    const asker = await kernel.spawn({
      module,
      arguments: ['courier', 'ask', String(echo.pid), String(REQUESTS)],
      grants: { ...GRANTS, clocks: 'exact' } as const,
      limits: { messages: 0, fuel: 0 },
    });
    await asker.exited;
    return Buffer.from(asker.stdout).toString().trim().split(' ').map(Number);
  };
  await ask();
  // Awaited: the kernel is closed when this function returns.
  return await ask();
}

async function ofMessages(file: string, beside: Erlang): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, workers] of [
    ['within a worker', 1],
    ['across workers', 2],
  ] as const) {
    const rate = await messages(file, workers);
    rows.push(
      row(
        `messages, ${PAIRS} pairs, ${name}`,
        `${Math.round(rate).toLocaleString('en')}/s`,
        beside === null ? null : beside.messages / rate,
        beside === null ? '' : `Erlang (${Math.round(beside.messages).toLocaleString('en')}/s)`,
      ),
    );
  }
  for (const [name, workers] of [
    ['within a worker', 1],
    ['across workers', 2],
  ] as const) {
    const times = await requests(file, workers);
    const p50 = median(times) / 1e3;
    rows.push(
      row(
        `request and reply, ${name}`,
        `p50 ${p50.toFixed(1)} µs, p99 ${(quantile(times, 0.99) / 1e3).toFixed(1)} µs`,
        beside === null ? null : p50 / beside.request_us,
        beside === null ? '' : `Erlang (${beside.request_us.toFixed(1)} µs)`,
      ),
    );
  }
  return rows;
}

async function ofWaiting(file: string): Promise<Row[]> {
  await using kernel = await openKernel({ capacity: WAITING });
  const module = await kernel.load(file);
  const settled = async (): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return process.memoryUsage.rss();
  };
  await spawnAll(kernel, module, SPAWNS);
  const before = await settled();
  const agents: Agent[] = [];
  for (let count = 0; count < WAITING; count += 1) {
    agents.push(await courier(kernel, module, 'wait'));
  }
  while (agents.some(({ state }) => state !== 'running')) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const each = ((await settled()) - before) / WAITING / 1024;
  const cpuBefore = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const { user, system } = process.cpuUsage(cpuBefore);
  const idle = (user + system) / 1000 / IDLE_MS;
  const startedAt = performance.now();
  await Promise.all(agents.map((agent) => agent.send('go')));
  await Promise.all(agents.map(({ exited }) => exited));
  const woken = performance.now() - startedAt;
  return [
    row(`${WAITING.toLocaleString('en')} agents that wait`, `${each.toFixed(1)} KiB of RSS each`),
    row('… idle', `${(idle * 100).toFixed(2)} % of a core`),
    row('… woken, and ended', perSecond(WAITING, woken)),
  ];
}

async function ofCrash(file: string): Promise<Row[]> {
  await using kernel = await openKernel({ capacity: 2 * CRASHING });
  const module = await kernel.load(file);
  const children = Array.from({ length: CRASHING }, (_, index) => ({
    id: `child ${index}`,
    module,
    arguments: ['courier', 'wait'],
    grants: GRANTS,
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
  const inOrder = ids.every((id, index) => id === `child ${index}`);
  return [
    row(
      `a crash of ${CRASHING.toLocaleString('en')}, all running again`,
      `${ms.toFixed(0)} ms, ${inOrder ? 'in order' : 'OUT OF ORDER'}`,
    ),
  ];
}

/** Spawns, messages, waiting and crashes through the kernel. */
export const kernel: Part = {
  name: 'kernel',
  what: 'spawn to exit, messages, requests, 10,000 that wait, 1,000 that crash',
  async run() {
    const file = (await buildGuests({ only: ['courier'] })).files.get('courier');
    if (file === undefined) {
      throw new Error('courier was not built');
    }
    const beside = erlang();
    return [
      ...(await ofSpawns(file, beside)),
      ...(await ofMessages(file, beside)),
      ...(await ofWaiting(file)),
      ...(await ofCrash(file)),
    ];
  },
};
