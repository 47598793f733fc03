/** Changes of agents' states, told to who iterates over them, as many as a buffer holds. */

import type { Pid, ProcessState } from '../process/state.ts';
import type { Exit } from '../supervisor/report.ts';

/** An agent was spawned, or has changed its state. */
export interface StateChange {
  readonly pid: Pid;
  readonly agentId: string;
  readonly parentPid: Pid;
  /** Null: it was spawned. */
  readonly from: ProcessState | null;
  readonly to: ProcessState;
  /** In milliseconds since 1970. */
  readonly atMs: number;
  /** How it ended, where it has exited. */
  readonly exit: Exit | null;
  /** Changes before this one that were lost as nobody read them in time: the oldest go first. */
  readonly lost: number;
}

type Told = Omit<StateChange, 'lost'>;

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** One who watches. Changes are kept from the moment that it is made. */
export class StateWatch implements AsyncIterableIterator<StateChange>, AsyncDisposable {
  readonly #max: number;
  readonly #ended: (watch: StateWatch) => void;
  /** A ring, once it is full. */
  readonly #buffer: Told[] = [];
  #oldest = 0;
  #kept = 0;
  #lost = 0;
  #open = true;
  readonly #waiting: ((result: IteratorResult<StateChange, undefined>) => void)[] = [];

  /** `ended` is called once, when nothing needs to be told to it any more. */
  constructor(max: number, ended: (watch: StateWatch) => void) {
    this.#max = max;
    this.#ended = ended;
  }

  /** Hands a change over, or keeps it. */
  tell(change: Told): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ done: false, value: { ...change, lost: 0 } });
      return;
    }
    const index = (this.#oldest + this.#kept) % this.#max;
    this.#buffer[index] = change;
    if (this.#kept < this.#max) {
      this.#kept += 1;
    } else {
      this.#oldest = (this.#oldest + 1) % this.#max;
      this.#lost += 1;
    }
  }

  /** What is kept can still be read; after that it is at its end. */
  end(): void {
    if (this.#open) {
      this.#open = false;
      this.#ended(this);
      for (const waiting of this.#waiting.splice(0)) {
        waiting(DONE);
      }
    }
  }

  next(): Promise<IteratorResult<StateChange, undefined>> {
    const change = this.#take();
    if (change !== null) {
      return Promise.resolve({ done: false, value: change });
    }
    if (!this.#open) {
      return Promise.resolve(DONE);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #take(): StateChange | null {
    const change = this.#buffer[this.#oldest];
    if (this.#kept === 0 || change === undefined) {
      return null;
    }
    const lost = this.#lost;
    this.#kept -= 1;
    this.#oldest = (this.#oldest + 1) % this.#max;
    this.#lost = 0;
    return { ...change, lost };
  }

  /** Nobody reads any more: what is kept goes, too. */
  return(): Promise<IteratorResult<StateChange, undefined>> {
    this.end();
    this.#kept = 0;
    this.#buffer.length = 0;
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
