/**
 * Goal: a child of an agent is started again by its type, after its wait, no more often than may be, and
 * not once its parent has stopped it or has ended. Method: children whose ends are in the test's hands,
 * and its clock.
 */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ExitReason } from '../process/exit.ts';
import type { Report } from '../supervisor/report.ts';
import type { Lineage } from '../supervisor/specification.ts';
import { RestartedChildren, type StartedOnce, WAITING_MAX } from './restarted-children.ts';

class Agent implements StartedOnce {
  readonly pid: number;
  readonly #exited = Promise.withResolvers<Report>();
  readonly exited = this.#exited.promise;
  killed = false;

  constructor(pid: number) {
    this.pid = pid;
  }
  kill(): void {
    this.killed = true;
  }
  async end(reason: ExitReason): Promise<void> {
    this.#exited.resolve({ exit: { reason } } as Report);
    await vi.advanceTimersByTimeAsync(0);
  }
}

let warned: string[];
let children: RestartedChildren;
let started: { agent: Agent; lineage: Lineage }[];
let fails: boolean;
let parent: Agent;
beforeEach(() => {
  vi.useFakeTimers();
  warned = [];
  started = [];
  fails = false;
  parent = new Agent(1);
  children = new RestartedChildren((text) => warned.push(text));
});
afterEach(() => {
  children.close();
  vi.useRealTimers();
});

const spawn = (type: 'permanent' | 'transient'): Promise<number> =>
  children.start({
    type,
    parent,
    start: async (lineage) => {
      if (fails) {
        throw new Error('no room');
      }
      const agent = new Agent(started.length + 2);
      started.push({ agent, lineage });
      return agent;
    },
  });

const last = (): Agent => started.at(-1)?.agent ?? expect.fail('nobody was started');

test('one whose start is under way when nobody is started again any more is not', async () => {
  const spawned = spawn('permanent');
  children.close();
  await spawned;
  await last().end('killed');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started).toHaveLength(1);
  expect(warned).toEqual([]);
});

test('one that is permanent is started again after each end, each wait twice the one before', async () => {
  expect(await spawn('permanent')).toBe(2);
  await last().end('normal');
  await vi.advanceTimersByTimeAsync(99);
  expect(started).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(started.at(-1)?.lineage).toEqual({ restartedFrom: 2, restarts: 1 });
  await last().end('trap');
  await vi.advanceTimersByTimeAsync(199);
  expect(started).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(started.at(-1)?.lineage).toEqual({ restartedFrom: 3, restarts: 2 });
});

test('one that is transient is not, when it has ended normally', async () => {
  await spawn('transient');
  await last().end('killed');
  await vi.advanceTimersByTimeAsync(100);
  expect(started).toHaveLength(2);
  await last().end('normal');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started).toHaveLength(2);
});

test('five times in a minute, and then it is given up, which is told', async () => {
  await spawn('permanent');
  for (let count = 0; count < 6; count += 1) {
    await last().end('trap');
    await vi.advanceTimersByTimeAsync(5_000);
  }
  expect(started).toHaveLength(6);
  expect(warned).toEqual([
    expect.stringContaining('pid 7, a child of pid 1, is not started again'),
  ]);
});

test('not when its parent has stopped it, while it ran or while it waited', async () => {
  await spawn('permanent');
  children.stopped(2);
  await last().end('killed');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started).toHaveLength(1);
  const pid = await spawn('permanent');
  await last().end('killed');
  children.stopped(pid);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started).toHaveLength(2);
});

test('not when its parent has ended', async () => {
  await spawn('permanent');
  await last().end('killed');
  await parent.end('normal');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started).toHaveLength(1);
});

test('one that can not be started is tried again, as often as may be', async () => {
  await spawn('permanent');
  fails = true;
  await last().end('trap');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started).toHaveLength(1);
  expect(warned.filter((text) => text.includes('no room'))).toHaveLength(5);
  expect(warned.at(-1)).toContain('is not started again');
});

test('no more children of one agent wait than may', async () => {
  for (let count = 0; count < WAITING_MAX; count += 1) {
    await spawn('permanent');
    await last().end('trap');
  }
  await expect(spawn('permanent')).rejects.toMatchObject({ code: 'RF_LIMIT_EXCEEDED' });
  // The control: when the first have been started again.
  await vi.advanceTimersByTimeAsync(100);
  await expect(spawn('permanent')).resolves.toBeGreaterThan(0);
});

test('one that has many children in its life is listened to once', async () => {
  const listened = vi.spyOn(parent.exited, 'then');
  for (let count = 0; count < 100; count += 1) {
    await spawn('transient');
    await last().end('normal');
  }
  expect(listened).toHaveBeenCalledTimes(1);
});
