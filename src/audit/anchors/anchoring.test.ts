/** Goal: each anchor has each checkpoint once, whatever others do, and none holds up the log. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Anchor } from './anchor.ts';
import { Anchoring, PUT_MS_MAX } from './anchoring.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const INTERVAL_MS = 1_000;
const noteOf = (size: number) => `ringfence-audit/a\n${size}\nroot\n`;

/** Anchors that keep what they are given, and one that is told how to behave. */
function world(behave: () => Promise<void>) {
  const taken: string[] = [];
  const told: (string | null)[] = [];
  let note = noteOf(1);
  let puts = 0;
  const good: Anchor = { name: 'good', put: async (given) => void taken.push(given) };
  const other: Anchor = {
    name: 'other',
    put: () => {
      puts += 1;
      return behave();
    },
  };
  const anchoring = new Anchoring({
    anchors: [other, good],
    intervalMs: INTERVAL_MS,
    note: () => note,
    anchored: (anchor, _, problem) => {
      if (anchor === 'other') told.push(problem);
    },
  });
  return {
    anchoring,
    taken,
    told,
    puts: () => puts,
    grow: (size: number) => {
      note = noteOf(size);
    },
  };
}

test('one that fails is handed the same again, and no other is', async () => {
  const { anchoring, taken, told } = world(() => Promise.reject(new Error('the disk is full')));
  await vi.advanceTimersByTimeAsync(3 * INTERVAL_MS);
  expect(taken).toEqual([noteOf(1)]);
  expect(told).toEqual(Array(3).fill('the disk is full'));
  await anchoring.end();
});

test('one that throws at once is one that fails', async () => {
  const { anchoring, told } = world(() => {
    throw new Error('at once');
  });
  await anchoring.end();
  expect(told).toEqual(['at once']);
});

test('one that never answers holds up nobody for longer than it may', async () => {
  const { anchoring, taken, told, puts, grow } = world(() => new Promise(() => {}));
  await vi.advanceTimersByTimeAsync(INTERVAL_MS + PUT_MS_MAX);
  expect(told).toEqual(['it has not answered in 60 s']);
  expect(taken).toEqual([noteOf(1)]);
  grow(2);
  const ended = anchoring.end();
  await vi.advanceTimersByTimeAsync(0);
  await ended;
  expect(taken).toEqual([noteOf(1), noteOf(2)]);
  expect(puts()).toBe(1);
});

test('one that answers late is handed what has come meanwhile', async () => {
  const late = Promise.withResolvers<void>();
  const { anchoring, puts } = world(() => late.promise);
  await vi.advanceTimersByTimeAsync(INTERVAL_MS + PUT_MS_MAX);
  late.resolve();
  await vi.advanceTimersByTimeAsync(INTERVAL_MS);
  expect(puts()).toBe(2);
  await anchoring.end();
});
