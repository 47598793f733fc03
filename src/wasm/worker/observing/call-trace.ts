/**
 * Tells the program of each host call of one agent, in order, within a window: an agent whose calls nobody
 * takes stops at its next question, until somebody has.
 */

import type { HostCall } from '../../../process/diagnosis.ts';
import { type LiveDescription, liveDescription } from '../../../recording/trace.ts';
import type { CallListener, ObservedCall } from './call-observer.ts';

/** Calls that are told together, at the most. */
export const CALLS_TOGETHER_MAX = 64;
/** Calls that were told and nobody has taken: from here on the agent waits… */
const CALLS_ENOUGH = 256;
/** …and no call more is told. None gets here: an agent is asked behind each call. */
export const CALLS_UNDER_WAY_MAX = 1_024;

/** What the trace of one agent needs. */
export interface CallTraceOptions {
  tell(calls: readonly HostCall[]): void;
  /** The window is full: the agent is to stop soon. */
  full(): void;
  /** There is room again. */
  room(): void;
}

/** The trace of one agent. */
export class CallTrace implements CallListener {
  readonly #options: CallTraceOptions;
  readonly #described: LiveDescription = liveDescription('all');
  #batch: HostCall[] = [];
  #arguments = '';
  #underWay = 0;

  constructor(options: CallTraceOptions) {
    this.#options = options;
  }

  /** So much is under way that the agent waits. */
  get isFull(): boolean {
    return this.#underWay >= CALLS_ENOUGH;
  }

  called(args: readonly unknown[]): void {
    this.#arguments = this.#described.arguments(args);
  }

  waits(call: ObservedCall): void {
    this.#add(call, null);
  }

  answered(call: ObservedCall, answer: unknown): void {
    this.#add(call, this.#described.answer(call.function, answer));
  }

  endedIn(call: ObservedCall): void {
    this.#add(call, null);
  }

  #add({ call, function: name, fuel, outcome }: ObservedCall, answer: string | null): void {
    if (this.#underWay >= CALLS_UNDER_WAY_MAX) {
      return;
    }
    this.#underWay += 1;
    const waiting = this.#batch.push({
      call,
      function: name,
      fuel,
      arguments: this.#arguments,
      answer,
      outcome,
    });
    if (waiting >= CALLS_TOGETHER_MAX) {
      this.flush();
    } else if (waiting === 1) {
      queueMicrotask(() => this.flush());
    }
    if (this.isFull) {
      this.#options.full();
    }
  }

  /** Hands on what was kept to be told together. */
  flush(): void {
    const calls = this.#batch;
    if (calls.length > 0) {
      this.#batch = [];
      this.#options.tell(calls);
    }
  }

  consumed(calls: number): void {
    const wasFull = this.isFull;
    this.#underWay -= calls;
    if (wasFull && !this.isFull) {
      this.#options.room();
    }
  }
}
