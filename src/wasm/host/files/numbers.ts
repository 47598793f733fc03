/** Numbers and times of requests, checked: a request may come from anywhere. */

import { OFFSET_END } from './caps.ts';
import { fail } from './failure.ts';
import type { NewTime } from './request.ts';

/**
 * An offset, a size or a length. A guest's are 64 bits wide; beyond 2⁵³ they come here as the nearest
 * number, which is exact enough to refuse them. `invalid`: negative to the system, or no number.
 */
export function checkOffset(value: unknown): number {
  // Node writes at a place of its own choice where it is told one between two bytes.
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= OFFSET_END) {
    return fail('invalid');
  }
  return value as number;
}

/** Where a file would end; `file-too-large` where no file can. */
export function checkEnd(end: number): number {
  return end <= Number.MAX_SAFE_INTEGER ? end : fail('file-too-large');
}

/** The whole numbers of WASI's flags. */
export function checkFlags(value: unknown, known: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || (value & ~known) !== 0) {
    return fail('invalid');
  }
  return value;
}

/** A time to set. */
export function checkTime(value: unknown): NewTime {
  if (value === 'no-change' || value === 'now') {
    return value;
  }
  const { seconds, nanoseconds } = Object(value) as { seconds?: unknown; nanoseconds?: unknown };
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 0) {
    return fail('invalid');
  }
  if (
    typeof nanoseconds !== 'number' ||
    !Number.isInteger(nanoseconds) ||
    nanoseconds < 0 ||
    nanoseconds > 999_999_999
  ) {
    return fail('invalid');
  }
  return { seconds, nanoseconds };
}

/** Bytes to write. */
export function checkBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : fail('invalid');
}
