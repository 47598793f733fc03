/**
 * Goal: a worker that dies takes nobody's report with it, and the kernel goes on. Method: the test
 * ends threads of the pool behind the kernel's back.
 */

import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { guest, testKernel } from '../support/kernel.ts';

const threads: Worker[] = [];
const remember = (thread: Worker): void => {
  threads.push(thread);
};
beforeEach(() => {
  threads.length = 0;
  process.on('worker', remember);
});
afterEach(() => {
  process.off('worker', remember);
});

test('its agents exit as worker_lost with their usage, the others go on, and new ones run', async () => {
  const { kernel, warnings } = await testKernel({ workers: 2 });
  const endless = await kernel.load(guest('endless-loop'));
  const agents = await Promise.all([1, 2, 3, 4].map(() => kernel.spawn({ module: endless })));
  while (agents.some((agent) => agent.slices() === 0)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }

  await threads[0]?.terminate();
  const lost = await Promise.race(agents.map((agent) => agent.exited));
  expect(lost.exit).toMatchObject({ code: -1, reason: 'worker_lost' });
  expect(lost.usage.fuel).toBeGreaterThan(0);
  const reports = await Promise.all(
    agents.filter((agent) => agent.state === 'exited').map((agent) => agent.exited),
  );
  expect(reports.map(({ exit }) => exit.reason)).toEqual(['worker_lost', 'worker_lost']);
  expect(warnings).toHaveLength(1);

  const hello = await kernel.load(guest('hello'));
  for (let count = 0; count < 4; count += 1) {
    const agent = await kernel.spawn({ module: hello });
    expect((await agent.exited).exit.reason).toBe('normal');
  }
  const closed = await kernel.close();
  expect(closed.map(({ exit }) => exit.reason)).toEqual(['killed', 'killed']);
});

test('an agent that was being killed when its worker died was killed', async () => {
  const { kernel } = await testKernel({ workers: 1 });
  const module = await kernel.load(guest('sleeper-in-poll'));
  const agent = await kernel.spawn({ module });
  while (agent.state !== 'running') {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const terminated = threads[0]?.terminate();
  agent.kill('enough');
  await terminated;
  expect((await agent.exited).exit).toMatchObject({ reason: 'killed', message: 'enough' });
  await kernel.close();
});
