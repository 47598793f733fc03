/** When a job runs: at an interval of a clock that is never set, or by a cron expression and the wall clock. */

import { Cron } from 'croner';
import { RingfenceError } from '../errors.ts';

/** The two clocks, in milliseconds. */
export interface Now {
  /** Of a clock that nobody sets; its beginning means nothing. */
  readonly monotonicMs: number;
  /** Since 1970. */
  readonly wallMs: number;
}

/** When a job runs. */
export type When =
  | { readonly everyMs: number }
  | { readonly cron: string; readonly timezone: string };

/** Runs that were due. */
export interface Taken {
  /** When they were due, in milliseconds since 1970, the oldest first: the last {@link DUES_MAX}. */
  readonly duesMs: readonly number[];
  /** How many there were; of a cron expression {@link DUES_MAX} at most are counted. */
  readonly count: number;
}

/** Runs that were due and are told one by one. */
export const DUES_MAX = 100;
/** The shortest interval: what is to happen more often is no job. */
export const EVERY_MS_MIN = 100;
/** The longest: ten years. */
export const EVERY_MS_MAX = 10 * 366 * 24 * 60 * 60 * 1000;

const NOTHING: Taken = { duesMs: [], count: 0 };
const SECOND_MS = 1_000;

/** Knows when a job is due next. */
export interface Timing {
  readonly when: When;
  /** In how many milliseconds the next run is due, 0 or less where it is; null: none is, ever. */
  untilNext(now: Now): number | null;
  /** The runs that are due: they are no more, afterwards. */
  take(now: Now): Taken;
  /** The wall clock was set back. */
  clockSetBack(now: Now): void;
}

class Interval implements Timing {
  readonly when: When;
  readonly #everyMs: number;
  #nextMs: number;

  constructor(everyMs: number, nextMs: number) {
    this.when = { everyMs };
    this.#everyMs = everyMs;
    this.#nextMs = nextMs;
  }

  untilNext({ monotonicMs }: Now): number {
    return this.#nextMs - monotonicMs;
  }

  take({ monotonicMs, wallMs }: Now): Taken {
    if (monotonicMs < this.#nextMs) {
      return NOTHING;
    }
    const count = Math.floor((monotonicMs - this.#nextMs) / this.#everyMs) + 1;
    // Counted from the first, not from now: runs that are late don't move those after them.
    this.#nextMs += count * this.#everyMs;
    const told = Math.min(count, DUES_MAX);
    const lastMs = wallMs - (monotonicMs - this.#nextMs) - this.#everyMs;
    const duesMs = Array.from(
      { length: told },
      (_, index) => lastMs - (told - 1 - index) * this.#everyMs,
    );
    return { duesMs, count };
  }

  clockSetBack(): void {
    // It counts on a clock that nobody sets.
  }
}

class Expression implements Timing {
  readonly when: When;
  readonly #cron: Cron;
  #nextMs: number | null;

  constructor(when: Extract<When, { cron: string }>, cron: Cron, nextMs: number | null) {
    this.when = when;
    this.#cron = cron;
    this.#nextMs = nextMs;
  }

  untilNext({ wallMs }: Now): number | null {
    return this.#nextMs === null ? null : this.#nextMs - wallMs;
  }

  take({ wallMs }: Now): Taken {
    const duesMs: number[] = [];
    const firstMs = this.#nextMs;
    while (this.#nextMs !== null && this.#nextMs <= wallMs) {
      if (duesMs.length === DUES_MAX) {
        // Very many were: only the last ones are looked for, and what comes next.
        this.#nextMs = nextAfter(this.#cron, wallMs);
        const last = this.#cron.previousRuns(DUES_MAX, new Date(wallMs + SECOND_MS));
        return {
          duesMs: last
            .map((date) => date.getTime())
            .filter((dueMs) => dueMs >= (firstMs ?? 0) && dueMs <= wallMs)
            .sort((one, other) => one - other),
          count: DUES_MAX,
        };
      }
      duesMs.push(this.#nextMs);
      this.#nextMs = nextAfter(this.#cron, this.#nextMs);
    }
    return { duesMs, count: duesMs.length };
  }

  clockSetBack({ wallMs }: Now): void {
    this.#nextMs = nextAfter(this.#cron, wallMs);
  }
}

function nextAfter(cron: Cron, afterMs: number): number | null {
  return cron.nextRun(new Date(afterMs))?.getTime() ?? null;
}

/**
 * Begins to time a job: its first run is due after the first interval, or the next time that its
 * expression means; or at `nextMs`, in milliseconds since 1970, where it was timed before.
 *
 * @throws {RingfenceError} `RF_USAGE` for an expression or a time zone that can't be understood, and for an
 * expression that means no time that is still to come
 */
export function timingOf(when: When, now: Now, nextMs: number | null = null): Timing {
  if ('everyMs' in when) {
    const untilMs = nextMs === null ? when.everyMs : nextMs - now.wallMs;
    // The wall clock may have been set while nobody counted: no interval is waited twice.
    return new Interval(when.everyMs, now.monotonicMs + Math.min(untilMs, when.everyMs));
  }
  try {
    const cron = new Cron(when.cron, { paused: true, timezone: when.timezone });
    const next = nextMs ?? nextAfter(cron, now.wallMs);
    if (next !== null) {
      return new Expression(when, cron, next);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot schedule the job with the cron expression '${when.cron}' in the time zone '${when.timezone}': ${why}`,
      { cron: when.cron, timezone: when.timezone },
    );
  }
  throw new RingfenceError(
    'RF_USAGE',
    `Cannot schedule the job as its cron expression '${when.cron}' means no time that is still to come: give another.`,
    { cron: when.cron },
  );
}
