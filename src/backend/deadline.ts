/** The last resort: what runs an agent is ended when it has not ended the agent in time. */

/** How long whoever runs an agent has to end it, before he is ended himself; in milliseconds. */
export const GRACE_MS = 2_000;

/** Enough for what has arrived to be read. */
const READ_FIRST_MS = 100;

/** The longest that a timer can wait; who waits longer looks again. */
const TIMER_MS_MAX = 0x7fff_ffff;

const nowMs = (): number => performance.timeOrigin + performance.now();

/** One agent's moment at which it should have ended; each new one takes the place of the last. */
export class Deadline {
  readonly #passed: () => void;
  #timer: NodeJS.Timeout | null = null;

  /** `passed` is called {@link GRACE_MS} after the moment. */
  constructor(passed: () => void) {
    this.#passed = passed;
  }

  /** It should end now. */
  setNow(): void {
    this.set(nowMs());
  }

  /** It should end at a moment, in milliseconds since 1970. */
  set(dueAtMs: number): void {
    this.clear();
    const wait = dueAtMs + GRACE_MS - nowMs();
    this.#timer = setTimeout(
      () => {
        if (wait > TIMER_MS_MAX) {
          this.set(dueAtMs);
        } else {
          this.#passed();
        }
      },
      Math.min(Math.max(0, wait), TIMER_MS_MAX),
    ).unref();
  }

  clear(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
  }
}

/**
 * Calls `late` when an answer has not come in time, unless it is cleared before. Where this thread was
 * busy all the while, what has arrived meanwhile is read first.
 */
export function answerTimer(milliseconds: number, late: () => void): { clear(): void } {
  let timer = setTimeout(() => {
    timer = setTimeout(late, READ_FIRST_MS);
  }, milliseconds);
  return { clear: () => clearTimeout(timer) };
}
