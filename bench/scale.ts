/**
 * How things grow: from 1 to 10,000 agents, and from one worker to as many as there are cores. The exponent is
 * the slope of the line through the points where both scales are logarithmic: 1 is in proportion, 0 is flat.
 */

import { availableParallelism } from 'node:os';
import { buildGuests } from '../scripts/build-guests.ts';
import { type Agent, type Kernel, type LoadedModule, openKernel } from '../src/index.ts';
import { median, type Part, type Row, statsOf } from './measure.ts';

const COUNTS = [1, 10, 100, 1_000, 10_000] as const;
const MOST = 10_000;
const SAMPLES = 200;
const AT_A_TIME = 64;
const STARTS = 4_000;
const UNLIMITED = { fuel: 0, cpuTimeMs: 0, wallTimeMs: 0, messages: 0 } as const;
const GRANTS = { ipc: 'all' } as const;

type Point = readonly [number, number];

/** By least squares of the logarithms. */
export function exponentOf(points: readonly Point[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(logs.map(([x]) => x)), mean(logs.map(([, y]) => y))];
  const above = logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  const below = logs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
  return above / below;
}

function row(name: string, unit: string, points: readonly Point[]): Row {
  const shown = points.map(([x, y]) => `${x.toLocaleString('en')}: ${y.toPrecision(3)}`).join(', ');
  return {
    part: 'scale',
    name,
    value: `${shown} ${unit}; exponent ${exponentOf(points).toFixed(2)}`,
    ratio: null,
    against: '',
    stats: statsOf(
      points.map(([, y]) => y),
      unit,
    ),
    points,
  };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function timesOf(work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < SAMPLES; count += 1) {
    const startedAt = performance.now();
    await work();
    times.push((performance.now() - startedAt) * 1000);
  }
  return times;
}

/** With so many agents that wait: their memory, and what a request and a spawn take beside them. */
async function ofAgents(
  kernel: Kernel,
  waiting: LoadedModule,
  quick: LoadedModule,
): Promise<Row[]> {
  const spawnWaiting = () => kernel.spawn({ module: waiting, grants: GRANTS, limits: UNLIMITED });
  const agents: Agent[] = [];
  const [requests, spawns, memory]: [Point[], Point[], Point[]] = [[], [], []];
  await sleep(500);
  const before = process.memoryUsage.rss();
  for (const count of COUNTS) {
    while (agents.length < count) {
      const more = Math.min(AT_A_TIME, count - agents.length);
      agents.push(...(await Promise.all(Array.from({ length: more }, spawnWaiting))));
    }
    while (agents.some(({ state }) => state !== 'running')) await sleep(100);
    await sleep(1_000);
    memory.push([count, (process.memoryUsage.rss() - before) / 1024 / 1024]);
    let turn = 0;
    const ask = () => {
      turn += 1;
      return agents[turn % agents.length]!.request('are you there');
    };
    requests.push([count, median(await timesOf(ask))]);
    const start = async () => (await kernel.spawn({ module: quick })).exited;
    spawns.push([count, median(await timesOf(start))]);
  }
  for (const agent of agents) agent.kill();
  await Promise.all(agents.map(({ exited }) => exited));
  return [
    row(
      'memory of so many agents that wait',
      'MiB',
      memory.filter(([, y]) => y > 0),
    ),
    row('a request of one of so many', 'µs', requests),
    row('spawn to exit beside so many', 'µs', spawns),
  ];
}

/** Starts a second, by workers. */
async function ofWorkers(file: string): Promise<Row[]> {
  const points: Point[] = [];
  for (let workers = 1; workers <= availableParallelism(); workers *= 2) {
    await using kernel = await openKernel({ workers });
    const module = await kernel.load(file);
    const rate = async (): Promise<number> => {
      let left = STARTS;
      const lane = async (): Promise<void> => {
        while (left > 0) {
          left -= 1;
          await (await kernel.spawn({ module })).exited;
        }
      };
      const startedAt = performance.now();
      await Promise.all(Array.from({ length: AT_A_TIME }, lane));
      return (STARTS / (performance.now() - startedAt)) * 1000;
    };
    await rate();
    points.push([workers, Math.max(await rate(), await rate(), await rate())]);
  }
  return points.length < 2 ? [] : [row('spawns to exits, by workers', 'a second', points)];
}

/** How it grows. */
export const scale: Part = {
  name: 'scale',
  what: 'from 1 to 10,000 agents, and from one worker to all cores',
  async run() {
    const { files } = await buildGuests({ only: ['echo', 'hello'] });
    const hello = files.get('hello') ?? '';
    const byWorkers = await ofWorkers(hello);
    await using kernel = await openKernel({ capacity: MOST + AT_A_TIME });
    const waiting = await kernel.load(files.get('echo') ?? '');
    const quick = await kernel.load(hello);
    for (let count = 0; count < SAMPLES; count += 1)
      await (await kernel.spawn({ module: quick })).exited;
    return [...(await ofAgents(kernel, waiting, quick)), ...byWorkers];
  },
};
