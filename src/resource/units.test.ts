import { describe, expect, test } from 'vitest';
import { parseCount, parseDuration, parseSize } from './units.ts';

describe('sizes', () => {
  test.each([
    ['0', 0],
    ['1', 1],
    ['64MiB', 67_108_864],
    ['1.5KiB', 1536],
    ['2mb', 2_000_000],
    ['1GiB', 1_073_741_824],
    ['0.0KiB', 0],
    // Not 0, which is no limit.
    ['0.4', 1],
    ['0.000001k', 1],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each([
    '',
    '-1',
    '12 parrots',
    '1e9',
    '64MiBs',
    '9999999999999999',
    '__proto__',
    '1toString',
  ])('%j is refused with an example of what to write', (text) => {
    expect(() => parseSize(text)).toThrow(/write it as 64MiB/);
  });
});

describe('durations', () => {
  test.each([
    ['0', 0],
    ['500ms', 500],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['0.0s', 0],
    // Not 0, which is no limit.
    ['0.4ms', 1],
    ['0.000001s', 1],
  ])('%s is %i ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(['5', 's', '-1s', '1 fortnight'])('%j is refused', (text) => {
    expect(() => parseDuration(text)).toThrow(/write it as 500ms/);
  });
});

describe('counts', () => {
  test('underscores are allowed', () => {
    expect(parseCount('1_000_000')).toBe(1_000_000);
  });

  test.each(['', '1.5', '0x10', '-3', '99999999999999999999'])('%j is refused', (text) => {
    expect(() => parseCount(text)).toThrow(/write a whole number/);
  });
});
