/**
 * Frames on the pipe between the kernel and an agent's process: the length of the whole and of its
 * head (4 bytes each, little endian), the head, and a body of bytes.
 *
 * The kernel reads what a process writes that a guest may have taken over: a length is checked before
 * it is believed, and no more is allocated than twice of what has arrived.
 */

const PREFIX_BYTES = 8;
const FIRST_BUFFER_BYTES = 4 * 1024;

/** The most that a reader takes. */
export interface FrameBounds {
  readonly headBytes: number;
  readonly bodyBytes: number;
}

/** One frame; both parts are the taker's own. */
export interface Frame {
  readonly head: Buffer;
  readonly body: Buffer;
}

/** The stream is no sequence of frames within the bounds. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const NOTHING = new Uint8Array(0);

/** The pieces of a frame, to be written one after another. */
export function frameOf(head: Uint8Array, body: Uint8Array = NOTHING): Uint8Array[] {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32LE(head.length + body.length, 0);
  prefix.writeUInt32LE(head.length, 4);
  return body.length === 0 ? [prefix, head] : [prefix, head, body];
}

/** Puts frames together from chunks. */
export class FrameReader {
  readonly #bounds: FrameBounds;
  readonly #onFrame: (frame: Frame) => void;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixFilled = 0;
  #buffer = Buffer.alloc(0);
  #filled = 0;

  constructor(bounds: FrameBounds, onFrame: (frame: Frame) => void) {
    this.#bounds = bounds;
    this.#onFrame = onFrame;
  }

  /**
   * Takes a chunk, or as much of it as `goOn` allows, which is asked after each piece of it. Answers how
   * many bytes it took: the rest is pushed again, before anything else.
   *
   * @throws {FrameError} as soon as a length is out of bounds; nothing may be pushed after it.
   */
  push(chunk: Uint8Array, goOn: () => boolean = () => true): number {
    let at = 0;
    while (at < chunk.length) {
      at += this.#prefixFilled < PREFIX_BYTES ? this.#fillPrefix(chunk, at) : this.#fill(chunk, at);
      if (!goOn()) {
        break;
      }
    }
    return at;
  }

  #fillPrefix(chunk: Uint8Array, at: number): number {
    const part = chunk.subarray(at, at + PREFIX_BYTES - this.#prefixFilled);
    this.#prefix.set(part, this.#prefixFilled);
    this.#prefixFilled += part.length;
    if (this.#prefixFilled === PREFIX_BYTES) {
      const total = this.#prefix.readUInt32LE(0);
      const head = this.#prefix.readUInt32LE(4);
      const { headBytes, bodyBytes } = this.#bounds;
      if (head > total || head > headBytes || total - head > bodyBytes) {
        throw new FrameError(`a frame of ${total} bytes with a head of ${head}`);
      }
      this.#buffer = Buffer.alloc(Math.min(total, FIRST_BUFFER_BYTES));
      this.#finishIfWhole(total);
    }
    return part.length;
  }

  #fill(chunk: Uint8Array, at: number): number {
    const total = this.#prefix.readUInt32LE(0);
    const part = chunk.subarray(at, at + total - this.#filled);
    const needed = this.#filled + part.length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.alloc(Math.min(total, Math.max(needed, this.#buffer.length * 2)));
      grown.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = grown;
    }
    this.#buffer.set(part, this.#filled);
    this.#filled = needed;
    this.#finishIfWhole(total);
    return part.length;
  }

  #finishIfWhole(total: number): void {
    if (this.#filled < total) {
      return;
    }
    const head = this.#prefix.readUInt32LE(4);
    const whole = this.#buffer;
    this.#prefixFilled = 0;
    this.#filled = 0;
    this.#buffer = Buffer.alloc(0);
    this.#onFrame({ head: whole.subarray(0, head), body: whole.subarray(head, total) });
  }
}
