/** All jobs and the one timer they have: looks at what is due, and runs that, each job once at a time. */

import type { Job, JobRun } from './job.ts';
import { decide } from './missed.ts';
import type { Now } from './timing.ts';

/**
 * The longest that nobody looks: the wall clock may be set, and the machine may sleep, while a timer
 * waits on another clock.
 */
const LOOK_MS = 60_000;
/** A wall clock that is behind by so much was set back; by less, it is adjusted. */
const SET_BACK_MS = 1_000;

/** Time, as an agenda sees it. */
export interface Clock {
  now(): Now;
  /** Calls once, not before, and never synchronously. */
  wake(inMs: number, ring: () => void): { clear(): void };
}

/** What an agenda asks for. */
export interface AgendaOptions<Does> {
  readonly clock: Clock;
  /** Does what a job does, once. */
  perform(job: Job<Does>, run: JobRun): Promise<void>;
  /** A run has failed that the one before had not. */
  failed(job: Job<Does>, error: unknown): void;
  /** What is known of a job has changed. */
  changed(job: Job<Does>): void;
}

/** The jobs of a kernel. */
export class Agenda<Does> {
  readonly #options: AgendaOptions<Does>;
  readonly #jobs = new Map<string, Job<Does>>();
  /** Of all jobs that there were in this agenda. */
  readonly totals = { runs: 0, failures: 0, missed: 0 };
  #timer: { clear(): void } | null = null;
  #lastWallMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: AgendaOptions<Does>) {
    this.#options = options;
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** All jobs, in the order in which they were added. */
  list(): Job<Does>[] {
    return [...this.#jobs.values()];
  }

  add(job: Job<Does>): void {
    this.#jobs.set(job.id, job);
    this.#arm();
  }

  /** Cancels a job; a run under way is told by its signal. Null: there is none of this id. */
  remove(id: string): Job<Does> | null {
    const job = this.#jobs.get(id);
    if (job === undefined) {
      return null;
    }
    this.#jobs.delete(id);
    job.cancellation.abort();
    this.#arm();
    return job;
  }

  /** No job runs any more; no timer is left. */
  close(): void {
    this.#closed = true;
    for (const { id } of this.list()) {
      this.remove(id);
    }
  }

  #arm(): void {
    this.#timer?.clear();
    this.#timer = null;
    if (this.#closed) {
      return;
    }
    const now = this.#options.clock.now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const job of this.#jobs.values()) {
      nextMs = Math.min(nextMs, (job.isRunning ? null : job.timing.untilNext(now)) ?? nextMs);
    }
    if (this.#jobs.size > 0) {
      const inMs = Math.min(Math.max(0, Math.ceil(nextMs)), LOOK_MS);
      this.#timer = this.#options.clock.wake(inMs, () => this.#look());
    }
  }

  #look(): void {
    const now = this.#options.clock.now();
    const wasSetBack = now.wallMs < this.#lastWallMs - SET_BACK_MS;
    this.#lastWallMs = now.wallMs;
    for (const job of this.list()) {
      if (wasSetBack) {
        job.timing.clockSetBack(now);
      }
      if (!job.isRunning) {
        this.#begin(job, now);
      }
    }
    this.#arm();
  }

  #begin(job: Job<Does>, now: Now): void {
    const taken = job.timing.take(now);
    if (taken.count === 0) {
      return;
    }
    const { runsMs, missed } = decide(job.policy, taken, now.wallMs);
    job.history.missed += missed;
    this.totals.missed += missed;
    if (runsMs.length > 0) {
      job.isRunning = true;
      void this.#perform(job, runsMs, missed).then(() => this.#ended(job));
    }
    this.#options.changed(job);
  }

  async #perform(job: Job<Does>, runsMs: readonly number[], missed: number): Promise<void> {
    const { id, name, history, cancellation } = job;
    for (const [index, dueMs] of runsMs.entries()) {
      if (cancellation.signal.aborted) {
        return;
      }
      history.runs += 1;
      this.totals.runs += 1;
      history.lastRunMs = this.#options.clock.now().wallMs;
      const hadFailed = history.lastError !== null;
      try {
        await this.#options.perform(job, {
          id,
          name,
          dueMs,
          run: history.runs,
          missed: index === 0 ? missed : 0,
          signal: cancellation.signal,
        });
        history.lastError = null;
      } catch (error) {
        if (cancellation.signal.aborted) {
          return;
        }
        history.failures += 1;
        this.totals.failures += 1;
        history.lastError = error instanceof Error ? error.message : String(error);
        if (!hadFailed) {
          this.#options.failed(job, error);
        }
      }
    }
  }

  #ended(job: Job<Does>): void {
    job.isRunning = false;
    if (!this.#jobs.has(job.id)) {
      return;
    }
    if (job.timing.untilNext(this.#options.clock.now()) === null) {
      // Its expression means no time that is still to come.
      this.remove(job.id);
    }
    this.#options.changed(job);
    // What became due meanwhile is looked at by the rule for what was missed.
    this.#arm();
  }
}
