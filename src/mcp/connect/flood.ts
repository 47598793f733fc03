/** How much a server may say that nobody has asked for: a bucket that fills again. */

/** At once, and again in a second: progress, logs and changed lists are a few. */
const UNASKED_MAX = 1_000;
const UNASKED_PER_SECOND = 100;

/** Counts what was not asked for. */
export class FloodGauge {
  readonly #now: () => number;
  #left = UNASKED_MAX;
  #countedAtMs: number;

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#countedAtMs = now();
  }

  /** Counts one. False: it was too much. */
  count(): boolean {
    const nowMs = this.#now();
    const again = ((nowMs - this.#countedAtMs) / 1_000) * UNASKED_PER_SECOND;
    this.#left = Math.min(UNASKED_MAX, this.#left + again) - 1;
    this.#countedAtMs = nowMs;
    return this.#left >= 0;
  }
}
