/** Goal: a kernel says how it is and why. Method: one that is used up, part by part, and recovers. */

import { expect, test } from 'vitest';
import { openKernel } from '../../src/index.ts';
import { guest, testKernel } from '../support/kernel.ts';

test('is healthy, also while agents compute on all of its threads', async () => {
  const { kernel } = await testKernel({ workers: 1 });
  const module = await kernel.load(guest('endless-loop'));
  const agent = await kernel.spawn({ module });
  await expect.poll(() => agent.state).toBe('running');
  // A thread has 2 s to answer, which a busy machine may not give it at once.
  await expect.poll(async () => (await kernel.health()).reasons).toEqual([]);
  const health = await kernel.health();
  expect(health.parts.map(({ name }) => name)).toEqual([
    'kernel',
    'workers',
    'agents',
    'quotas',
    'room',
    'supervisors',
    'schedule',
  ]);
  await kernel.close();
  expect(await kernel.health()).toMatchObject({
    status: 'unhealthy',
    reasons: ['kernel: it is closed: open another'],
  });
});

test('is degraded while a quota or its table is used up, and says which', async () => {
  const { kernel } = await testKernel({ capacity: 2, quotas: { agents: 2 } });
  const module = await kernel.load(guest('sleeper'));
  const spawn = () => kernel.spawn({ module, grants: { ipc: 'all' } });
  const agents = [await spawn()];
  await expect.poll(async () => (await kernel.health()).status).toBe('healthy');
  agents.push(await spawn());
  await expect
    .poll(() => kernel.health())
    .toMatchObject({
      status: 'degraded',
      reasons: [
        'agents: 2 of 2 agents are in use',
        'quotas: 2 of 2 agents of the quota are in use',
      ],
    });
  for (const agent of agents) {
    agent.kill();
    await agent.exited;
  }
  await expect.poll(async () => (await kernel.health()).status).toBe('healthy');
  await kernel.close();
});

test('is degraded while a child waits to be started again, and says which', async () => {
  const { kernel } = await testKernel();
  const module = await kernel.load(guest('trap'));
  const sleeper = await kernel.load(guest('sleeper'));
  await kernel.supervise({
    backoff: { initialMs: 600_000, maxMs: 600_000 },
    children: [
      { id: 'sound', module: sleeper, grants: { ipc: 'all' } },
      { id: 'crashed', module },
    ],
  });
  await expect
    .poll(async () => (await kernel.health()).reasons)
    .toEqual(["supervisors: children have ended and wait to be started again: 'crashed'"]);
  await kernel.close();
});

test('asks the checks that it was opened with', async () => {
  const { kernel } = await testKernel({
    healthChecks: { database: async () => ({ status: 'unhealthy', message: 'it is gone' }) },
  });
  // Its threads have started then.
  await kernel.load(guest('hello'));
  await expect
    .poll(() => kernel.health())
    .toMatchObject({ status: 'degraded', reasons: ['database: it is gone'] });
  await kernel.close();
});

test.each([
  [{ workers: () => undefined }, /other names than/],
  [{ 'no name': () => undefined }, /letters, digits/],
  [{ database: 'ok' as never }, /give a function/],
  [
    Object.fromEntries(
      Array.from({ length: 65 }, (_, index) => [`check${index}`, () => undefined]),
    ),
    /64 at most/,
  ],
])('a check that can not be one is refused: %#', async (healthChecks, message) => {
  await expect(openKernel({ healthChecks })).rejects.toMatchObject({
    code: 'RF_USAGE',
    message: expect.stringMatching(message),
  });
});
