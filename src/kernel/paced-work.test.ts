/** Goal: work is done once for all that ask, and no more often than may be. Method: a clock of the test's own. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PacedWork } from './paced-work.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

test('is done once for all that ask meanwhile, and again after its time', async () => {
  let done = 0;
  const work = new PacedWork({
    everyMs: 1_000,
    now: () => performance.now(),
    work: async () => {
      done += 1;
    },
  });
  work.ask();
  await vi.advanceTimersByTimeAsync(10);
  expect(done).toBe(0);
  work.start();
  await vi.advanceTimersByTimeAsync(10);
  expect(done).toBe(1);
  for (let asked = 0; asked < 100; asked += 1) {
    work.ask();
    await vi.advanceTimersByTimeAsync(5);
  }
  expect(done).toBe(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(done).toBe(2);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(done).toBe(2);
  work.ask();
  work.close();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(done).toBe(2);
});

test('that takes long is done in a twentieth of the time', async () => {
  let done = 0;
  const work = new PacedWork({
    everyMs: 1,
    now: () => performance.now(),
    work: async () => {
      done += 1;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      work.ask();
    },
  });
  work.start();
  work.ask();
  await vi.advanceTimersByTimeAsync(19_000);
  expect(done).toBe(1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(done).toBe(2);
  work.close();
});

test('is not begun while it is under way', async () => {
  let running = 0;
  const ends: (() => void)[] = [];
  const work = new PacedWork({
    everyMs: 0,
    now: () => performance.now(),
    work: async () => {
      running += 1;
      await new Promise<void>((resolve) => ends.push(resolve));
      running -= 1;
    },
  });
  work.start();
  for (let asked = 0; asked < 3; asked += 1) {
    work.ask();
    await vi.advanceTimersByTimeAsync(10);
    expect(running).toBe(1);
  }
  ends.shift()?.();
  await vi.advanceTimersByTimeAsync(1_000);
  expect([running, ends.length]).toEqual([1, 1]);
});
