/** How many calls of one tool an agent has made in the last minute. */

const MINUTE_MS = 60_000;

/** A bucket that fills evenly: an agent that has been quiet may call as often as the limit at once. */
export class Pace {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #byAgent = new Map<number, { left: number; atMs: number }>();

  /** `perMinute` 0: no limit. */
  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** Whether an agent may call now; then it has. */
  take(pid: number): boolean {
    if (this.#perMinute === 0) {
      return true;
    }
    const nowMs = this.#now();
    const { left, atMs } = this.#byAgent.get(pid) ?? { left: this.#perMinute, atMs: nowMs };
    const filled = Math.min(this.#perMinute, left + ((nowMs - atMs) * this.#perMinute) / MINUTE_MS);
    const may = filled >= 1;
    this.#byAgent.set(pid, { left: may ? filled - 1 : filled, atMs: nowMs });
    return may;
  }

  /** An agent has ended. */
  forget(pid: number): void {
    this.#byAgent.delete(pid);
  }
}
