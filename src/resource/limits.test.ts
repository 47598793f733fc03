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
])('%j is refused by name', (input, message) => {
  expect(() => parseLimits(input)).toThrow(message);
});
