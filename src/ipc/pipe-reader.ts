/** The end of a pipe that is read. */

import type { Payload } from './message.ts';

/** What a reader sees of its pipe. */
export interface ReadablePipe {
  readonly isGone: boolean;
  /** The next message; null: there is none. */
  take(): Payload | null;
  leaveReader(reader: PipeReader): void;
}

type Settle = (result: IteratorResult<Payload, undefined>) => void;

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Reads a pipe, message by message. It comes to its end when the pipe is gone. Who leaves the loop leaves
 * the rest to the next reader.
 */
export class PipeReader implements AsyncIterableIterator<Payload>, AsyncDisposable {
  readonly #pipe: ReadablePipe;
  readonly #waiting: Settle[] = [];
  #left = false;
  #isWaking = false;

  /** Made by {@link Kernel.openPipe} and {@link Kernel.readPipe}. */
  constructor(pipe: ReadablePipe) {
    this.#pipe = pipe;
  }

  next(): Promise<IteratorResult<Payload, undefined>> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.wake();
    });
  }

  /** For the pipe: there is a message, or it is gone. */
  wake(): void {
    // Taking one lets in who waits for room, which wakes again: the loop below sees that.
    if (this.#isWaking) {
      return;
    }
    this.#isWaking = true;
    while (this.#waiting.length > 0) {
      const isOver = this.#left || this.#pipe.isGone;
      const payload = isOver ? null : this.#pipe.take();
      if (payload === null && !isOver) {
        break;
      }
      this.#waiting.shift()?.(payload === null ? DONE : { done: false, value: payload });
    }
    this.#isWaking = false;
  }

  /** Another can read it from now on. */
  return(): Promise<IteratorResult<Payload, undefined>> {
    if (!this.#left) {
      this.#left = true;
      this.wake();
      this.#pipe.leaveReader(this);
    }
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
