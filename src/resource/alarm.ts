/** A moment of a clock that something happens at: a deadline, the expiry of a grant. */

import { TIMER_MS_MAX } from '../timer.ts';

/** When an alarm rings. */
export interface AlarmOptions {
  /** The moment, in milliseconds of the clock. */
  readonly atMs: number;
  /** The clock. It may be set while the alarm waits. */
  now(): number;
  /** Called once, never before the moment, and never synchronously. */
  ring(): void;
  /** Whether the program stays alive for it. @default true */
  readonly holdsProgram?: boolean;
}

/**
 * Rings once at a moment of a clock, however far away that is. A timer counts on another clock, and may
 * be early by it: the moment is looked at again before it rings.
 */
export class Alarm {
  readonly #options: AlarmOptions;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: AlarmOptions) {
    this.#options = options;
    this.#arm();
  }

  /** It rings no more. Calling it again does nothing. */
  clear(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
  }

  #arm(): void {
    const { atMs, now, ring, holdsProgram = true } = this.#options;
    // One that is further away looks again.
    const leftMs = Math.min(Math.max(0, Math.ceil(atMs - now())), TIMER_MS_MAX);
    const timer = setTimeout(() => {
      if (now() < atMs) {
        this.#arm();
      } else {
        this.#timer = null;
        ring();
      }
    }, leftMs);
    this.#timer = holdsProgram ? timer : timer.unref();
  }
}
