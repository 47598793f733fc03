/**
 * Goal: an alarm rings once, at its moment and not before, whatever becomes of its clock. Method: a
 * clock of the test's own beside timers that the test moves.
 */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Alarm } from './alarm.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

let nowMs: number;
let rung: number[];
beforeEach(() => {
  vi.useFakeTimers();
  nowMs = 1_000_000;
  rung = [];
});
afterEach(() => vi.useRealTimers());

const alarmAt = (atMs: number): Alarm =>
  new Alarm({ atMs, now: () => nowMs, ring: () => rung.push(nowMs) });

/** Both clocks go on. */
function pass(milliseconds: number): void {
  nowMs += milliseconds;
  vi.advanceTimersByTime(milliseconds);
}

test('rings once, at its moment', () => {
  alarmAt(nowMs + 500);
  pass(499);
  expect(rung).toEqual([]);
  pass(1);
  expect(rung).toEqual([1_000_500]);
  pass(10_000);
  expect(rung).toHaveLength(1);
});

test('rings soon, and not within the call, for a moment that has passed', () => {
  alarmAt(nowMs - 1);
  expect(rung).toEqual([]);
  pass(1);
  expect(rung).toHaveLength(1);
});

test('rings at a moment that is further away than a timer can wait', () => {
  alarmAt(nowMs + 30 * DAY_MS);
  pass(29 * DAY_MS);
  expect(rung).toEqual([]);
  pass(DAY_MS);
  expect(rung).toHaveLength(1);
});

test('waits on where its clock is behind the timers', () => {
  alarmAt(nowMs + 500);
  vi.advanceTimersByTime(500);
  expect(rung).toEqual([]);
  pass(500);
  expect(rung).toHaveLength(1);
});

test('rings no more once it is cleared', () => {
  const alarm = alarmAt(nowMs + 500);
  alarm.clear();
  alarm.clear();
  pass(1_000);
  expect(rung).toEqual([]);
});
