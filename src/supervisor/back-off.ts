/** How long a child that keeps ending waits before it is started again. */

/** The waits of a child: each twice the one before. */
export interface BackOff {
  /** Before the first restart. */
  readonly initialMs: number;
  /** No wait is longer. */
  readonly maxMs: number;
  /** A child that ran for so long starts over with the first wait. */
  readonly stableMs: number;
}

/** The reference's waits; it never starts over, so that the time is ours. */
export const DEFAULT_BACK_OFF: BackOff = { initialMs: 100, maxMs: 30_000, stableMs: 60_000 };

/** Doublings after which every wait is the longest: 2^32 times 1 ms is more than a month. */
const DOUBLINGS_MAX = 32;

/** The wait before an attempt, which count from 1. */
export function waitMs(attempt: number, { initialMs, maxMs }: BackOff): number {
  const doublings = Math.min(Math.max(0, attempt - 1), DOUBLINGS_MAX);
  return Math.min(initialMs * 2 ** doublings, maxMs);
}

/**
 * Which attempt comes next.
 *
 * @param attempts those before, since the last stable time
 * @param ranMs how long the child ran; 0 where it could not be started
 */
export function nextAttempt(attempts: number, ranMs: number, { stableMs }: BackOff): number {
  return ranMs >= stableMs ? 1 : attempts + 1;
}
