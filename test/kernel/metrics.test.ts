/** Goal: metrics say what has happened in a kernel. Method: lives of every kind, by the public API. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { Kernel } from '../../src/index.ts';
import { guest, testKernel } from '../support/kernel.ts';

const valueIn = async (kernel: Kernel, series: string): Promise<number> => {
  const line = (await kernel.metrics()).split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
};

test('spawns, exits, restarts, messages, denials, and what is there now', async () => {
  const { kernel } = await testKernel();
  const value = (series: string): Promise<number> => valueIn(kernel, series);
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

test('requests that are served and that are sent, what is under way, and what was refused', async () => {
  const { kernel } = await testKernel();
  const arrived = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    arrived.resolve();
    void letGo.promise.then(() => request.pipe(response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const path = `post/127.0.0.1:${(server.address() as AddressInfo).port}/echo`;
  const value = (series: string): Promise<number> => valueIn(kernel, series);
  const module = await kernel.load(guest('http-puppet'));
  const may = kernel.serve({ module, grants: { network: ['127.0.0.1'] } });
  const mayNot = kernel.serve({ module });
  const post = async (service: typeof may, to: string): Promise<Response> => {
    const url = `http://example.test/${to}`;
    return service.handle(new Request(url, { method: 'POST', body: 'x'.repeat(1_000) }));
  };

  expect(await value('ringfence_served_requests_active')).toBe(0);
  const answer = post(may, path);
  await arrived.promise;
  expect(await value('ringfence_served_requests_active')).toBe(1);
  expect(await value('ringfence_network_requests_total')).toBe(1);
  letGo.resolve();
  expect(await (await answer).text()).toHaveLength(1_000);
  await (await post(mayNot, path)).text();
  await (await post(may, 'trap')).text();
  await Promise.all([may.close({ drainMs: 20_000 }), mayNot.close({ drainMs: 20_000 })]);

  expect(await value('ringfence_served_requests_active')).toBe(0);
  expect(await value('ringfence_served_requests_total{status="2xx"}')).toBe(2);
  expect(await value('ringfence_served_requests_total{status="5xx"}')).toBe(1);
  expect(await value('ringfence_network_sent_bytes_total')).toBe(1_000);
  expect(await value('ringfence_network_received_bytes_total')).toBe(1_000);
  expect(await value('ringfence_denials_total{capability="can_network"}')).toBe(1);
  await kernel.close();
  server.close();
});
