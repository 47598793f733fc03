/** What is in a file in memory: pages, and holes where nothing was written. */

import { BLOCK_BYTES } from '../caps.ts';

/** As large as what is counted for it. */
const PAGE_BYTES = BLOCK_BYTES;

export class Content {
  #size = 0;
  readonly #pages = new Map<number, Uint8Array>();

  get size(): number {
    return this.#size;
  }

  read(offset: number, length: number): Uint8Array {
    const end = Math.min(offset + length, this.#size);
    const bytes = new Uint8Array(Math.max(0, end - offset));
    for (let at = offset; at < end; ) {
      const { page, start, count } = within(at, end);
      const stored = this.#pages.get(page);
      if (stored !== undefined) {
        bytes.set(stored.subarray(start, start + count), at - offset);
      }
      at += count;
    }
    return bytes;
  }

  write(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.length;
    for (let at = offset; at < end; ) {
      const { page, start, count } = within(at, end);
      let stored = this.#pages.get(page);
      if (stored === undefined) {
        stored = new Uint8Array(PAGE_BYTES);
        this.#pages.set(page, stored);
      }
      stored.set(bytes.subarray(at - offset, at - offset + count), start);
      at += count;
      // Page by page: where there is no memory for the next one, these are there.
      this.#size = Math.max(this.#size, at);
    }
  }

  setSize(size: number): void {
    if (size < this.#size) {
      const last = Math.floor(size / PAGE_BYTES);
      this.#pages.get(last)?.fill(0, size % PAGE_BYTES);
      for (const page of [...this.#pages.keys()]) {
        if (page * PAGE_BYTES >= size) {
          this.#pages.delete(page);
        }
      }
    }
    this.#size = size;
  }
}

/** The part of a page that is at a place of the file. */
function within(at: number, end: number): { page: number; start: number; count: number } {
  const page = Math.floor(at / PAGE_BYTES);
  const start = at - page * PAGE_BYTES;
  return { page, start, count: Math.min(PAGE_BYTES - start, end - at) };
}
