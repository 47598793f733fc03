/**
 * Where an agent has stopped: at the end of a slice, or in a host call that waits. What is returned to
 * the guest's code is a promise (JSPI); the scheduler decides when it is resolved.
 */

import { WAIT } from '../host/abi/binding.ts';
import type { Subscribe, Unsubscribe } from '../host/operation.ts';
import type { Schedulable, Scheduler } from './scheduler.ts';

/** The one stop of one agent at a time, and what ends it. */
export class Suspension {
  readonly #agent: Schedulable & { readonly ended: boolean };
  readonly #scheduler: Scheduler;
  #resume: (() => void) | null = null;
  /** It has stopped in a host call that waits, and not at the end of a slice. */
  #parked = false;
  /** What it waits for has come, and it has not gone on yet. */
  #woken = false;
  #unsubscribe: Unsubscribe | null = null;

  constructor(agent: Schedulable & { readonly ended: boolean }, scheduler: Scheduler) {
    this.#agent = agent;
    this.#scheduler = scheduler;
  }

  /** Stops at the end of a slice. */
  readonly suspend = (): Promise<void> =>
    new Promise((resolve) => {
      this.#resume = resolve;
      this.#scheduler.stoppedAtSliceEnd(this.#agent);
    });

  /** Stops in a host call that has to wait; undefined: what it waits for has come meanwhile. */
  readonly park = (): Promise<void> | undefined => {
    if (this.#woken || this.#agent.ended) {
      this.#woken = false;
      return undefined;
    }
    return new Promise((resolve) => {
      this.#resume = resolve;
      this.#parked = true;
      this.#scheduler.stopped(this.#agent);
    });
  };

  /** What the host call under way waits for: the agent is woken by it, once. */
  wait(subscribe: Subscribe): typeof WAIT {
    this.#unsubscribe?.();
    this.#unsubscribe = subscribe(this.wake);
    return WAIT;
  }

  /** What it waits for has come, or nobody waits for it any more. */
  readonly wake = (): void => {
    this.release();
    if (!this.#woken) {
      this.#woken = true;
      if (this.#resume !== null) {
        this.#scheduler.wake(this.#agent);
      }
    }
  };

  /** Whether it goes on because of an event, and not because it is its turn again. */
  get isWoken(): boolean {
    return this.#woken;
  }

  /** Whether it waits in a host call, for what has not come. */
  get isParked(): boolean {
    return this.#parked && !this.#woken;
  }

  /** Ended where it has stopped, it runs before all others. */
  hurry(): void {
    if (this.#resume !== null) {
      this.#scheduler.hurry(this.#agent);
    }
  }

  /** Goes on from where it has stopped; false: it has stopped nowhere. */
  resume(): boolean {
    const resume = this.#resume;
    if (resume === null) {
      return false;
    }
    this.#resume = null;
    this.#parked = false;
    this.#woken = false;
    resume();
    return true;
  }

  /** Waits for nothing any more. */
  release(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }
}
