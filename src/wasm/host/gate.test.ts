import { GCProfiler } from 'node:v8';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { call, callOnce, FakeAgent } from '../../../test/support/fake-agent.ts';
import type { IpcScope, ToolScope } from '../../capability/grant.ts';
import { reachesPid } from '../../capability/scope.ts';
import { COUNT_MAX } from '../../resource/control-blocks.ts';
import { WAIT } from './abi/binding.ts';
import { hostFunction } from './gate.ts';

const ran = vi.fn((_agent: unknown, name: string) => `ran ${name}`);

const callTool = hostFunction<(name: string) => string>({
  operation: 'tools.call',
  capability: 'tools',
  permits: (scope: ToolScope, _agent, name) => scope.allow !== 'all' && scope.allow.has(name),
  counts: 'tool_calls',
  denied: (message) => message,
  limitExceeded: (message) => message,
  run: ran,
});

const cancelled = vi.fn();
const receive = hostFunction<() => string>({
  operation: 'ipc.receive',
  capability: 'ipc',
  permits: (scope: IpcScope) => scope.parent,
  denied: (message) => message,
  blocking: true,
  cancel: cancelled,
  run: (agent) => {
    if (agent.pending === 'ready') {
      return 'mail';
    }
    agent.pending = 'waiting';
    return agent.wait(agent.stdin.onReady);
  },
});

const tools = (allow: string[]) => ({ grants: { tools: allow } });
const revoke = (agent: FakeAgent, kind: 'tools' | 'ipc'): void => {
  for (const { index } of agent.grants.of[kind]) {
    agent.block.revokeGrant(index);
  }
};

beforeEach(() => {
  ran.mockClear();
  cancelled.mockClear();
});

describe('a call', () => {
  test('passes under a grant whose scope reaches, and is counted', () => {
    const agent = new FakeAgent(tools(['add']));
    expect(call(agent, callTool, 'add')).toBe('ran add');
    expect(agent.block.toolCalls).toBe(1);
    expect(agent.denials).toEqual([]);
  });

  const denials: [string, FakeAgent, string][] = [
    ['without a grant', new FakeAgent(), 'needs can_exec_tools: grant tools'],
    ['outside of its scope', new FakeAgent(tools(['sub'])), 'outside of the scope'],
    ['under an empty list', new FakeAgent(tools([])), 'needs can_exec_tools: grant tools'],
    [
      'under a grant that has expired',
      new FakeAgent({ grants: { tools: ['add'], expires: Date.now() - 1 } }),
      'which has expired',
    ],
  ];
  test.each(denials)('%s is denied, reported, not counted, and does nothing', (_, agent, why) => {
    expect(call(agent, callTool, 'add')).toContain(why);
    expect(agent.denials).toEqual([{ capability: 'can_exec_tools', operation: 'tools.call' }]);
    expect(agent.block.toolCalls).toBe(0);
    expect(ran).not.toHaveBeenCalled();
  });

  test('under a revoked grant is denied, from the moment of the revocation', () => {
    const agent = new FakeAgent(tools(['add']));
    expect(call(agent, callTool, 'add')).toBe('ran add');
    revoke(agent, 'tools');
    expect(call(agent, callTool, 'add')).toContain('which was revoked');
    expect(ran).toHaveBeenCalledTimes(1);
  });

  test('passes under the second grant when the first does not reach or is gone', () => {
    const agent = new FakeAgent(tools(['add']));
    const [first] = agent.grants.of.tools;
    agent.grants.add({
      ...first!,
      index: 9,
      id: 10,
      scope: { allow: new Set(['sub']), deny: new Set() },
    });
    expect(call(agent, callTool, 'sub')).toBe('ran sub');
    revoke(agent, 'tools');
    expect(call(agent, callTool, 'sub')).toContain('which was revoked');
  });

  test('beyond its limit is refused by its own answer, and does nothing', () => {
    const agent = new FakeAgent({ ...tools(['add']), limits: { toolCalls: 1 } });
    expect(call(agent, callTool, 'add')).toBe('ran add');
    expect(call(agent, callTool, 'add')).toContain('would pass the limit of tool_calls');
    expect(agent.denials).toEqual([]);
    expect(ran).toHaveBeenCalledTimes(1);
  });

  test('beyond all that can be counted is refused, where the limit is higher than that', () => {
    const counted = { slices: 0, messagesSent: 0, toolCalls: COUNT_MAX };
    const limited = new FakeAgent({ ...tools(['add']), limits: { toolCalls: 2 * COUNT_MAX } });
    expect(call(limited, callTool, 'add')).toBe('ran add');
    limited.block.raise(counted);
    expect(call(limited, callTool, 'add')).toContain('would pass the limit of tool_calls');
    const unlimited = new FakeAgent({ ...tools(['add']), limits: { toolCalls: 0 } });
    unlimited.block.raise(counted);
    expect(call(unlimited, callTool, 'add')).toBe('ran add');
  });
});

test('a call that passes allocates nothing: young space is never full', () => {
  const CALLS = 5_000_000;
  type Gated = (call: { agent: FakeAgent }, pid: number) => number;
  const declared = (run: (agent: { pid: number }, pid: number) => number) =>
    hostFunction<(pid: number) => number>({
      operation: 'ipc.send',
      capability: 'ipc',
      permits: (scope: IpcScope, agent, pid) => reachesPid(scope, pid, agent.parentPid),
      run,
    }) as unknown as Gated;
  const kept: unknown[] = [null];
  const plain = declared((agent, pid) => agent.pid + pid);
  // The control: the least that there is to allocate, where it can't be optimised away.
  const allocating = declared((agent, pid) => {
    kept[0] = { pid };
    return agent.pid + pid;
  });
  const guest = { agent: new FakeAgent({ grants: { ipc: { pids: [1, 2] } } }) };
  const collections = (gated: Gated): number => {
    const call = (count: number): void => {
      for (let index = 0; index < count; index += 1) {
        gated(guest, (index & 1) + 1);
      }
    };
    call(100_000);
    const profiler = new GCProfiler();
    profiler.start();
    call(CALLS);
    return profiler.stop()?.statistics.length ?? 0;
  };
  // One that was under way for others may end meanwhile.
  expect(collections(plain)).toBeLessThanOrEqual(1);
  expect(collections(allocating)).toBeGreaterThan(2);
});

describe('a call that waits', () => {
  const parent = { grants: { ipc: 'parent_only' } } as const;

  test('goes on waiting while its grant is in force, and answers', () => {
    const agent = new FakeAgent(parent);
    expect(callOnce(agent, receive)).toBe(WAIT);
    expect(callOnce(agent, receive)).toBe(WAIT);
    agent.pending = 'ready';
    expect(callOnce(agent, receive)).toBe('mail');
    expect(agent.pending).toBeUndefined();
    expect(agent.waitsUnder).toBeNull();
    expect(cancelled).not.toHaveBeenCalled();
  });

  test('is cancelled when its grant is revoked, and answers as a denied one', () => {
    const agent = new FakeAgent(parent);
    expect(callOnce(agent, receive)).toBe(WAIT);
    revoke(agent, 'ipc');
    expect(callOnce(agent, receive)).toContain('which was revoked');
    expect(cancelled).toHaveBeenCalledOnce();
    expect(agent.pending).toBeUndefined();
    expect(agent.waitsUnder).toBeNull();
    expect(agent.denials).toEqual([{ capability: 'can_ipc', operation: 'ipc.receive' }]);
  });

  test('is cancelled though another grant would reach: it was made under the first', () => {
    const agent = new FakeAgent(parent);
    expect(callOnce(agent, receive)).toBe(WAIT);
    revoke(agent, 'ipc');
    const [first] = agent.grants.of.ipc;
    agent.grants.add({ ...first!, index: 9, id: 10 });
    expect(callOnce(agent, receive)).not.toBe(WAIT);
    expect(callOnce(agent, receive)).toBe(WAIT);
  });
});

test('a host function with more parameters than the gate hands on is refused when it is made', () => {
  const run = (...args: [unknown, ...string[]]): string => args.join();
  Object.defineProperty(run, 'length', { value: 9 });
  expect(() =>
    hostFunction<(...args: string[]) => string>({ operation: 'x.y', capability: null, run }),
  ).toThrow('more than 7 parameters');
});
