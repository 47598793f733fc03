/**
 * Reliable delivery: a message is sent again until it is acknowledged, or was tried often enough. The
 * numbers are the reference's. Its receiver may get it more than once.
 */

import type { Payload } from './message.ts';

/** How often, and how long it is waited for. */
export interface RetryRules {
  /** After the first attempt. */
  readonly retries: number;
  /** How long the first attempt waits for its acknowledgement. */
  readonly initialMs: number;
  /** The longest that one waits. */
  readonly maxMs: number;
}

export const DEFAULT_RETRY_RULES: RetryRules = { retries: 3, initialMs: 5_000, maxMs: 30_000 };

/** Each attempt waits so many times as long as the one before. */
const MULTIPLIER = 2;

/** How an attempt came out. */
export type AttemptOutcome =
  | { readonly tag: 'acknowledged'; readonly reply: Payload }
  /** Nobody answered in time, or could be reached just now. */
  | { readonly tag: 'again' }
  /** There is no sense in another. */
  | { readonly tag: 'failed' };

/** How it came out in the end, and after how many attempts. */
export type ReliableOutcome =
  | { readonly tag: 'acknowledged'; readonly reply: Payload; readonly attempts: number }
  | { readonly tag: 'failed' | 'exhausted'; readonly attempts: number };

/** What it needs: a clock that nobody sets, in milliseconds, and something that waits by it. */
export interface ReliableTime {
  now(): number;
  /** Rejects where it is given up. */
  wait(ms: number): Promise<void>;
}

/** How long an attempt has, from 1 on. */
export function timeoutOfAttempt(attempt: number, { initialMs, maxMs }: RetryRules): number {
  return Math.min(initialMs * MULTIPLIER ** (attempt - 1), maxMs);
}

/** Tries until it is acknowledged, or has failed. An attempt that fails early is waited for to its end. */
export async function sendUntilAcknowledged(
  rules: RetryRules,
  time: ReliableTime,
  attempt: (timeoutMs: number) => Promise<AttemptOutcome>,
): Promise<ReliableOutcome> {
  for (let attempts = 1; ; attempts += 1) {
    const timeoutMs = timeoutOfAttempt(attempts, rules);
    const endMs = time.now() + timeoutMs;
    const outcome = await attempt(timeoutMs);
    if (outcome.tag !== 'again') {
      return { ...outcome, attempts };
    }
    if (attempts > rules.retries) {
      return { tag: 'exhausted', attempts };
    }
    const leftMs = endMs - time.now();
    if (leftMs > 0) {
      await time.wait(leftMs);
    }
  }
}
