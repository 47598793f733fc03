/** What a server writes, made into messages: a line each, within caps, whatever it writes. */

import { isWithinDepth, JSON_DEPTH_MAX } from '../../json-schema/text.ts';
import { Skeleton } from './skeleton.ts';

/** Bytes of a line: the largest answer of a tool, and room for what JSON makes of it on the way. */
export const LINE_BYTES_MAX = 10 * 1024 * 1024;

/** Bytes of a line that is passed over: a server that writes on without an end is given up. */
const PASSED_BYTES_MAX = 64 * 1024 * 1024;

/** A line. */
export type Incoming =
  | { readonly tag: 'message'; readonly val: object }
  /** `id`: of whom it is the answer; null: nobody can tell. */
  | { readonly tag: 'too-large'; readonly id: number | null }
  /** It is no JSON, no object, or too deep. */
  | { readonly tag: 'none'; readonly id: number | null };

const LINE_END = 0x0a;

/** Splits bytes into lines, and reads them. */
export class IncomingLines {
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  /** The line is too large: nothing of it is kept but this. */
  #skipped: Skeleton | null = null;

  constructor(bytesMax: number = LINE_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that end in a chunk. */
  *push(chunk: Uint8Array): Generator<Incoming> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_END, start);
      this.#take(chunk.subarray(start, end === -1 ? chunk.length : end));
      if (this.#bytes > PASSED_BYTES_MAX) {
        yield { tag: 'too-large', id: null };
        return;
      }
      if (end === -1) {
        return;
      }
      const line = this.#line();
      if (line !== null) {
        yield line;
      }
      start = end + 1;
    }
  }

  #take(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#skipped !== null) {
      this.#skipped.push(bytes);
      return;
    }
    this.#parts.push(bytes);
    if (this.#bytes > this.#bytesMax) {
      this.#skipped = new Skeleton();
      for (const part of this.#parts) {
        this.#skipped.push(part);
      }
      this.#parts = [];
    }
  }

  /** The line that has ended; null: it was empty. */
  #line(): Incoming | null {
    const [parts, skipped] = [this.#parts, this.#skipped];
    this.#parts = [];
    this.#bytes = 0;
    this.#skipped = null;
    if (skipped !== null) {
      return { tag: 'too-large', id: skipped.id() };
    }
    const text = Buffer.concat(parts).toString().trim();
    return text === '' ? null : messageOf(text);
  }
}

function messageOf(text: string): Incoming {
  if (!isWithinDepth(text, JSON_DEPTH_MAX)) {
    const skeleton = new Skeleton();
    skeleton.push(Buffer.from(text));
    return { tag: 'none', id: skeleton.id() };
  }
  try {
    const val: unknown = JSON.parse(text);
    return typeof val === 'object' && val !== null && !Array.isArray(val)
      ? { tag: 'message', val }
      : { tag: 'none', id: null };
  } catch {
    return { tag: 'none', id: null };
  }
}
