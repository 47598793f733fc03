/** A time that stands still until it is moved on: agents in it do the same in each run (docs/testing.md). */

import type { Clocks } from '../host/agent.ts';
import { type AgentTime, MILLISECOND_NS, millisecondsUntil, type SetAlarm } from './clocks.ts';

/** Where a virtual time stands. */
export interface TimeMoment {
  /** Milliseconds since it began: what the monotonic clock says. */
  readonly elapsedMs: number;
  /** Milliseconds between 1970 and its beginning. */
  readonly beganAtMs: number;
}

interface Waiting {
  readonly atMs: number;
  readonly ring: () => void;
}

/** The time of all agents of a worker. What waits in it is bounded as agents' timers and calls are. */
export class VirtualTime implements AgentTime {
  readonly coarse: Clocks;
  readonly exact: Clocks;
  #moment: TimeMoment;
  /** By their moments; of the same one, in the order in which they were set. */
  readonly #waiting: Waiting[] = [];
  /** Those whose moment had passed when they were set, and that have not rung yet. */
  readonly #due = new Set<Waiting>();

  constructor(moment: TimeMoment) {
    this.#moment = moment;
    this.coarse = this.#clocks(MILLISECOND_NS);
    this.exact = this.#clocks(1n);
  }

  #clocks(resolution: bigint): Clocks {
    const elapsed = (): bigint => BigInt(this.#moment.elapsedMs) * MILLISECOND_NS;
    return {
      resolution,
      monotonic: elapsed,
      wall: () => BigInt(this.#moment.beganAtMs) * MILLISECOND_NS + elapsed(),
      at: (instant) => (wake) => {
        const set = this.alarm(millisecondsUntil(instant), wake);
        return () => set.clear();
      },
    };
  }

  nowMs(): number {
    return this.#moment.elapsedMs;
  }

  /** The next moment at which something waits; null: nothing does. */
  get nextMs(): number | null {
    return this.#waiting[0]?.atMs ?? null;
  }

  /** Whether something rings without the time being moved on. */
  get isRinging(): boolean {
    return this.#due.size > 0;
  }

  alarm(atMs: number, ring: () => void): SetAlarm {
    const waiting: Waiting = { atMs, ring };
    if (atMs <= this.#moment.elapsedMs) {
      this.#due.add(waiting);
      const soon = setImmediate(() => {
        this.#due.delete(waiting);
        ring();
      });
      return {
        clear: () => {
          clearImmediate(soon);
          this.#due.delete(waiting);
        },
      };
    }
    const before = this.#waiting.findLastIndex((other) => other.atMs <= atMs);
    this.#waiting.splice(before + 1, 0, waiting);
    return {
      clear: () => {
        const index = this.#waiting.indexOf(waiting);
        if (index >= 0) this.#waiting.splice(index, 1);
      },
    };
  }

  /** It is that moment now: what is due by it rings, in order. */
  moveTo(moment: TimeMoment): void {
    this.#moment = moment;
    while ((this.nextMs ?? Number.POSITIVE_INFINITY) <= moment.elapsedMs) {
      this.#waiting.shift()?.ring();
    }
  }
}
