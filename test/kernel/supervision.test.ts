/**
 * Goal: a supervisor's children run, come back, and end as docs/supervision.md says. Method: real agents,
 * hostile ones among them, through the public API; what is decided is tested in src/supervisor/ for
 * every case.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModule, Report } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

let host: TestKernel;
let sleeper: LoadedModule;
let trap: LoadedModule;
let hello: LoadedModule;
beforeAll(async () => {
  host = await testKernel();
  [sleeper, trap, hello] = (await Promise.all(
    ['sleeper', 'trap', 'hello'].map((name) => host.kernel.load(guest(name))),
  )) as [LoadedModule, LoadedModule, LoadedModule];
});
afterAll(() => host.kernel.close());

const QUICK = { initialMs: 1, maxMs: 8, stableMs: 60_000 };

/** What `onExit` was told, and a promise of so many of them. */
function exits() {
  const seen: [id: string, report: Report][] = [];
  const waiting: { count: number; resolve(): void }[] = [];
  return {
    seen,
    onExit: (id: string, report: Report): void => {
      seen.push([id, report]);
      for (const { count, resolve } of waiting) {
        if (seen.length >= count) {
          resolve();
        }
      }
    },
    atLeast: (count: number): Promise<void> =>
      seen.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ count, resolve })),
  };
}

describe('one_for_one', () => {
  test('starts its children in order, and stops the last first', async () => {
    const { seen, onExit } = exits();
    const supervisor = await host.kernel.supervise({
      onExit,
      children: ['a', 'b', 'c'].map((id) => ({
        id,
        module: sleeper,
        grants: { ipc: 'all' },
        shutdownMs: 0,
      })),
    });
    const pids = supervisor.children().map(({ pid }) => pid as number);
    expect(pids).toEqual([...pids].sort((one, other) => one - other));
    expect(supervisor.children().map(({ id, state }) => [id, state])).toEqual([
      ['a', 'running'],
      ['b', 'running'],
      ['c', 'running'],
    ]);
    expect(await supervisor.close()).toEqual({ reason: 'stopped', childId: null });
    expect(seen.map(([id, { exit }]) => [id, exit.reason])).toEqual([
      ['c', 'killed'],
      ['b', 'killed'],
      ['a', 'killed'],
    ]);
    expect(supervisor.children()).toEqual([]);
  });

  test('starts who was killed again, under a new pid, without anyone calling', async () => {
    const { seen, onExit, atLeast } = exits();
    await using supervisor = await host.kernel.supervise({
      onExit,
      backoff: QUICK,
      children: ['a', 'b'].map((id) => ({
        id,
        module: sleeper,
        grants: { ipc: 'all' },
        shutdownMs: 0,
      })),
    });
    const [a, b] = supervisor.children();
    host.kernel.kill(a?.pid as number);
    await atLeast(1);
    await expect
      .poll(() => supervisor.children()[0])
      .toMatchObject({ state: 'running', restartedFrom: a?.pid, restarts: 1 });
    expect(supervisor.children()[1]).toEqual(b);
    const again = supervisor.children()[0]?.pid as number;
    expect(again).toBeGreaterThan(b?.pid as number);
    expect(host.kernel.list().find(({ pid }) => pid === again)).toMatchObject({
      agentId: 'a',
      parentPid: 0,
      restartedFrom: a?.pid,
    });
    expect(seen[0]?.[1]).toMatchObject({ pid: a?.pid, restarted_from: null, restarts: 0 });
    await supervisor.close();
    expect(seen.find(([, { pid }]) => pid === again)?.[1]).toMatchObject({
      restarted_from: a?.pid,
      restarts: 1,
    });
  });

  test('ends when a child crashes in a loop: after its intensity, and its siblings with it', async () => {
    const { seen, onExit } = exits();
    const supervisor = await host.kernel.supervise({
      onExit,
      backoff: QUICK,
      intensity: 3,
      children: [
        { id: 'sibling', module: sleeper, grants: { ipc: 'all' }, shutdownMs: 0 },
        { id: 'hostile', module: trap },
      ],
    });
    expect(await supervisor.ended).toEqual({ reason: 'exhausted', childId: 'hostile' });
    const crashes = seen.filter(([id]) => id === 'hostile').map(([, report]) => report);
    expect(crashes.map(({ restarts, exit }) => [restarts, exit.reason])).toEqual([
      [0, 'trap'],
      [1, 'trap'],
      [2, 'trap'],
      [3, 'trap'],
    ]);
    expect(crashes.map(({ restarted_from }) => restarted_from)).toEqual([
      null,
      ...crashes.slice(0, -1).map(({ pid }) => pid),
    ]);
    expect(seen.at(-1)?.[0]).toBe('sibling');
    expect(host.warnings.at(-1)).toMatch(/child 'hostile' ended once more, and 3 restarts/);
  });

  test('restarts by the type of the child: permanent always, transient after a failure only', async () => {
    const { seen, onExit } = exits();
    const supervisor = await host.kernel.supervise({
      onExit,
      backoff: { ...QUICK, initialMs: 60_000, maxMs: 60_000 },
      children: [
        { id: 'permanent', module: hello },
        { id: 'transient', module: hello, restart: 'transient' },
        { id: 'temporary', module: trap, restart: 'temporary' },
        { id: 'failed', module: trap, restart: 'transient' },
      ],
    });
    await expect
      .poll(() => supervisor.children().map(({ id, state }) => [id, state]))
      .toEqual([
        ['permanent', 'waiting'],
        ['transient', 'ended'],
        ['failed', 'waiting'],
      ]);
    expect(seen).toHaveLength(4);
    await supervisor.close();
    expect(seen).toHaveLength(4);
  });
});
