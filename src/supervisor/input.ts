/** Where an agent's input comes from: bytes, a text, or whatever can be read chunk by chunk. */

import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';

/** What a caller can give as input. Absent: the input is empty. */
export type InputGiven = Uint8Array | string | AsyncIterable<Uint8Array | string>;

/** Bytes handed to an agent at a time. */
const CHUNK_BYTES = 64 * 1024;

/** What gives an agent's input. */
interface Source {
  /** The next chunk; undefined: there is no more. */
  next(): Promise<Uint8Array | string | undefined>;
  /** Nobody reads it any more, also where a read has not settled. */
  cancel(): unknown;
}

/** A stream is cancelled by its own means: what iterates it would first wait for the read under way. */
function sourceOf(given: AsyncIterable<Uint8Array | string>): Source {
  if (given instanceof ReadableStream) {
    const reader = given.getReader();
    return {
      next: async () => (await reader.read()).value,
      cancel: () => reader.cancel(),
    };
  }
  const iterator = given[Symbol.asyncIterator]();
  const next = async () => {
    const { done, value } = await iterator.next();
    return done === true ? undefined : value;
  };
  return given instanceof Readable
    ? { next, cancel: () => given.destroy() }
    : { next, cancel: () => iterator.return?.() };
}

const whole = (given: Uint8Array | string): Source => {
  let left: Uint8Array | string | undefined = given;
  return {
    next: async () => {
      const all = left;
      left = undefined;
      return all;
    },
    cancel: () => {},
  };
};

/** @throws {TypeError} for what is neither */
function bytesOf(chunk: Uint8Array | string): Uint8Array {
  if (typeof chunk === 'string') {
    return Buffer.from(chunk);
  }
  if (!(chunk instanceof Uint8Array)) {
    throw new TypeError('a chunk of an input is no text and no bytes');
  }
  // Its source may use the same memory for the next one.
  return new Uint8Array(chunk);
}

/** Reads ahead nothing: a chunk is asked for when the agent asks. */
export class Input {
  readonly #given: InputGiven | undefined;
  /** Null: nobody has asked yet. */
  #source: Source | null = null;
  /** What is left of the last chunk. */
  #rest: Uint8Array = new Uint8Array(0);
  #isOver: boolean;

  constructor(given: InputGiven | undefined) {
    this.#given = given;
    this.#isOver = given === undefined;
  }

  /** The next chunk; null when there is no more. A source that fails ends the input. */
  async next(): Promise<Uint8Array | null> {
    try {
      while (this.#rest.length === 0) {
        const chunk = this.#isOver ? undefined : await this.#open().next();
        if (chunk === undefined || this.#isOver) {
          this.#isOver = true;
          return null;
        }
        this.#rest = bytesOf(chunk);
      }
    } catch {
      this.close();
      return null;
    }
    const part = new Uint8Array(this.#rest.subarray(0, CHUNK_BYTES));
    this.#rest = this.#rest.subarray(CHUNK_BYTES);
    return part;
  }

  #open(): Source {
    const given = this.#given ?? '';
    this.#source ??=
      typeof given === 'string' || given instanceof Uint8Array ? whole(given) : sourceOf(given);
    return this.#source;
  }

  /** Lets the source go, read or not: it holds a file or a connection open for nobody. */
  close(): void {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    this.#rest = new Uint8Array(0);
    // A source whose end never comes, or fails, must not hold anybody up.
    void (async () => this.#open().cancel())().catch(() => {});
  }
}
