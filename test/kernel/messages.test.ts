/**
 * Goal: messages and tools reach who may have them, from whom they say, within their limits. Method:
 * guests that talk, on one worker and across two, each denial with its positive control.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

describe.each([
  ['on one worker', 1],
  ['across two workers', 2],
])('%s', (_, workers) => {
  let host: TestKernel;
  beforeAll(async () => {
    host = await testKernel({ workers });
  });
  afterAll(() => host.kernel.close());

  test('two agents that are granted each other talk', async () => {
    const module = await host.kernel.load(guest('chat'));
    const first = await host.kernel.spawn({ module, agentId: 'first', grants: { ipc: 'all' } });
    const second = await host.kernel.spawn({
      module,
      agentId: 'second',
      grants: { ipc: { pids: [first.pid] } },
    });
    await first.send(`meet ${second.pid}`);
    const reports = await Promise.all([first.exited, second.exited]);
    expect(reports.map(({ exit }) => exit)).toEqual([
      { code: 0, reason: 'normal', message: null },
      { code: 0, reason: 'normal', message: null },
    ]);
    expect(reports.every(({ usage }) => usage.messages_sent > 0)).toBe(true);
  });

  test('an agent whose scope does not reach the other is denied, typed and counted', async () => {
    const module = await host.kernel.load(guest('chat'));
    const first = await host.kernel.spawn({ module, grants: { ipc: { pids: [999_999] } } });
    const second = await host.kernel.spawn({ module, grants: { ipc: 'all' } });
    await first.send(`meet ${second.pid}`);
    const report = await first.exited;
    expect(report.exit.reason).toBe('error');
    expect(report.exit.message).toMatch(/denied/);
    expect(report.denied).toEqual([{ capability: 'can_ipc', operation: 'ipc.send', count: 1 }]);
    expect(report.usage.messages_sent).toBe(0);
    second.kill();
    await second.exited;
  });

  test('a flood ends at the limit of messages, and the receiver’s mailbox holds no more than it may', async () => {
    const module = await host.kernel.load(guest('mailbox-flood'));
    const agent = await host.kernel.spawn({
      module,
      grants: { ipc: 'all' },
      limits: { messages: 100, fuel: 3_000_000 },
    });
    const report = await agent.exited;
    expect(report.exit.reason).toBe('fuel');
    expect(report.usage.messages_sent).toBe(100);
  });

  test('sending to who has ended, or was never there, says so', async () => {
    const module = await host.kernel.load(guest('hello'));
    const agent = await host.kernel.spawn({ module });
    await agent.exited;
    await expect(agent.send('too late')).rejects.toMatchObject({ code: 'RF_CLOSED' });
  });

  test('a full mailbox is an error at once, or a wait with a deadline', async () => {
    const module = await host.kernel.load(guest('sleeper-in-poll'));
    const agent = await host.kernel.spawn({ module, grants: { ipc: 'all' } });
    for (let count = 0; count < 1024; count += 1) {
      await agent.send('x');
    }
    await expect(agent.send('x')).rejects.toMatchObject({ code: 'RF_MAILBOX_FULL' });
    await expect(agent.send('x', { waitMs: 20 })).rejects.toMatchObject({
      code: 'RF_MAILBOX_FULL',
    });
    agent.kill();
    await agent.exited;
  });

  test('a message of more than 16 MiB is refused, one that the receiver’s host memory can’t take too', async () => {
    const module = await host.kernel.load(guest('sleeper-in-poll'));
    const agent = await host.kernel.spawn({ module, grants: { ipc: 'all' } });
    const huge = new Uint8Array(16 * 1024 * 1024 + 1);
    await expect(agent.send(huge)).rejects.toMatchObject({ code: 'RF_LIMIT_EXCEEDED' });
    await agent.send(huge.subarray(0, 9 * 1024 * 1024));
    await expect(agent.send(huge.subarray(0, 9 * 1024 * 1024))).rejects.toMatchObject({
      code: 'RF_MAILBOX_FULL',
    });
    agent.kill();
    await agent.exited;
  });
});

describe('tools', () => {
  let host: TestKernel;
  const calls: unknown[] = [];
  beforeAll(async () => {
    host = await testKernel();
    host.kernel.registerTool(
      { name: 'add', description: 'Adds two numbers.', parameters: { type: 'object' } },
      async (args, call) => {
        calls.push({ args, pid: call.pid });
        const { a, b } = args as { a: number; b: number };
        return { sum: a + b };
      },
    );
  });
  afterAll(() => host.kernel.close());

  async function callTool(options: Record<string, unknown>) {
    const module = await host.kernel.load(guest('tool-user'));
    const agent = await host.kernel.spawn({ module, ...options });
    return agent.exited;
  }

  test('a granted tool is called by the host, with the caller’s pid', async () => {
    const report = await callTool({ grants: { tools: ['add'] } });
    expect(report.exit).toEqual({ code: 0, reason: 'normal', message: null });
    expect(calls).toEqual([{ args: { a: 1, b: 2 }, pid: report.pid }]);
    expect(report.usage.tool_calls).toBeGreaterThan(0);
  });

  test.each([
    ['without a grant', {}],
    ['with an empty list', { tools: [] }],
    ['with another tool', { tools: ['subtract'] }],
  ])('%s it is denied and nothing is called', async (_, grants) => {
    calls.length = 0;
    const report = await callTool({ grants });
    expect(report.exit.message).toMatch(/denied/);
    expect(report.denied).toContainEqual({
      capability: 'can_exec_tools',
      operation: 'tools.call',
      count: 1,
    });
    expect(calls).toEqual([]);
  });

  test('what a tool throws stays with the host', async () => {
    const { kernel, warnings } = await testKernel();
    kernel.registerTool({ name: 'add', description: 'Fails.' }, () => {
      throw new Error('secret of /etc/host');
    });
    const module = await kernel.load(guest('tool-user'));
    const agent = await kernel.spawn({ module, grants: { tools: 'all' } });
    const report = await agent.exited;
    expect(report.exit.message).not.toMatch(/secret/);
    expect(warnings).toEqual([expect.stringMatching(/the tool 'add' failed: secret of/)]);
    await kernel.close();
  });
});
