/**
 * Whether a thread stays awake for what comes next.
 *
 * Who waits in the system lets its core halt. To wake it takes 20 to 50 µs, and its waker as long again where the
 * machine is a virtual one: more than a short agent takes from its start to its end. So where what a thread waits
 * for has come soon a few times in a row, its event loop goes on turning for a moment. All comes as it does
 * otherwise: who does not stay awake loses nothing, and is only woken later.
 *
 * Nothing is burnt for long. A thread that stayed awake for nothing needs twice as many that come soon before it
 * does so again, up to {@link SOON_NEEDED_MAX}; it does so only while a core is free; and who waits longer than
 * {@link AWAKE_MS} sleeps.
 */

import { setImmediate } from 'node:timers';

/** A thread stays awake for so long: some three times what a start takes between two threads that are. */
export const AWAKE_MS = 0.2;
/** What comes so soon to one that was asleep could have come to it awake: most of it is the waking. */
export const SOON_MS = 0.4;
/** So many have to come soon, one after another, before a thread stays awake for the next… */
const SOON_NEEDED = 2;
/** …and at the most, after it has done so for nothing again and again. */
export const SOON_NEEDED_MAX = 16;

/** What it is decided by. */
export interface AttentionOptions {
  /** Whether a core would be idle if this thread slept. Asked in each turn. */
  isCoreFree(): boolean;
  /** The thread sleeps from now on. @default nobody is told */
  onSleep?(): void;
  /** Milliseconds. @default performance.now */
  now?(): number;
  /** Calls once, after the event loop has had a turn. @default setImmediate */
  nextTurn?(callback: () => void): void;
}

/** Of one thread, or of all that it waits for. */
export class Attention {
  readonly #isCoreFree: () => boolean;
  readonly #onSleep: () => void;
  readonly #now: () => number;
  readonly #nextTurn: (callback: () => void) => void;
  /** Since when it waits; null: it does not. */
  #sinceMs: number | null = null;
  #isAwake = false;
  /** What came soon, one after another. */
  #soon = 0;
  #needed = SOON_NEEDED;
  /** Whether a turn of the event loop is asked for. */
  #isTurning = false;

  constructor(options: AttentionOptions) {
    this.#isCoreFree = () => options.isCoreFree();
    this.#onSleep = () => options.onSleep?.();
    this.#now = options.now ?? (() => performance.now());
    this.#nextTurn = options.nextTurn ?? ((callback) => void setImmediate(callback));
  }

  /** The thread has nothing to do until something comes. Nothing happens where it waits already. */
  wait(): void {
    if (this.#sinceMs !== null) {
      return;
    }
    this.#sinceMs = this.#now();
    this.#isAwake = this.#soon >= this.#needed && this.#isCoreFree();
    if (!this.#isAwake) {
      this.#onSleep();
    } else if (!this.#isTurning) {
      this.#isTurning = true;
      this.#nextTurn(this.#turn);
    }
  }

  /** Something has come. */
  came(): void {
    if (this.#sinceMs === null) {
      return;
    }
    const isSoon = this.#now() - this.#sinceMs <= SOON_MS;
    this.#soon = isSoon ? Math.min(this.#soon + 1, SOON_NEEDED_MAX) : 0;
    if (isSoon && this.#isAwake) {
      this.#needed = SOON_NEEDED;
    }
    this.#sinceMs = null;
    this.#isAwake = false;
  }

  /** What it waits for may have come in the turn before this is called. */
  readonly #turn = (): void => {
    if (!this.#isAwake) {
      this.#isTurning = false;
      return;
    }
    if (this.#now() - this.#sinceMs! < AWAKE_MS && this.#isCoreFree()) {
      this.#nextTurn(this.#turn);
      return;
    }
    this.#isTurning = false;
    this.#isAwake = false;
    if (this.#isCoreFree()) {
      this.#soon = 0;
      this.#needed = Math.min(2 * this.#needed, SOON_NEEDED_MAX);
    }
    this.#onSleep();
  };
}
