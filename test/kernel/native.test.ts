/**
 * Goal: a function of the program that runs as an agent may what an agent may, within its grants and
 * limits, and no more; guests and functions can't tell each other apart. Method: functions that talk to
 * guests and to each other through the public API, each denial with its positive control.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type GrantsInput,
  type LoadedModule,
  parseGrants,
  type WorkContext,
} from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { spawnPuppet } from '../support/puppet.ts';

let host: TestKernel;
let puppet: LoadedModule;
beforeAll(async () => {
  host = await testKernel();
  host.kernel.registerTool({ name: 'add', description: 'Adds.' }, (args) => {
    const { a, b } = args as { a: number; b: number };
    return a + b;
  });
  host.kernel.registerTool({ name: 'fails', description: 'Fails.' }, () => {
    throw new Error('/secret/path');
  });
  puppet = await host.kernel.load(guest('puppet'));
});
afterAll(() => host.kernel.close());

/** Runs a function as an agent until it has ended; answers its report and its result. */
async function run<Value>(
  work: (context: WorkContext) => Promise<Value> | Value,
  options: { grants?: GrantsInput; limits?: { messages?: number; toolCalls?: number } } = {},
) {
  const agent = await host.kernel.spawn({ work, ...options });
  const report = await agent.exited;
  return { report, result: agent.result, exit: report.exit };
}

/** What a promise was rejected with. */
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'ok',
    (error: { code?: string }) => error.code,
  );

/** A function that takes messages until it is stopped; answers how many. */
async function listen({ receive }: WorkContext): Promise<number> {
  for (let count = 0; ; count += 1) {
    if ((await receive()).tag === 'cancelled') {
      return count;
    }
  }
}

/** Runs a function that nobody sends anything, and answers its pid; it ends when it is killed. */
const nobody = () =>
  host.kernel.spawn({ work: () => new Promise<never>(() => {}), grants: { ipc: 'all' } });

describe('an agent that is a function', () => {
  test('has a pid, a name, a report and a result', async () => {
    const agent = await host.kernel.spawn({ work: async ({ pid, parent }) => ({ pid, parent }) });
    expect(host.kernel.list().some(({ pid }) => pid === agent.pid)).toBe(true);
    const report = await agent.exited;
    expect(agent.result).toEqual({ pid: agent.pid, parent: 0 });
    expect(report).toMatchObject({
      pid: agent.pid,
      agent_id: 'work',
      module: { path: null, sha256: null },
      exit: { code: 0, reason: 'normal', message: null },
      usage: { fuel: 0, memory_bytes: 0, cpu_time_ms: 0, messages_sent: 0, tool_calls: 0 },
      // What nobody can measure is not limited, and the report says so.
      limits: { fuel: 0, memory_bytes: 0, cpu_time_ms: 0, disk_bytes: 0, messages: 5_000 },
      denied: [],
    });
    expect(host.kernel.inspect(agent.pid)).toMatchObject({ module: null, state: 'exited' });
  });

  test('is named after its function, or as it is told', async () => {
    async function counter() {}
    const named = await host.kernel.spawn({ work: counter });
    const told = await host.kernel.spawn({ work: counter, agentId: 'other' });
    expect([named.agentId, told.agentId]).toEqual(['counter', 'other']);
    await Promise.all([named.exited, told.exited]);
  });

  test('starts when whoever has spawned it knows it, and may be no async function', async () => {
    const { result, exit } = await run(({ pid }) => host.kernel.agent(pid).state);
    expect(exit.reason).toBe('normal');
    expect(result).toBe('running');
  });

  test('says lines that go to the operator, cut and by level', async () => {
    const { report } = await run(({ log }) => {
      log('warn', 'careful');
      log('info', 'x'.repeat(10_000));
      expect(() => log('loud' as never, 'no')).toThrow(
        expect.objectContaining({ code: 'RF_USAGE' }),
      );
    });
    expect(report.exit.reason).toBe('normal');
    const lines = host.lines.filter(({ pid }) => pid === report.pid);
    expect(lines.map(({ level, message }) => [level, message.length])).toEqual([
      ['warn', 7],
      ['info', 8192],
    ]);
  });
});

describe('its messages', () => {
  test('without the grant are denied, typed and counted; with it they arrive', async () => {
    const talk = async ({ pid, send, receive }: WorkContext) => [
      await codeOf(send(pid, 'to myself')),
      await codeOf(receive({ timeoutMs: 0 })),
    ];
    const denied = await run(talk);
    expect(denied.result).toEqual(['RF_CAPABILITY_DENIED', 'RF_CAPABILITY_DENIED']);
    expect(denied.report.denied).toEqual([
      { capability: 'can_ipc', operation: 'ipc.send', count: 1 },
      { capability: 'can_ipc', operation: 'ipc.receive', count: 1 },
    ]);
    expect(denied.report.usage.messages_sent).toBe(0);
    const granted = await run(talk, { grants: { ipc: 'all' } });
    expect(granted.result).toEqual(['ok', 'ok']);
    expect(granted.report.usage.messages_sent).toBe(1);
  });

  test('reach no further than the scope of the grant', async () => {
    const [near, far] = [await nobody(), await nobody()];
    const { result, report } = await run(
      async ({ send }) => [await codeOf(send(near.pid, 'x')), await codeOf(send(far.pid, 'x'))],
      { grants: { ipc: { pids: [near.pid] } } },
    );
    expect(result).toEqual(['ok', 'RF_CAPABILITY_DENIED']);
    expect(report.denied).toEqual([{ capability: 'can_ipc', operation: 'ipc.send', count: 1 }]);
    near.kill();
    far.kill();
  });

  test.each(['shared', 'thread', 'process'] as const)(
    'go to guests and come from them, isolation %s',
    async (isolation) => {
      const echo = await host.kernel.spawn({
        grants: { ipc: 'all' },
        work: async ({ receive, send }) => {
          const received = await receive();
          if (received.tag === 'message') {
            await send(received.sender, received.payload);
          }
          return received;
        },
      });
      const talker = await spawnPuppet(host.kernel, puppet, { isolation, grants: { ipc: 'all' } });
      expect(await talker.tell(`send ${echo.pid} hello`)).toBe('send ok');
      expect(await talker.tell('receive')).toMatch(/^receive ok .*hello/);
      await echo.exited;
      expect(echo.result).toEqual({
        tag: 'message',
        sender: talker.agent.pid,
        payload: { tag: 'text', val: 'hello' },
      });
      expect(await talker.tell(`send ${echo.pid} again`)).toMatch(/^send err closed/);
      await talker.end();
    },
    60_000,
  );

  test('come from who they come from, in order, and by sender', async () => {
    const receiver = await host.kernel.spawn({
      grants: { ipc: 'all' },
      work: async ({ receive }) => {
        const first = await receive({ sender: 0 });
        return [first, await receive(), await receive()];
      },
    });
    await run(async ({ send }) => send(receiver.pid, 'one'), { grants: { ipc: 'all' } });
    await run(async ({ send }) => send(receiver.pid, 'two'), { grants: { ipc: 'all' } });
    await receiver.send('by the program');
    await receiver.exited;
    const texts = receiver.result?.map((received) =>
      received.tag === 'message' ? [received.sender > 0, received.payload.val] : received,
    );
    expect(texts).toEqual([
      [false, 'by the program'],
      [true, 'one'],
      [true, 'two'],
    ]);
  });

  test('that do not come in time are an error, and none at all where one is there', async () => {
    const { result } = await run(
      async ({ pid, send, receive }) => [
        await codeOf(receive({ timeoutMs: 5 })),
        await codeOf(send(pid, 'x')),
        await codeOf(receive({ timeoutMs: 5 })),
      ],
      { grants: { ipc: 'all' } },
    );
    expect(result).toEqual(['RF_TIMEOUT', 'ok', 'ok']);
  });

  test('to nobody, or to who has ended, say so', async () => {
    const ended = (await run(() => {})).report.pid as number;
    const { result } = await run(
      async ({ send }) => [await codeOf(send(ended, 'x')), await codeOf(send(999_999, 'x'))],
      { grants: { ipc: 'all' } },
    );
    expect(result).toEqual(['RF_CLOSED', 'RF_PROCESS_NOT_FOUND']);
  });

  test('fill a mailbox, which is an error at once or a wait for room', async () => {
    const receiver = await host.kernel.spawn({
      grants: { ipc: 'all' },
      work: async ({ receive }) => {
        await receive({ sender: 0 });
        return (await receive()).tag;
      },
    });
    const full = Promise.withResolvers<void>();
    const sender = await host.kernel.spawn({
      grants: { ipc: 'all' },
      work: async ({ send }) => {
        for (let count = 0; count < 1_024; count += 1) {
          await send(receiver.pid, 'x');
        }
        const refused = await codeOf(send(receiver.pid, 'x'));
        const late = await codeOf(send(receiver.pid, 'x', { waitMs: 5 }));
        const waiting = codeOf(send(receiver.pid, 'x', { waitMs: 60_000 }));
        full.resolve();
        return [refused, late, await waiting];
      },
    });
    await full.promise;
    expect(host.kernel.inspect(receiver.pid).mailbox).toBe(1_024);
    await expect(receiver.send('x')).rejects.toMatchObject({ code: 'RF_MAILBOX_FULL' });
    // Who is full still hears that it is to stop; one that ends leaves those that wait an answer.
    receiver.kill();
    await sender.exited;
    expect(sender.result).toEqual(['RF_MAILBOX_FULL', 'RF_MAILBOX_FULL', 'RF_CLOSED']);
  });

  test('wait for room until there is some', async () => {
    const gate = Promise.withResolvers<void>();
    const receiver = await host.kernel.spawn({
      grants: { ipc: 'all' },
      work: async ({ receive }) => {
        await gate.promise;
        for (let count = 0; ; count += 1) {
          const received = await receive();
          if (received.tag === 'message' && received.payload.val === 'last') {
            return count;
          }
        }
      },
    });
    for (let count = 0; count < 1_024; count += 1) {
      await receiver.send('x');
    }
    const last = receiver.send('last', { waitMs: 60_000 });
    gate.resolve();
    await last;
    await receiver.exited;
    expect(receiver.result).toBe(1_024);
  });

  test('are bytes that stay what they were when they were sent', async () => {
    const { result } = await run(
      async ({ pid, send, receive }) => {
        const bytes = Buffer.from('before');
        const sent = send(pid, bytes);
        bytes.write('after ');
        await sent;
        const received = await receive();
        return received.tag === 'message' && Buffer.from(received.payload.val).toString();
      },
      { grants: { ipc: 'all' } },
    );
    expect(result).toBe('before');
  });

  test('are no more than the host may hold', async () => {
    const receiver = await nobody();
    const { result } = await run(
      async ({ send }) => [
        await codeOf(send(receiver.pid, new Uint8Array(17 * 1024 * 1024))),
        await codeOf(send(receiver.pid, new Uint8Array(8 * 1024 * 1024))),
        await codeOf(send(receiver.pid, new Uint8Array(8 * 1024 * 1024))),
      ],
      { grants: { ipc: 'all' } },
    );
    expect(result).toEqual(['RF_LIMIT_EXCEEDED', 'ok', 'RF_MAILBOX_FULL']);
    receiver.kill();
  });

  test('are counted, and fail when as many were sent as may be; it goes on', async () => {
    const { result, report } = await run(
      async ({ pid, send }) => {
        const codes: unknown[] = [];
        for (let count = 0; count < 3; count += 1) {
          codes.push(await codeOf(send(pid, 'x')));
        }
        return codes;
      },
      { grants: { ipc: 'all' }, limits: { messages: 2 } },
    );
    expect(result).toEqual(['ok', 'ok', 'RF_LIMIT_EXCEEDED']);
    expect(report.usage.messages_sent).toBe(2);
    expect(report.exit.reason).toBe('normal');
  });

  test('that can not be understood are refused, and count nothing', async () => {
    const { result, report } = await run(
      async ({ send, receive }) =>
        Promise.all([
          codeOf(send(-1, 'x')),
          codeOf(send(1.5, 'x')),
          codeOf(send(1, 7 as never)),
          codeOf(send(1, 'x', { waitMs: -1 })),
          codeOf(send(1, 'x', { parrots: 1 } as never)),
          codeOf(receive({ timeoutMs: -1 })),
          codeOf(receive({ from: 1 } as never)),
        ]),
      { grants: { ipc: 'all' } },
    );
    expect(new Set(result)).toEqual(new Set(['RF_USAGE']));
    expect(report.usage.messages_sent).toBe(0);
  });

  test('leave the program its turn, however much two say to each other', async () => {
    const partner = Promise.withResolvers<number>();
    const pong = await host.kernel.spawn({
      grants: { ipc: 'all' },
      limits: { messages: 0 },
      work: async ({ receive, send }) => {
        const other = await partner.promise;
        for (;;) {
          await send(other, 'x');
          await receive();
        }
      },
    });
    const ping = await host.kernel.spawn({
      grants: { ipc: 'all' },
      limits: { messages: 0 },
      work: async ({ receive, send }) => {
        for (;;) {
          await receive();
          await send(pong.pid, 'x');
        }
      },
    });
    partner.resolve(ping.pid);
    while (ping.usage().messages_sent < 2) {
      await nextTurn();
    }
    ping.kill();
    pong.kill();
    const reports = await Promise.all([ping.exited, pong.exited]);
    expect(reports.map(({ exit }) => exit.reason)).toEqual(['killed', 'killed']);
  });
});

describe('its tools', () => {
  const add = async ({ callTool }: WorkContext) =>
    callTool('add', { a: 1, b: 2 }).catch((error) => error.code);

  test('are those that it is granted', async () => {
    const granted = await run(add, { grants: { tools: ['add'] } });
    expect(granted.result).toBe(3);
    expect(granted.report.usage.tool_calls).toBe(1);
    for (const grants of [{}, { tools: ['fails'] }]) {
      const denied = await run(add, { grants });
      expect(denied.result).toBe('RF_CAPABILITY_DENIED');
      expect(denied.report.denied).toEqual([
        { capability: 'can_exec_tools', operation: 'tools.call', count: 1 },
      ]);
      expect(denied.report.usage.tool_calls).toBe(0);
    }
  });

  test('fail by their kind, and count as far as they were called', async () => {
    const { result, report } = await run(
      async ({ callTool }) => {
        const circle: { self?: unknown } = {};
        circle.self = circle;
        return [
          await codeOf(callTool('nowhere')),
          await codeOf(callTool('fails')),
          await codeOf(callTool('add', circle)),
          await codeOf(callTool('add', { a: 'x'.repeat(1024 * 1024) })),
          await codeOf(callTool('add', { a: 1, b: 2 })),
          await codeOf(callTool('add', { a: 1, b: 2 })),
        ];
      },
      { grants: { tools: 'all' }, limits: { toolCalls: 4 } },
    );
    expect(result).toEqual([
      'RF_TOOL_NOT_FOUND',
      'RF_UNAVAILABLE',
      'RF_USAGE',
      'RF_LIMIT_EXCEEDED',
      'ok',
      'RF_LIMIT_EXCEEDED',
    ]);
    expect(report.usage.tool_calls).toBe(4);
  });

  test('know who calls them', async () => {
    const calls: [number, string][] = [];
    host.kernel.registerTool({ name: 'who', description: 'Who.' }, (_, { pid, agentId }) => {
      calls.push([pid, agentId]);
    });
    const { report, result } = await run(({ callTool }) => callTool('who'), {
      grants: { tools: ['who'] },
    });
    expect(result).toBeNull();
    expect(calls).toEqual([[report.pid, 'work']]);
  });
});

describe('its grants', () => {
  test('are given while it runs, and taken back under a call that waits', async () => {
    const denied = Promise.withResolvers<void>();
    const granted = Promise.withResolvers<void>();
    const waits = Promise.withResolvers<void>();
    const agent = await host.kernel.spawn({
      work: async ({ receive, send, pid }) => {
        const before = await codeOf(send(pid, 'x'));
        denied.resolve();
        await granted.promise;
        const after = await codeOf(send(pid, 'x'));
        await receive();
        const waiting = codeOf(receive());
        waits.resolve();
        return [before, after, await waiting];
      },
    });
    await denied.promise;
    const [grant] = host.kernel.grant(agent.pid, parseGrants({ ipc: 'all' }).slice(0, 1));
    granted.resolve();
    await waits.promise;
    await host.kernel.revoke(grant?.id as number);
    const report = await agent.exited;
    expect(agent.result).toEqual(['RF_CAPABILITY_DENIED', 'ok', 'RF_CAPABILITY_DENIED']);
    expect(report.denied.map(({ operation, count }) => [operation, count])).toEqual([
      ['ipc.send', 1],
      ['ipc.receive', 1],
    ]);
  });

  test('expire under a call that waits', async () => {
    const [spec] = parseGrants({ ipc: 'all' });
    const agent = await host.kernel.spawn({
      grants: [{ ...spec, expiresAtMs: Date.now() + 50 } as typeof spec & object],
      work: ({ receive }) => codeOf(receive()),
    });
    await agent.exited;
    expect(agent.result).toBe('RF_CAPABILITY_DENIED');
  });

  test('of a child are no wider than its own', async () => {
    const parent = await host.kernel.spawn({
      grants: { ipc: 'parent_only', spawn: 2, tools: ['add'] },
      work: listen,
    });
    const child = (grants: GrantsInput) =>
      host.kernel.spawn({
        parent,
        grants,
        work: async ({ parent: pid, callTool }) => [pid, await callTool('add', { a: 1, b: 1 })],
      });
    await expect(child({ tools: 'all' })).rejects.toMatchObject({ code: 'RF_CAPABILITY_DENIED' });
    const narrow = await child({ tools: ['add'] });
    await narrow.exited;
    expect(narrow.result).toEqual([parent.pid, 2]);
    // Revoked above, it is gone below.
    const kept = parent.grants().find(({ kind }) => kind === 'tools');
    await host.kernel.revoke(kept?.id as number);
    await expect(child({ tools: ['add'] })).rejects.toMatchObject({ code: 'RF_CAPABILITY_DENIED' });
    parent.kill();
  });

  test('let a guest be its child, and talk to it alone', async () => {
    const parent = await host.kernel.spawn({
      grants: { ipc: 'all', spawn: 1 },
      work: async ({ receive }) => receive(),
    });
    const child = await spawnPuppet(host.kernel, puppet, {
      parent: parent,
      grants: { ipc: 'parent_only' },
    });
    const other = await nobody();
    expect(await child.tell(`send ${other.pid} x`)).toMatch(/^send err denied/);
    expect(await child.tell(`send ${parent.pid} x`)).toBe('send ok');
    await parent.exited;
    expect(parent.result).toMatchObject({ tag: 'message', sender: child.agent.pid });
    await child.end();
    other.kill();
  });

  test('of a guest can’t be escaped from by a function as its child: limits that can’t hold are missing', async () => {
    const limits = { memoryBytes: 0, cpuTimeMs: 0, diskBytes: 0 };
    const [held, free] = [
      await spawnPuppet(host.kernel, puppet, { grants: { spawn: 1 } }),
      await spawnPuppet(host.kernel, puppet, { grants: { spawn: 1 }, limits }),
    ];
    const child = (parent: typeof held) =>
      host.kernel.spawn({ parent: parent.agent, work: () => 'ran' });
    await expect(child(held)).rejects.toMatchObject({
      code: 'RF_CAPABILITY_DENIED',
      message: expect.stringMatching(/a function has no limit 'memoryBytes', and its parent has/),
    });
    const ran = await child(free);
    await ran.exited;
    expect(ran.result).toBe('ran');
    await Promise.all([held.end(), free.end()]);
  });

  test('of modules by their digests reach no function', async () => {
    const parent = await host.kernel.spawn({
      grants: { spawn: { count: 1, modules: [`sha256:${puppet.digest}`] } },
      work: listen,
    });
    await expect(host.kernel.spawn({ parent, work: () => {} })).rejects.toMatchObject({
      code: 'RF_CAPABILITY_DENIED',
      message: expect.stringMatching(/a function of the program is outside/),
    });
    parent.kill();
  });
});
