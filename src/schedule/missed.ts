/** What is made of runs that were not made in time: nobody ran, the machine slept, the last one took long. */

import type { Taken } from './timing.ts';

/**
 * `skip`: nothing; `once`: one run for all of them, at once, as in the reference; `all`: each is made, one
 * after the other, up to 100.
 */
export const MISSED_POLICIES = ['skip', 'once', 'all'] as const;
export type MissedPolicy = (typeof MISSED_POLICIES)[number];

/** A run that is late by no more than this is on time: a program's thread can be busy. */
export const ON_TIME_MS = 5_000;

/** What is to be run now. */
export interface Decided {
  /** When each was due, in milliseconds since 1970, the oldest first. */
  readonly runsMs: readonly number[];
  /** Runs that are not made. */
  readonly missed: number;
}

/** What is run of what was due. */
export function decide(policy: MissedPolicy, { duesMs, count }: Taken, wallMs: number): Decided {
  const last = duesMs.slice(-1);
  switch (policy) {
    case 'skip': {
      const runsMs = last.filter((dueMs) => wallMs - dueMs <= ON_TIME_MS);
      return { runsMs, missed: count - runsMs.length };
    }
    case 'once':
      return { runsMs: last, missed: count - last.length };
    case 'all':
      return { runsMs: duesMs, missed: count - duesMs.length };
  }
}
