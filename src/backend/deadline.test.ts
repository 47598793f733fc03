/** Goal: the last resort comes in time, and not upon who is at work. Method: a clock of the test's own. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Deadline } from './deadline.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('it passes two seconds after the moment, where nobody was ended meanwhile', () => {
  const passed = vi.fn();
  new Deadline(passed, () => 7).setNow();
  vi.advanceTimersByTime(1_999);
  expect(passed).not.toHaveBeenCalled();
  vi.advanceTimersByTime(2);
  expect(passed).toHaveBeenCalledOnce();
});

test('it waits for who ends others, and passes when he ends no more', () => {
  const passed = vi.fn();
  let ended = 0;
  new Deadline(passed, () => ended).setNow();
  for (let second = 0; second < 10; second += 1) {
    ended += 1;
    vi.advanceTimersByTime(1_000);
  }
  expect(passed).not.toHaveBeenCalled();
  vi.advanceTimersByTime(4_001);
  expect(passed).toHaveBeenCalledOnce();
});

test('it passes in half a minute, whatever becomes of others', () => {
  const passed = vi.fn();
  let ended = 0;
  new Deadline(passed, () => ended).setNow();
  for (let second = 0; second < 29; second += 1) {
    ended += 1;
    vi.advanceTimersByTime(1_000);
  }
  expect(passed).not.toHaveBeenCalled();
  ended += 1;
  vi.advanceTimersByTime(1_001);
  expect(passed).toHaveBeenCalledOnce();
});

test('one that is cleared never passes, nor one that another took the place of', () => {
  const passed = vi.fn();
  const deadline = new Deadline(passed);
  deadline.setNow();
  vi.advanceTimersByTime(1_500);
  deadline.setNow();
  vi.advanceTimersByTime(1_500);
  expect(passed).not.toHaveBeenCalled();
  deadline.clear();
  vi.advanceTimersByTime(60_000);
  expect(passed).not.toHaveBeenCalled();
});
