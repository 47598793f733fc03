/**
 * Goal: what the program sees of its agents is what they are: one, all of a state, how many, and every
 * change. Method: agents that sleep, spawn, trap and are granted things, by the public API.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, type LoadedModule, type StateChange } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

let host: TestKernel;
let sleeper: LoadedModule;
let trap: LoadedModule;
beforeAll(async () => {
  host = await testKernel();
  [sleeper, trap] = (await Promise.all(
    ['sleeper', 'trap'].map((name) => host.kernel.load(guest(name))),
  )) as [LoadedModule, LoadedModule];
});
afterAll(() => host.kernel.close());

const running = (pid: number) => expect.poll(() => host.kernel.inspect(pid).state).toBe('running');

describe('inspect', () => {
  test('says all of an agent that runs: whose child, its grants, mailbox and children', async () => {
    const { kernel } = host;
    const agent = await kernel.spawn({
      module: sleeper,
      agentId: 'ada',
      owner: 'lovelace',
      grants: { ipc: 'all', spawn: { count: 2, depth: 1 } },
      limits: { messages: 7 },
    });
    const child = await kernel.spawn({
      module: sleeper,
      agentId: 'child',
      parent: agent,
      grants: { ipc: 'all' },
      limits: { messages: 7 },
    });
    await running(agent.pid);
    expect(kernel.inspect(agent.pid)).toMatchObject({
      pid: agent.pid,
      agentId: 'ada',
      parentPid: 0,
      restartedFrom: null,
      restarts: 0,
      owner: 'lovelace',
      isolation: 'shared',
      module: { digest: sleeper.digest },
      limits: { ...DEFAULT_LIMITS, messages: 7 },
      mailbox: 0,
      denials: 0,
      children: [child.pid],
      exitedAtMs: null,
      exit: null,
    });
    expect(kernel.inspect(agent.pid).grants).toEqual(agent.grants());
    expect(kernel.inspect(child.pid)).toMatchObject({ parentPid: agent.pid, owner: 'lovelace' });
    agent.kill();
    child.kill();
    await Promise.all([agent.exited, child.exited]);
  });

  test.each(['shared', 'process'] as const)(
    'counts the messages of a mailbox that nobody empties: isolation %s',
    async (isolation) => {
      const module = await host.kernel.load(guest('sleeper-in-poll'));
      const agent = await host.kernel.spawn({ module, isolation, grants: { ipc: 'all' } });
      await running(agent.pid);
      await agent.send('one');
      await agent.send('two');
      await expect.poll(() => host.kernel.inspect(agent.pid).mailbox).toBe(2);
      agent.kill();
      await agent.exited;
      expect(host.kernel.inspect(agent.pid).mailbox).toBe(0);
    },
  );

  test('says how one has ended that is gone, and holds none of its grants', async () => {
    const agent = await host.kernel.spawn({ module: trap, grants: { ipc: 'all' } });
    const report = await agent.exited;
    const view = host.kernel.inspect(agent.pid);
    expect(view).toMatchObject({
      state: 'exited',
      exit: report.exit,
      usage: report.usage,
      grants: [],
      children: [],
    });
    expect(view.exitedAtMs).toBeGreaterThanOrEqual(view.spawnedAtMs);
  });

  test('of a pid that nobody ever had says so', () => {
    expect(() => host.kernel.inspect(999_999)).toThrow(
      expect.objectContaining({ code: 'RF_PROCESS_NOT_FOUND' }),
    );
  });
});

describe('list and counts', () => {
  test('by state, the exited among them', async () => {
    const { kernel } = await testKernel();
    const [sleeps, traps] = await Promise.all(
      ['sleeper', 'trap'].map((name) => kernel.load(guest(name))),
    );
    const one = await kernel.spawn({ module: sleeps as LoadedModule, grants: { ipc: 'all' } });
    const other = await kernel.spawn({ module: traps as LoadedModule });
    await other.exited;
    await expect.poll(() => one.state).toBe('running');
    const pids = (rows: { pid: number }[]) => rows.map(({ pid }) => pid);
    expect(pids(kernel.list())).toEqual([one.pid]);
    expect(pids(kernel.list({ state: 'running' }))).toEqual([one.pid]);
    expect(pids(kernel.list({ state: 'stopping' }))).toEqual([]);
    expect(kernel.list({ state: 'exited' })).toEqual([
      {
        pid: other.pid,
        agentId: other.agentId,
        parentPid: 0,
        restartedFrom: null,
        state: 'exited',
      },
    ]);
    expect(kernel.counts()).toEqual({
      starting: 0,
      running: 1,
      suspended: 0,
      stopping: 0,
      exited: 1,
    });
    await kernel.close();
    expect(kernel.counts()).toEqual({
      starting: 0,
      running: 0,
      suspended: 0,
      stopping: 0,
      exited: 2,
    });
  });

  test('a state that there is not is refused', () => {
    expect(() => host.kernel.list({ state: 'dead' as 'exited' })).toThrow(
      expect.objectContaining({ code: 'RF_USAGE' }),
    );
  });
});

describe('watch', () => {
  test('tells a life from its spawn to its exit, beside the list', async () => {
    const { kernel } = host;
    const stop = new AbortController();
    const watch = kernel.watch({ signal: stop.signal });
    const agent = await kernel.spawn({ module: trap, agentId: 'watched' });
    await agent.exited;
    stop.abort();
    const seen: StateChange[] = [];
    for await (const change of watch) {
      if (change.pid === agent.pid) {
        seen.push(change);
      }
    }
    expect(seen.map(({ from, to }) => [from, to])).toEqual([
      [null, 'starting'],
      ['starting', 'running'],
      ['running', 'exited'],
    ]);
    expect(seen.at(-1)).toMatchObject({ agentId: 'watched', exit: { reason: 'trap' }, lost: 0 });
  });

  test('ends with the kernel, after the last exit, and is at its end when that is closed', async () => {
    const { kernel } = await testKernel();
    const module = await kernel.load(guest('sleeper'));
    await kernel.spawn({ module, grants: { ipc: 'all' } });
    const watch = kernel.watch();
    await kernel.close();
    const states = [];
    for await (const { to } of watch) {
      states.push(to);
    }
    expect(states.at(-1)).toBe('exited');
    expect(await kernel.watch().next()).toEqual({ done: true, value: undefined });
  });

  test('with a buffer of no size, or a signal that is none, is refused', () => {
    for (const options of [{ buffer: 0 }, { buffer: 100_001 }, { signal: {} as AbortSignal }]) {
      expect(() => host.kernel.watch(options)).toThrow(
        expect.objectContaining({ code: 'RF_USAGE' }),
      );
    }
  });
});
