/**
 * A guest's memory, as one lowered function sees it: bounds and alignment are checked here before
 * anything is read, allocated or written, and what a call makes the host hold is counted.
 *
 * The views are kept for as long as their buffer lives. Stale ones are noticed (component/memory-views.ts)
 * at the start of each call and after each call of the guest's realloc. No view ever leaves this folder
 * and the generated bindings.
 *
 * Linear memory is little-endian; arrays of numbers are copied as they lie, so the host must be too.
 */

import type { MemoryViews } from '../../component/memory-views.ts';
import type { CanonicalAccess, GuestCall, Handles, StringEncoding } from './binding.ts';
import { AbiViolation } from './violation.ts';

/** The most bytes one string or list may take in linear memory: the canonical ABI's own limit. */
export const REGION_BYTES_MAX = 2 ** 28 - 1;

/** The most elements one lifted list may have, also where an element takes no memory. */
export const LIST_ELEMENTS_MAX = 2 ** 20;

/** The most bytes of its own heap the host takes for the arguments of one call. */
export const HELD_BYTES_MAX = 16 * 2 ** 20;

/** What one string costs the host besides its characters; what an array costs besides its elements. */
const STRING_OVERHEAD_BYTES = 32;
const ARRAY_OVERHEAD_BYTES = 96;

/** The memory of one agent under the options of one lowered function. */
export class GuestMemory {
  readonly handles: Handles;
  readonly encoding: StringEncoding;
  readonly #call: GuestCall;
  readonly #access: CanonicalAccess;
  readonly #views: MemoryViews;
  #held = 0;
  #moved = 0;

  constructor(call: GuestCall, access: CanonicalAccess) {
    this.#call = call;
    this.#access = access;
    this.#views = access.views;
    this.handles = call.handles;
    this.encoding = access.encoding;
  }

  /** For reading and writing numbers. Never keep it across {@link allocate}. */
  get view(): DataView {
    return this.#views.view;
  }

  /** For copying. Never keep it across {@link allocate}. */
  get bytes(): Uint8Array {
    return this.#views.bytes;
  }

  /** Starts a call: fresh views, nothing counted yet. */
  open(): void {
    this.#held = 0;
    this.#moved = 0;
    this.reopen();
  }

  /** Goes on with a call after the host function ran. */
  reopen(): void {
    if (this.bytes.length === 0) {
      this.#refresh();
    }
  }

  /** Ends a call: charges what was lifted and lowered. */
  settle(): void {
    if (this.#moved !== 0) {
      this.#call.charge(this.#moved);
      this.#moved = 0;
    }
  }

  /** Checks a place that the guest names for a value of a known size; answers its address. */
  place(pointer: number, bytes: number, align: number): number {
    const start = pointer >>> 0;
    if ((start & (align - 1)) !== 0) {
      throw new AbiViolation(`the pointer ${start} is not aligned to ${align}`);
    }
    if (start + bytes > this.bytes.length) {
      throw new AbiViolation(`${bytes} bytes at ${start} do not lie in memory`);
    }
    return start;
  }

  /**
   * Checks a list that the guest names: its bytes lie in memory, and it has no more elements than it
   * may. `elementHeldBytes` is what an element makes the host hold, at least 1.
   */
  list(
    pointer: number,
    length: number,
    elementBytes: number,
    align: number,
    elementHeldBytes: number,
  ): number {
    const count = length >>> 0;
    if (count > LIST_ELEMENTS_MAX) {
      throw new AbiViolation(`a list of ${count} elements is longer than ${LIST_ELEMENTS_MAX}`);
    }
    const start = this.#region(pointer, count * elementBytes, align);
    this.#hold(ARRAY_OVERHEAD_BYTES + count * elementHeldBytes);
    this.#moved += elementBytes === 0 ? count : 0;
    return start;
  }

  /** Checks a list of numbers that is to be copied as it lies; answers its address. */
  numbers(pointer: number, length: number, elementBytes: number): number {
    const bytes = (length >>> 0) * elementBytes;
    const start = this.#region(pointer, bytes, elementBytes);
    this.#hold(ARRAY_OVERHEAD_BYTES + bytes);
    return start;
  }

  /** Checks a string that the guest names; its text takes at most `heldBytes`. */
  text(pointer: number, bytes: number, align: number, heldBytes: number): number {
    const start = this.#region(pointer, bytes, align);
    this.#hold(STRING_OVERHEAD_BYTES + heldBytes);
    return start;
  }

  /** A place for so many bytes, from the guest's own realloc. The views are fresh afterwards. */
  allocate(align: number, bytes: number): number {
    if (bytes > REGION_BYTES_MAX) {
      throw new RangeError(`A host function answered ${bytes} bytes in one string or list.`);
    }
    const pointer = this.#call.allocate(this.#access, align, bytes);
    if (this.bytes.length === 0) {
      this.#refresh();
    }
    const start = this.place(pointer, bytes, align);
    this.#moved += bytes;
    return start;
  }

  #region(pointer: number, bytes: number, align: number): number {
    if (bytes > REGION_BYTES_MAX) {
      throw new AbiViolation(`${bytes} bytes are more than a string or list may have`);
    }
    const start = this.place(pointer, bytes, align);
    this.#moved += bytes;
    return start;
  }

  #hold(bytes: number): void {
    this.#held += bytes;
    if (this.#held > HELD_BYTES_MAX) {
      throw new AbiViolation(
        `the arguments of one call take more than ${HELD_BYTES_MAX} bytes: pass less at a time`,
      );
    }
  }

  #refresh(): void {
    this.#views.refresh(this.#access.memory());
  }
}
