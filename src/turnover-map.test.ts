import { expect, test } from 'vitest';
import { TurnoverMap } from './turnover-map.ts';

test('holds what was set and not deleted, in the order of its keys', () => {
  const map = new TurnoverMap<number, { name: string }>();
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => ({ name }));
  map.set(3, a!);
  map.set(1, b!);
  map.set(2, c!);
  map.set(3, d!);
  expect(map.delete(1)).toBe(true);
  expect(map.delete(1)).toBe(false);
  expect([map.get(1), map.get(2), map.get(3), map.size]).toEqual([undefined, c, d, 2]);
  expect([map.has(1), map.has(2)]).toEqual([false, true]);
  expect(map.values()).toEqual([d, c]);
});
