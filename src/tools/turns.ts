/** How many calls of one tool are worked on at a time, and who waits for its turn. */

import type { ToolLimits } from './tool.ts';

/** Gives a turn back; calling it again does nothing. */
export type Release = () => void;

/** A call that waits. */
interface Waiting {
  readonly pid: number;
  readonly begin: (release: Release) => void;
}

/** Calls that were given up and whose handlers go on, for each that may be worked on at a time. */
const LEFT_BEHIND_FACTOR = 16;

/** The turns of one tool, in the order of asking; an agent that has its share is passed over. */
export class Turns {
  readonly #limits: ToolLimits;
  /** Turns of one agent: where there are several, one is left for others. */
  readonly #share: number;
  readonly #byAgent = new Map<number, number>();
  readonly #waiting = new Set<Waiting>();
  #taken = 0;
  #leftBehind = 0;

  constructor(limits: ToolLimits) {
    this.#limits = limits;
    this.#share = Math.min(limits.concurrencyPerAgent, Math.max(1, limits.concurrency - 1));
  }

  /** Calls that are worked on. */
  get taken(): number {
    return this.#taken;
  }

  /** Calls that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether handlers that ignore that they were given up are too many. */
  get isClogged(): boolean {
    return this.#leftBehind >= this.#limits.concurrency * LEFT_BEHIND_FACTOR;
  }

  /** A turn that is there now; null: none is. */
  take(pid: number): Release | null {
    const own = this.#byAgent.get(pid) ?? 0;
    if (this.#taken >= this.#limits.concurrency || own >= this.#share) {
      return null;
    }
    this.#taken += 1;
    this.#byAgent.set(pid, own + 1);
    let isTaken = true;
    return () => {
      if (isTaken) {
        isTaken = false;
        this.#release(pid);
      }
    };
  }

  /** Calls back with a turn when there is one. Answers how to wait no longer; null: too many do already. */
  wait(pid: number, begin: (release: Release) => void): (() => void) | null {
    if (this.#waiting.size >= this.#limits.queue) {
      return null;
    }
    const waiting = { pid, begin };
    this.#waiting.add(waiting);
    return () => void this.#waiting.delete(waiting);
  }

  /** A handler goes on though it was given up. Answers what to call when it has ended. */
  leaveBehind(): Release {
    this.#leftBehind += 1;
    return () => {
      this.#leftBehind -= 1;
    };
  }

  #release(pid: number): void {
    this.#taken -= 1;
    const own = (this.#byAgent.get(pid) ?? 1) - 1;
    if (own === 0) {
      this.#byAgent.delete(pid);
    } else {
      this.#byAgent.set(pid, own);
    }
    for (const waiting of this.#waiting) {
      const release = this.take(waiting.pid);
      if (release !== null) {
        this.#waiting.delete(waiting);
        waiting.begin(release);
        return;
      }
    }
  }
}
