import { expect, test } from 'vitest';
import { DEFAULT_LIMITS, parseLimits } from './limits.ts';

test('what is absent has its default', () => {
  expect(parseLimits(undefined)).toEqual(DEFAULT_LIMITS);
  expect(parseLimits({ fuel: 7 })).toEqual({ ...DEFAULT_LIMITS, fuel: 7 });
  expect(parseLimits({ fuel: undefined })).toEqual(DEFAULT_LIMITS);
});

test.each([
  [{ fule: 1 }, /fule|Unrecognized/],
  [{ fuel: -1 }, /fuel/],
  [{ fuel: '7' }, /fuel/],
  [{ fuel: 0.5 }, /fuel/],
  [{ memoryBytes: Number.POSITIVE_INFINITY }, /memoryBytes/],
  [[], /limits/],
  [new Map([['fuel', 7]]), /limits/],
])('%j is refused by name', (input, message) => {
  expect(() => parseLimits(input)).toThrow(message);
});

test('where nothing is written all have the same, and nobody can change it', () => {
  expect(parseLimits(undefined)).toBe(DEFAULT_LIMITS);
  expect(parseLimits({})).toEqual(DEFAULT_LIMITS);
  expect(() => Object.assign(DEFAULT_LIMITS, { fuel: 1 })).toThrow(TypeError);
});

test('what something has put onto every object of the program limits nobody', () => {
  const prototype = Object.prototype as { fuel?: number };
  prototype.fuel = 5;
  try {
    expect([parseLimits(undefined).fuel, parseLimits({ messages: 3 }).fuel]).toEqual([0, 0]);
    expect(parseLimits({ fuel: 7 }).fuel).toBe(7);
  } finally {
    delete prototype.fuel;
  }
});
