/**
 * What an agent's structures and arrays take: the heap of its process, which is there for it alone.
 *
 * V8 bounds no heap so that what fills it survives: it ends the process. So the injected code's questions
 * look at the heap first. They come often enough, as what is allocated is charged by its bytes before it
 * is there; and where much is allocated at once, the debt of fuel says how much.
 */

import { ALLOCATED_BYTES_PER_UNIT_LOG2 } from '../metering/costs.ts';

/** The heap of this process. */
export interface Heap {
  /** Where the engine ends the process. */
  readonly bytesMax: number;
  /** What is taken of it, garbage included. */
  usedBytes(): number;
  /** Frees all garbage, at once. */
  collect(): void;
}

/**
 * No more of the heap is given than this part of it: above four fifths V8 takes collections that free
 * little for a heap that is full, and ends the process (`kHighHeapPercentage`, src/heap/heap.cc).
 */
const PART_MAX = 0.75;

/** The longest slice of an agent with such a heap: a quarter of it, 8 MiB, may be allocated unseen. */
export const HEAP_SLICE_FUEL_MAX = 8 * 1024 * 1024;

/** Counts one agent's objects, of the process that it has alone. */
export class HeapAccount {
  readonly #heap: Heap;
  readonly #bytesMax: number;
  /** What was there before the agent. */
  readonly #baseBytes: number;

  /** Before the agent has made anything. `limitBytes` 0: as much as the process has. */
  constructor(heap: Heap, limitBytes: number) {
    this.#heap = heap;
    heap.collect();
    this.#baseBytes = heap.usedBytes();
    const most = heap.bytesMax * PART_MAX - this.#baseBytes;
    this.#bytesMax = limitBytes === 0 ? most : Math.min(limitBytes, most);
  }

  /**
   * Whether the agent's objects have room beside its memories and tables of `besideBytes`, those included
   * that it has run into a debt of `units` for. What is garbage only does not count.
   */
  hasRoom(besideBytes: number, units: number): boolean {
    const asked = besideBytes + units * 2 ** ALLOCATED_BYTES_PER_UNIT_LOG2 - this.#baseBytes;
    if (this.#heap.usedBytes() + asked <= this.#bytesMax) {
      return true;
    }
    this.#heap.collect();
    return this.#heap.usedBytes() + asked <= this.#bytesMax;
  }
}
