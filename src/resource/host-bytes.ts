/** What the host holds for one owner, counted against the owner's limit. */

/** Bytes that are held, and the most that may be. */
export class HostBytes {
  /** 0 is unlimited. */
  readonly #max: number;
  #held = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Takes bytes; false, and nothing is taken, where the limit would be passed. */
  hold(bytes: number): boolean {
    if (!this.couldHold(this.#held + bytes)) {
      return false;
    }
    this.#held += bytes;
    return true;
  }

  /** Whether so much could be held if nothing else were. */
  couldHold(bytes: number): boolean {
    return this.#max === 0 || bytes <= this.#max;
  }

  /** Gives bytes back. */
  release(bytes: number): void {
    this.#held -= bytes;
  }
}
