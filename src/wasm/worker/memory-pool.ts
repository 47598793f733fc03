/**
 * Memories of fresh instances: one that an agent has left is zeroed and given to the next. Reserving the
 * addresses of a memory, and its pages when they are first written to, cost more than all else of an instance.
 */

/** What a module declares of a memory of its own, in pages of 64 KiB. */
export interface MemoryShape {
  readonly initialPages: number;
  readonly maximumPages: number | null;
}

const PAGE_BYTES = 65_536;

/**
 * Larger ones are made anew: zeroing touches every page of them, and a new one only those that are used.
 * Up to here it took a tenth of the time that a new one takes of which 20 pages of 4 KiB are used.
 */
export const POOLED_PAGES_MAX = 32;
/** Memories that are kept, and their bytes. */
export const POOLED_MEMORIES_MAX = 128;
export const POOLED_BYTES_MAX = 32 * 1024 * 1024;

/** The memories of one worker that no instance has. */
export class MemoryPool {
  readonly #free = new Map<string, WebAssembly.Memory[]>();
  readonly #most: number;
  #count = 0;
  #bytes = 0;

  /** @param most Memories that are kept at once; 0: each instance has new ones. @default 128 */
  constructor(most: number = POOLED_MEMORIES_MAX) {
    this.#most = most;
  }

  get size(): number {
    return this.#count;
  }

  /**
   * A memory of this shape, all zero.
   *
   * @throws RangeError where there is no room for it
   */
  take(shape: MemoryShape): WebAssembly.Memory {
    const memory = this.#free.get(keyOf(shape))?.pop();
    if (memory !== undefined) {
      this.#count -= 1;
      this.#bytes -= memory.buffer.byteLength;
      return memory;
    }
    const { initialPages: initial, maximumPages: maximum } = shape;
    return new WebAssembly.Memory(maximum === null ? { initial } : { initial, maximum });
  }

  /**
   * Takes a memory back whose instances are all dead: none of their code is on any stack, and nobody can
   * call it. What has grown can't be made small again, and is left to the garbage collector.
   */
  giveBack(memory: WebAssembly.Memory, shape: MemoryShape): void {
    const { buffer } = memory;
    const { initialPages } = shape;
    if (buffer.byteLength !== initialPages * PAGE_BYTES || initialPages > POOLED_PAGES_MAX) return;
    const bytes = this.#bytes + buffer.byteLength;
    if (this.#count >= this.#most || bytes > POOLED_BYTES_MAX) return;
    new Uint8Array(buffer).fill(0);
    const key = keyOf(shape);
    const free = this.#free.get(key);
    if (free === undefined) this.#free.set(key, [memory]);
    else free.push(memory);
    this.#count += 1;
    this.#bytes = bytes;
  }
}

const keyOf = ({ initialPages, maximumPages }: MemoryShape): string =>
  `${initialPages} ${maximumPages}`;
