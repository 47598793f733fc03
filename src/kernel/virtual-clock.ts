/** The time that the agents of a kernel live in, where a program moves it on: for tests. */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { TIMER_MS_MAX } from '../timer.ts';
import { usageError } from '../usage-error.ts';
import type { QuietAgents } from '../wasm/worker/quiet.ts';
import type { TimeMoment } from '../wasm/worker/virtual-time.ts';

/** What a virtual time begins with, if nothing else is said: 2000-01-01T00:00:00Z. */
const BEGINS_AT_MS = Date.UTC(2000, 0, 1);

/** Milliseconds of the machine's time that agents have to come to rest, if nothing else is said. */
const PATIENCE_MS = 20_000;

const patience = z.int().min(1).max(TIMER_MS_MAX).default(PATIENCE_MS);
const settleSchema = z.strictObject({ patienceMs: patience });
const advanceSchema = z.strictObject({
  milliseconds: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  patienceMs: patience,
});

/** How long agents are waited for, by the machine's clock. */
export interface PatienceOptions {
  /** Milliseconds of the machine's time that agents have to come to rest. @default 20_000 */
  readonly patienceMs?: number | undefined;
}

/** What runs the agents. */
export interface TimedAgents {
  quiet(): Promise<QuietAgents>;
  moveTime(moment: TimeMoment): void;
  /** How many there are. */
  count(): number;
}

/**
 * The time of a kernel that was opened with `clock: 'virtual'`. It stands still until it is advanced: what
 * agents read of clocks, and all that they wait for by them, follows it (docs/testing.md).
 */
export class VirtualClock {
  readonly #agents: TimedAgents;
  #moment: TimeMoment = { elapsedMs: 0, beganAtMs: BEGINS_AT_MS };
  /** What the program does for agents, and has not done yet. */
  readonly #works = new Set<Promise<unknown>>();
  /** Advances are one after another. */
  #last: Promise<void> = Promise.resolve();

  /** Use {@link Kernel.clock}. */
  constructor(agents: TimedAgents) {
    this.#agents = agents;
  }

  /** Milliseconds since 1970, as agents read them. */
  get nowMs(): number {
    return this.#moment.beganAtMs + this.#moment.elapsedMs;
  }

  /** Milliseconds since the time began, as agents' monotonic clocks say. */
  get elapsedMs(): number {
    return this.#moment.elapsedMs;
  }

  /** Where it stands, for threads that are started now. */
  get moment(): TimeMoment {
    return this.#moment;
  }

  /**
   * Begins anew: nothing has elapsed, and it is `atMs`, in milliseconds since 1970.
   *
   * @throws {RingfenceError} `RF_USAGE` while there are agents, or for what is no time
   */
  begin(atMs: number = BEGINS_AT_MS): void {
    const agents = this.#agents;
    if (agents.count() > 0) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot begin the time anew as ${agents.count()} agents live in it: end them before.`,
      );
    }
    if (!Number.isSafeInteger(atMs) || atMs < 0) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot begin the time at ${String(atMs)}: give milliseconds since 1970, a whole number.`,
      );
    }
    this.#move({ elapsedMs: 0, beganAtMs: atMs });
  }

  /**
   * Resolves when all agents have come to rest: each waits for mail, for input, or for a later moment. What an
   * agent waits for in the program, a tool above all, is waited for; what comes over the network is not.
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_TIMEOUT` when some have not come to rest in time
   */
  async settled(options: PatienceOptions = {}): Promise<void> {
    const parsed = settleSchema.safeParse(options);
    if (!parsed.success) {
      throw usageError('wait for the agents', parsed.error);
    }
    await this.#next(this.elapsedMs, parsed.data.patienceMs);
  }

  /**
   * Moves the time on. What is due until then happens in its order: agents have come to rest before the next.
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_TIMEOUT` when some have not come to rest in time
   *
   * @example
   * ```ts
   * await kernel.clock.advance(60_000);
   * ```
   */
  async advance(milliseconds: number, options: PatienceOptions = {}): Promise<void> {
    const parsed = advanceSchema.safeParse({ milliseconds, ...options });
    if (!parsed.success) {
      throw usageError('advance the time', parsed.error);
    }
    const before = this.#last;
    const advanced = before.then(async () => {
      const goalMs = this.elapsedMs + milliseconds;
      await this.#next(goalMs, parsed.data.patienceMs);
    });
    this.#last = advanced.catch(() => {});
    await advanced;
  }

  /**
   * Agents have not come to rest before this is done: a reply that the program prepares for one of them, for
   * instance. Answers the same promise.
   */
  whileWaiting<Work extends Promise<unknown>>(work: Work): Work {
    this.#works.add(work);
    const done = (): void => void this.#works.delete(work);
    work.then(done, done);
    return work;
  }

  /** Goes to a moment, and to all before it that somebody waits for. */
  async #next(goalMs: number, patienceMs: number): Promise<void> {
    const late = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => late.resolve('late'), patienceMs);
    try {
      for (;;) {
        const nextMs = await Promise.race([this.#rest(), late.promise]);
        if (nextMs === 'late') {
          throw this.#unsettled(goalMs, patienceMs);
        }
        if (nextMs === null || nextMs > goalMs) {
          if (this.elapsedMs >= goalMs) return;
          this.#move({ ...this.#moment, elapsedMs: goalMs });
        } else {
          this.#move({ ...this.#moment, elapsedMs: nextMs });
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #unsettled(goalMs: number, patienceMs: number): RingfenceError {
    const left = goalMs - this.elapsedMs;
    return new RingfenceError(
      'RF_TIMEOUT',
      `Cannot ${left === 0 ? 'wait for the agents' : `advance the time by ${left} ms more`} as they have not come to rest within ${patienceMs} ms: one computes, or waits for a tool of the program; see that it answers, or wait longer.`,
      { duration_ms: patienceMs },
    );
  }

  /**
   * When all are at rest, and nothing is on its way between them and the program: they say so twice, and have
   * not run between. Answers the next moment that one waits for.
   */
  async #rest(): Promise<number | null> {
    let runs = -1;
    for (;;) {
      await Promise.allSettled(this.#works);
      const quiet = await this.#agents.quiet();
      if (quiet.runs === runs && this.#works.size === 0) {
        return quiet.nextMs;
      }
      runs = quiet.runs;
      // What the program has been told by then it does something with: streams, mail, ends.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #move(moment: TimeMoment): void {
    this.#moment = moment;
    this.#agents.moveTime(moment);
  }
}
