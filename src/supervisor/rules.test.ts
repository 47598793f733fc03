import { describe, expect, test } from 'vitest';
import { DEFAULT_BACK_OFF, nextAttempt, waitMs } from './back-off.ts';
import { DEFAULT_INTENSITY, withRestart } from './intensity.ts';
import { REFERENCE_STRATEGIES } from './reference.ts';
import { isRestarted } from './restart.ts';
import { isAffected, STRATEGIES } from './strategy.ts';

test('the waits are those of the reference: 100 ms, doubled, up to 30 s', () => {
  const waits = Array.from({ length: 11 }, (_, index) => waitMs(index + 1, DEFAULT_BACK_OFF));
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
  expect(waitMs(0, DEFAULT_BACK_OFF)).toBe(100);
  expect(waitMs(1_000_000, DEFAULT_BACK_OFF)).toBe(30_000);
  expect(waitMs(1_000_000, { ...DEFAULT_BACK_OFF, initialMs: 0 })).toBe(0);
});

test('a stable time starts the waits over, and nothing less', () => {
  expect(nextAttempt(7, 59_999, DEFAULT_BACK_OFF)).toBe(8);
  expect(nextAttempt(7, 60_000, DEFAULT_BACK_OFF)).toBe(1);
});

describe('the budget of the reference', () => {
  test('the fifth restart in 60 s is allowed, the sixth is not', () => {
    let times: readonly number[] | null = [];
    for (let count = 1; count <= 5; count += 1) {
      times = withRestart(times as readonly number[], count, DEFAULT_INTENSITY);
      expect(times).toHaveLength(count);
    }
    expect(withRestart(times as readonly number[], 6, DEFAULT_INTENSITY)).toBeNull();
  });

  test('slides, where the reference begins anew with each window: 5 and 5 around its edge are refused', () => {
    const late = [59_996, 59_997, 59_998, 59_999, 60_000];
    expect(withRestart(late, 60_001, DEFAULT_INTENSITY)).toBeNull();
    expect(withRestart(late, 119_996, DEFAULT_INTENSITY)).toBeNull();
    expect(withRestart(late, 119_997, DEFAULT_INTENSITY)).toEqual([...late.slice(1), 119_997]);
  });
});

test('the strategies of the reference: Permanent never restarts, the others even after a normal end', () => {
  const restarts = (normally: boolean) =>
    Object.fromEntries(
      Object.entries(REFERENCE_STRATEGIES).map(([name, { restart }]) => [
        name,
        isRestarted(restart, normally),
      ]),
    );
  const always = { OneForOne: true, OneForAll: true, RestForOne: true };
  expect(restarts(true)).toEqual({ ...always, Permanent: false, Transient: false });
  expect(restarts(false)).toEqual({ ...always, Permanent: false, Transient: true });
});

test.each(STRATEGIES.map((strategy) => [strategy] as const))('who is affected: %s', (strategy) => {
  const affected = [0, 1, 2, 3].filter((place) => isAffected(strategy, place, 1));
  expect(affected).toEqual(
    { one_for_one: [1], one_for_all: [0, 1, 2, 3], rest_for_one: [1, 2, 3] }[strategy],
  );
});
