/** A job: when it runs, what it does, and what has become of it so far. */

import type { MissedPolicy } from './missed.ts';
import type { Timing } from './timing.ts';

/** A run, as what it does is told. */
export interface JobRun {
  readonly id: string;
  readonly name: string | null;
  /** When it was due, in milliseconds since 1970. */
  readonly dueMs: number;
  /** Which run this is, from 1. */
  readonly run: number;
  /** Runs that were not made since the last one. */
  readonly missed: number;
  /** Aborted when the job is cancelled, or the kernel closed. */
  readonly signal: AbortSignal;
}

/** What is counted of a job. */
export interface JobHistory {
  runs: number;
  /** Runs that have failed. */
  failures: number;
  /** Runs that were due and were not made. */
  missed: number;
  /** When the last run began, in milliseconds since 1970. */
  lastRunMs: number | null;
  /** Why the last run failed; null: it did not. */
  lastError: string | null;
}

/** A job of an agenda. `Does` says what it does, to whom that is told. */
export interface Job<Does> {
  readonly id: string;
  readonly name: string | null;
  readonly timing: Timing;
  readonly policy: MissedPolicy;
  /** In milliseconds since 1970. */
  readonly createdAtMs: number;
  readonly does: Does;
  readonly history: JobHistory;
  /** Aborted when it is cancelled. */
  readonly cancellation: AbortController;
  /** One run at a time. */
  isRunning: boolean;
}
