/** What a client writes, read on only as long as it reads what it is answered. */

import { type Readable, Transform, type TransformCallback, type Writable } from 'node:stream';

/** How far a client is read ahead of what it reads itself. */
export interface AheadBounds {
  /** Lines: each may make an answer, or be kept until there is room for one. */
  readonly lines: number;
  readonly bytes: number;
}

const LINE_END = 0x0a;

function linesOf(chunk: Uint8Array): number {
  let lines = 0;
  for (let at = chunk.indexOf(LINE_END); at !== -1; at = chunk.indexOf(LINE_END, at + 1)) {
    lines += 1;
  }
  return lines;
}

/** Hands on what it is written, and takes no more while too much was since the output has had room. */
class ReadAhead extends Transform {
  readonly #output: Writable;
  readonly #bounds: AheadBounds;
  #lines = 0;
  #bytes = 0;
  #goOn: (() => void) | null = null;

  constructor(output: Writable, bounds: AheadBounds) {
    super();
    this.#output = output;
    this.#bounds = bounds;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (!this.#output.writableNeedDrain) {
      [this.#lines, this.#bytes] = [0, 0];
    }
    this.#lines += linesOf(chunk);
    this.#bytes += chunk.length;
    const { lines, bytes } = this.#bounds;
    const isTooMuch = this.#lines > lines || this.#bytes > bytes;
    if (isTooMuch && this.#output.writableNeedDrain) {
      this.#goOn = () => done(null, chunk);
      this.#output.once('drain', this.#goOn);
    } else {
      done(null, chunk);
    }
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#goOn !== null) {
      this.#output.off('drain', this.#goOn);
    }
    done(error);
  }
}

/** What comes from a client, and how to let go of it: the input itself stays as it is. */
export interface ReadingAhead {
  readonly read: Readable;
  stop(): void;
}

/** Reads a client within bounds. */
export function readAhead(input: Readable, output: Writable, bounds: AheadBounds): ReadingAhead {
  const read = new ReadAhead(output, bounds);
  const failed = (error: Error): void => void read.destroy(error);
  const ended = (): void => void read.end();
  input.on('error', failed);
  input.on('close', ended);
  if (input.readableEnded || input.destroyed) {
    ended();
  } else {
    input.pipe(read);
  }
  return {
    read,
    stop() {
      input.off('error', failed);
      input.off('close', ended);
      input.unpipe(read);
      read.destroy();
    },
  };
}
