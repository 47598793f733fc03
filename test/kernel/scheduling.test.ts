/**
 * Goal: no agent starves another, and many can be ended. Method: counters of the control blocks, in
 * one process with 200 endless loops; no clock is asked.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

const LOOPS = 200;
/** Rounds of slices that a newcomer may have to wait for. */
const ROUNDS_MAX = 3;
/** Turns over which fairness is looked at. */
const TURNS = 10;

let host: TestKernel;
beforeAll(async () => {
  host = await testKernel();
});
afterAll(() => host.kernel.close());

test('a small agent is through within three rounds of slices of 200 endless loops, which can all be killed', async () => {
  const [endless, hello] = await Promise.all([
    host.kernel.load(guest('endless-loop')),
    host.kernel.load(guest('hello')),
  ]);
  const loops: Agent[] = [];
  for (let count = 0; count < LOOPS; count += 1) {
    loops.push(await host.kernel.spawn({ module: endless }));
  }
  await everyLoopHasRun(loops);
  const before = loops.map((loop) => loop.slices());
  const report = await (await host.kernel.spawn({ module: hello })).exited;
  const rounds = loops.map((loop, index) => loop.slices() - (before[index] ?? 0));
  expect(report.exit.reason).toBe('normal');
  expect(Math.max(...rounds)).toBeLessThanOrEqual(ROUNDS_MAX);

  // Over the same time each of a worker's agents has the same number of turns. The two workers took
  // the agents by turns, and each is fair to its own.
  const start = loops.map((loop) => loop.slices());
  while (loops.some((loop, index) => loop.slices() - (start[index] ?? 0) < TURNS)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const turns = loops.map((loop, index) => loop.slices() - (start[index] ?? 0));
  for (const worker of [0, 1]) {
    const own = turns.filter((_, index) => index % 2 === worker);
    expect(Math.max(...own) - Math.min(...own)).toBeLessThanOrEqual(2);
  }

  for (const loop of loops) {
    loop.kill();
  }
  const reports = await Promise.all(loops.map((loop) => loop.exited));
  expect(new Set(reports.map(({ exit }) => exit.reason))).toEqual(new Set(['killed']));
  expect(host.kernel.list()).toEqual([]);
}, 60_000);

async function everyLoopHasRun(loops: readonly Agent[]): Promise<void> {
  while (loops.some((loop) => loop.slices() === 0)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('the table is full at its capacity, and has room again when an agent has ended', async () => {
  const { kernel } = await testKernel({ capacity: 2, workers: 1 });
  const module = await kernel.load(guest('endless-loop'));
  const first = await kernel.spawn({ module });
  await kernel.spawn({ module });
  await expect(kernel.spawn({ module })).rejects.toMatchObject({ code: 'RF_PROCESS_TABLE_FULL' });
  first.kill();
  await first.exited;
  const third = await kernel.spawn({ module });
  expect(third.pid).toBe(3);
  const reports = await kernel.close();
  expect(reports.map(({ pid }) => pid)).toEqual([2, 3]);
  await expect(kernel.spawn({ module })).rejects.toMatchObject({ code: 'RF_CLOSED' });
});
