/** Work that somebody else asks for, as often as they like: done once at a time, and no more often than may be. */

/** How much longer than it takes it is not done: it has a twentieth of the time at most. */
const REST_FACTOR = 19;

/** Work, and how often it is done. */
export interface PacedWorkOptions {
  /** The least that passes between an end and the next beginning. */
  readonly everyMs: number;
  /** In milliseconds. */
  now(): number;
  /** Must not reject. */
  work(): Promise<void>;
}

/** Does work when it was asked to, once for all that has asked meanwhile. */
export class PacedWork {
  readonly #options: PacedWorkOptions;
  #isAsked = false;
  #isUnderWay = false;
  #nextAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;
  #isClosed = false;

  constructor(options: PacedWorkOptions) {
    this.#options = options;
  }

  /** From now on: what was asked for before is done. */
  start(): void {
    this.#isStarted = true;
    this.#plan();
  }

  ask(): void {
    this.#isAsked = true;
    this.#plan();
  }

  /** Does no more; what is under way goes on. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #plan(): void {
    if (!this.#isAsked || !this.#isStarted || this.#isUnderWay || this.#isClosed) {
      return;
    }
    clearTimeout(this.#timer);
    const inMs = Math.max(0, this.#nextAtMs - this.#options.now());
    this.#timer = setTimeout(() => void this.#work(), inMs).unref();
  }

  async #work(): Promise<void> {
    this.#isAsked = false;
    this.#isUnderWay = true;
    const { everyMs, now, work } = this.#options;
    const beganAtMs = now();
    await work();
    this.#isUnderWay = false;
    const endedAtMs = now();
    this.#nextAtMs = endedAtMs + everyMs + (endedAtMs - beganAtMs) * REST_FACTOR;
    this.#plan();
  }
}
