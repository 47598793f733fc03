import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { removableBefore } from './retention.ts';

const NOW_MS = 1_000_000;

/** Below which event one removes of a chain that begins with event 5, where those below `young` are too old. */
function before(young: number, signed: number): number | null {
  const database = new DatabaseSync(':memory:');
  const firstAt = (timeMs: number): number => {
    expect(timeMs).toBe(NOW_MS - 1000);
    return young;
  };
  const rule = { ageMs: 1000, everyMs: 1 };
  return removableBefore(database, { begins: 5, signed, firstAt }, rule, NOW_MS);
}

it('removes what is too old, as far as it is signed, some thousands at a time', () => {
  expect(before(50, 100)).toBe(50);
  expect(before(50, 20)).toBe(20);
  expect(before(50_000, 100_000)).toBe(10_005);
  expect(before(5, 100)).toBe(null);
  expect(before(0, 100)).toBe(null);
});

it('removes nothing where only the event is left that says what was removed: it would go on for ever', () => {
  expect(before(6, 100)).toBe(null);
  expect(before(7, 100)).toBe(7);
});
