/** How many calls of one tool are worked on at a time, and whose. */

import type { ToolLimits } from './tool.ts';
import { type Asker, type Waiter, Waiting } from './waiting.ts';

/** Gives a turn back; calling it again does nothing. */
export type Release = () => void;

/** A call that waits for its turn. */
export interface WaitingCall extends Waiter {
  begin(release: Release): void;
}

/** Calls that were given up and whose handlers go on, for each that may be worked on at a time. */
const LEFT_BEHIND_FACTOR = 16;

/** How many of something each has. */
class Tally<Key> {
  readonly #counts = new Map<Key, number>();

  of(key: Key): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: Key, count: 1 | -1): void {
    const sum = this.of(key) + count;
    if (sum === 0) {
      this.#counts.delete(key);
    } else {
      this.#counts.set(key, sum);
    }
  }
}

/** The turns of one tool; whose agent or owner has its share waits, and is passed over. */
export class Turns {
  readonly #limits: ToolLimits;
  /** Turns of one owner, and so of an agent: where there are several, one is left for others. */
  readonly #shareMax: number;
  readonly #byOwner = new Tally<string>();
  readonly #byAgent = new Tally<number>();
  readonly #waiting: Waiting<WaitingCall>;
  #taken = 0;
  #leftBehind = 0;

  constructor(limits: ToolLimits) {
    this.#limits = limits;
    this.#shareMax = Math.max(1, limits.concurrency - 1);
    this.#waiting = new Waiting(limits.queue);
  }

  /** Whether handlers that ignore that they were given up are too many. */
  get isClogged(): boolean {
    return this.#leftBehind >= this.#limits.concurrency * LEFT_BEHIND_FACTOR;
  }

  /** Whether somebody waits for a turn. */
  get isWaitedFor(): boolean {
    return this.#waiting.size > 0;
  }

  /** A turn that is there now; null: none is. */
  take(asker: Asker): Release | null {
    if (!this.#has(asker)) {
      return null;
    }
    this.#count(asker, 1);
    let isTaken = true;
    return () => {
      if (isTaken) {
        isTaken = false;
        this.#count(asker, -1);
        this.#handOn();
      }
    };
  }

  /**
   * Calls back with a turn when there is one, or when its place was given to another. Answers how to wait no
   * longer; null: there is no place for it.
   */
  wait(call: WaitingCall): (() => void) | null {
    return this.#waiting.add(call) ? () => this.#waiting.delete(call) : null;
  }

  /** A handler goes on though it was given up. Answers what to call when it has ended. */
  leaveBehind(): Release {
    this.#leftBehind += 1;
    return () => {
      this.#leftBehind -= 1;
    };
  }

  #has({ owner, pid }: Asker): boolean {
    const { concurrency, concurrencyPerAgent } = this.#limits;
    return (
      this.#taken < concurrency &&
      this.#byOwner.of(owner) < this.#shareMax &&
      this.#byAgent.of(pid) < concurrencyPerAgent
    );
  }

  #count({ owner, pid }: Asker, count: 1 | -1): void {
    this.#taken += count;
    this.#byOwner.add(owner, count);
    this.#byAgent.add(pid, count);
  }

  /** Gives a turn that is free to who waits for one. */
  #handOn(): void {
    const call = this.#waiting.next((asker) => this.#has(asker));
    const release = call && this.take(call);
    if (release !== null) {
      call?.begin(release);
    }
  }
}
