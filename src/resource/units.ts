/** Sizes and durations as people write them: `64MiB`, `500ms`, `10s`. */

import { RingfenceError } from '../errors.ts';

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1000,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1000 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1000 ** 3,
  gib: 1024 ** 3,
};

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

function parseQuantity(
  text: string,
  units: Readonly<Record<string, number>>,
  what: string,
  example: string,
): number {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)([a-z]*)$/i.exec(text.trim());
  const unit = match?.[2]?.toLowerCase() ?? '';
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  const exact = match && factor !== undefined ? Number(match[1]) * factor : Number.NaN;
  // 0 is no limit at all: who writes less than one, however little, means one.
  const value = exact > 0 ? Math.max(1, Math.round(exact)) : exact;
  if (!Number.isSafeInteger(value)) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot read the ${what} ${JSON.stringify(text.slice(0, 100))}: write it as ${example}.`,
    );
  }
  return value;
}

/**
 * Reads a size in bytes.
 *
 * @throws {RingfenceError} `RF_USAGE`
 *
 * @example
 * ```ts
 * parseSize('64MiB'); // 67108864
 * ```
 */
export function parseSize(text: string): number {
  return parseQuantity(text, SIZE_UNITS, 'size', '64MiB, 512KiB or a number of bytes');
}

/**
 * Reads a duration in milliseconds. A unit is needed, except for 0.
 *
 * @throws {RingfenceError} `RF_USAGE`
 *
 * @example
 * ```ts
 * parseDuration('10s'); // 10000
 * ```
 */
export function parseDuration(text: string): number {
  if (text.trim() === '0') {
    return 0;
  }
  return parseQuantity(text, DURATION_UNITS_MS, 'duration', '500ms, 10s, 5m or 1h');
}

/** Reads a count: a whole number, underscores allowed. @throws {RingfenceError} `RF_USAGE` */
export function parseCount(text: string): number {
  const value = /^\d[\d_]{0,19}$/.test(text.trim()) ? Number(text.replaceAll('_', '')) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot read the number ${JSON.stringify(text.slice(0, 100))}: write a whole number such as 1000000.`,
    );
  }
  return value;
}
