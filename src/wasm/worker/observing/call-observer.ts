/** Numbers one agent's host calls, and tells what comes of each to those who look at them. */

import type { HostCallOutcome } from '../../../process/diagnosis.ts';

/** The call under way: one object for all, which says of the next what it has said of this one. */
export interface ObservedCall {
  readonly call: number;
  readonly function: string;
  readonly fuel: number;
  readonly outcome: HostCallOutcome;
}

/** Who looks at the calls of one agent. */
export interface CallListener {
  /** A call begins; what it is given may be changed by it. */
  called(args: readonly unknown[]): void;
  /** It has to wait, and will be told of again. */
  waits(call: ObservedCall): void;
  answered(call: ObservedCall, answer: unknown): void;
  /** The agent has ended in it. */
  endedIn(call: ObservedCall): void;
}

/** Observes one agent: it makes one call at a time. */
export class CallObserver implements ObservedCall {
  readonly #listeners: readonly CallListener[];
  /** The number of the call under way, and so how many there were. */
  call = 0;
  function = '';
  fuel = 0;
  outcome: HostCallOutcome = 'answered';
  /** The call has waited, and is made once more with the same arguments. */
  #isWaiting = false;
  #wasDenied = false;

  constructor(listeners: readonly CallListener[]) {
    this.#listeners = listeners;
  }

  /** It calls a function, having used so much. */
  called(name: string, fuel: number, args: readonly unknown[]): void {
    if (this.#isWaiting) {
      return;
    }
    this.call += 1;
    this.function = name;
    this.fuel = fuel;
    this.#wasDenied = false;
    for (const listener of this.#listeners) {
      listener.called(args);
    }
  }

  /** It is denied what it has called. */
  denied(): void {
    this.#wasDenied = true;
  }

  /** The call waits; it is told of once, however often it is tried. */
  waits(): void {
    if (this.#isWaiting) {
      return;
    }
    this.#isWaiting = true;
    this.outcome = 'waiting';
    for (const listener of this.#listeners) {
      listener.waits(this);
    }
  }

  answered(answer: unknown): void {
    this.#isWaiting = false;
    this.outcome = this.#wasDenied ? 'denied' : 'answered';
    for (const listener of this.#listeners) {
      listener.answered(this, answer);
    }
  }

  endedIn(): void {
    this.#isWaiting = false;
    this.outcome = this.#wasDenied ? 'denied' : 'ended';
    for (const listener of this.#listeners) {
      listener.endedIn(this);
    }
  }
}
