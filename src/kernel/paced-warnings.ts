/**
 * Warnings that clients cause, as often as they like: nobody can fill the operator's log with them. The first is told
 * at once, and what comes within ten seconds of it as a number.
 */

/** Between two warnings. */
export const WARNINGS_EACH_MS = 10_000;

/** Warnings of one place. */
export class PacedWarnings {
  readonly #warn: (text: string) => void;
  readonly #now: () => number;
  #untold = 0;
  #nextMs = Number.NEGATIVE_INFINITY;

  /** `now` is a clock that only goes on, in milliseconds. */
  constructor(warn: (text: string) => void, now: () => number = () => performance.now()) {
    this.#warn = warn;
    this.#now = now;
  }

  tell(text: string): void {
    const nowMs = this.#now();
    if (nowMs < this.#nextMs) {
      this.#untold += 1;
      return;
    }
    this.#nextMs = nowMs + WARNINGS_EACH_MS;
    this.end();
    this.#warn(text);
  }

  /** Tells how many were not told. */
  end(): void {
    if (this.#untold > 0) {
      this.#warn(`${this.#untold} more warnings were left out`);
      this.#untold = 0;
    }
  }
}
