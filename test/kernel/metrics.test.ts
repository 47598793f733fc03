/** Goal: metrics say what has happened in a kernel. Method: lives of every kind, by the public API. */

import { expect, test } from 'vitest';
import { guest, testKernel } from '../support/kernel.ts';

test('spawns, exits, restarts, messages, denials, and what is there now', async () => {
  const { kernel } = await testKernel();
  const value = async (series: string): Promise<number> => {
    const line = (await kernel.metrics()).split('\n').find((each) => each.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1));
  };
  const load = (name: string) => kernel.load(guest(name));
  const [trap, sleeper, user] = [
    await load('trap'),
    await load('sleeper-in-poll'),
    await load('tool-user'),
  ];
  expect(await value('ringfence_agent_spawns_total')).toBe(0);
  expect(await value('ringfence_modules')).toBe(3);

  const agent = await kernel.spawn({ module: sleeper, grants: { ipc: 'all' } });
  await expect.poll(() => agent.state).toBe('running');
  await agent.send('one');
  expect(await value('ringfence_mailbox_messages')).toBe(1);
  expect(await value('ringfence_agents{state="running"}')).toBe(1);
  expect(await value('ringfence_memory_bytes')).toBeGreaterThanOrEqual(sleeper.declaredBytes);

  await (await kernel.spawn({ module: user })).exited;
  const supervisor = await kernel.supervise({
    intensity: 1,
    backoff: { initialMs: 1 },
    children: [{ id: 'crashes', module: trap }],
  });
  expect(await supervisor.ended).toMatchObject({ reason: 'exhausted' });
  agent.kill();
  await agent.exited;

  expect(await value('ringfence_agent_spawns_total')).toBe(4);
  expect(await value('ringfence_agent_exits_total{reason="trap"}')).toBe(2);
  expect(await value('ringfence_agent_exits_total{reason="killed"}')).toBe(1);
  expect(await value('ringfence_agent_restarts_total')).toBe(1);
  expect(await value('ringfence_denials_total{capability="can_exec_tools"}')).toBe(1);
  expect(await value('ringfence_memory_bytes')).toBe(0);
  expect(await value('ringfence_mailbox_messages')).toBe(0);
  expect(await value('ringfence_fuel_units_total')).toBeGreaterThan(0);
  await kernel.close();
  expect(await value('ringfence_agent_spawns_total')).toBe(4);
});
