/** The last resort: what runs an agent is ended when it has not ended the agent in time. */

import { Alarm } from '../resource/alarm.ts';

/** How long whoever runs an agent has to end it, before he is ended himself; in milliseconds. */
const GRACE_MS = 2_000;

/** Enough for what has arrived to be read. */
const READ_FIRST_MS = 100;

const nowMs = (): number => performance.timeOrigin + performance.now();

/**
 * How often the grace begins again because others were ended meanwhile: who runs ten thousand agents that
 * are killed at once is not stuck, only at work. A bound, as nobody's end may hang on what others do.
 */
const GRACES_MAX = 15;

/** One agent's moment at which it should have ended; each new one takes the place of the last. */
export class Deadline {
  readonly #passed: () => void;
  readonly #ended: () => number;
  #alarm: Alarm | null = null;

  /**
   * `passed` is called {@link GRACE_MS} after the moment, or later where whoever runs the agent ends others
   * meanwhile: `ended` answers how many until now.
   */
  constructor(passed: () => void, ended: () => number = () => 0) {
    this.#passed = passed;
    this.#ended = ended;
  }

  /** It should end now. */
  setNow(): void {
    this.set(nowMs());
  }

  /** It should end at a moment, in milliseconds since 1970. */
  set(dueAtMs: number): void {
    this.clear();
    this.#arm(dueAtMs, this.#ended(), 1);
  }

  #arm(dueAtMs: number, endedBefore: number, graces: number): void {
    this.#alarm = new Alarm({
      atMs: dueAtMs + GRACE_MS,
      now: nowMs,
      ring: () => {
        const ended = this.#ended();
        if (ended === endedBefore || graces === GRACES_MAX) this.#passed();
        else this.#arm(nowMs(), ended, graces + 1);
      },
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
