/** The last resort: what runs an agent is ended when it has not ended the agent in time. */

import { Alarm } from '../resource/alarm.ts';

/** How long whoever runs an agent has to end it, before he is ended himself; in milliseconds. */
const GRACE_MS = 2_000;

/** Enough for what has arrived to be read. */
const READ_FIRST_MS = 100;

const nowMs = (): number => performance.timeOrigin + performance.now();

/** One agent's moment at which it should have ended; each new one takes the place of the last. */
export class Deadline {
  readonly #passed: () => void;
  #alarm: Alarm | null = null;

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
    this.#alarm = new Alarm({
      atMs: dueAtMs + GRACE_MS,
      now: nowMs,
      ring: this.#passed,
      holdsProgram: false,
    });
  }

  clear(): void {
    this.#alarm?.clear();
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
