/**
 * The handle table of one agent: the numbers by which it names the host's objects.
 *
 * A handle is `generation << 20 | index`: an index from 1 (20 bits) and the generation of its slot
 * (10 bits), so it is never 0 and never negative. Freed slots are taken again in the order in which
 * they were freed, each under its next generation, so that a stale handle is recognised. Every slot
 * knows the one resource type that its handle is of. Only `own` handles exist here: the host lends
 * nothing to guests, and what a guest lends to the host it lends for one call.
 */

import type { Handles, HostResource } from './binding.ts';
import { AbiViolation } from './violation.ts';

const INDEX_BITS = 20;
const INDEX_MASK = (1 << INDEX_BITS) - 1;
const GENERATION_MASK = (1 << 10) - 1;
/** The index after the last one that fits. */
const INDEX_END = 1 << INDEX_BITS;

/** Handles that an agent can hold at once. @default 4096 */
export const HANDLE_COUNT_MAX = 4096;

interface Slot {
  /** The resource's full name, as in `wasi:io/streams/input-stream`; null: the slot is free. */
  resource: string | null;
  rep: object | null;
  generation: number;
  /** Whether a borrow of it was lifted by the call under way. */
  lent: boolean;
  /** The slot that was freed after this one; 0: none. */
  nextFree: number;
}

/** A host object that an agent held, and what it held it as. */
export interface HeldResource {
  readonly resource: string;
  readonly rep: object;
}

/**
 * The handles of one agent.
 *
 * @throws AbiViolation by every method that takes a handle, where it is unknown, stale, or of another
 * resource than the function's signature says.
 */
export class HandleTable implements Handles {
  readonly #countMax: number;
  readonly #slots: Slot[] = [];
  #count = 0;
  #firstFree = 0;
  #lastFree = 0;
  #lent: Slot[] = [];

  constructor(countMax: number = HANDLE_COUNT_MAX) {
    if (!Number.isInteger(countMax) || countMax < 1 || countMax >= INDEX_END) {
      throw new RangeError(`A handle table has room for 1 to ${INDEX_END - 1}, not ${countMax}.`);
    }
    this.#countMax = countMax;
  }

  /** Handles held now. */
  get count(): number {
    return this.#count;
  }

  /** Gives the guest a handle that owns `rep`. */
  add<Name extends string>(resource: Name, rep: HostResource<Name>): number {
    if (typeof rep !== 'object' || rep === null) {
      throw new TypeError(`A host function answered no object for the resource ${resource}.`);
    }
    if (this.#count >= this.#countMax) {
      // Kept all the same, beyond the limit by this one: the agent ends, and `drain` releases it.
      this.#take(resource, rep);
      throw new AbiViolation(
        `the agent holds ${this.#countMax} handles, as many as it may: drop some`,
      );
    }
    return this.#take(resource, rep);
  }

  /** The object behind a handle that the guest gives away: the handle is gone. */
  own<Name extends string>(resource: Name, handle: number): HostResource<Name> {
    const slot = this.#find(resource, handle);
    if (slot.lent) {
      throw new AbiViolation(`handle ${handle} of ${resource} is given away while it is lent`);
    }
    const rep = slot.rep;
    this.#free(slot, handle & INDEX_MASK);
    return rep as HostResource<Name>;
  }

  /** The object behind a handle that the guest lends for the call. */
  borrow<Name extends string>(resource: Name, handle: number): HostResource<Name> {
    return this.#find(resource, handle).rep as HostResource<Name>;
  }

  /**
   * As `borrow`, for a call that is given handles too: until `endLending` the same handle can't be
   * given away.
   */
  lend<Name extends string>(resource: Name, handle: number): HostResource<Name> {
    const slot = this.#find(resource, handle);
    if (!slot.lent) {
      slot.lent = true;
      this.#lent.push(slot);
    }
    return slot.rep as HostResource<Name>;
  }

  /** All parameters of the call are lifted. */
  endLending(): void {
    for (const slot of this.#lent) {
      slot.lent = false;
    }
    this.#lent = [];
  }

  /** Drops a handle; answers its object, for what there is to release. */
  drop<Name extends string>(resource: Name, handle: number): HostResource<Name> {
    return this.own(resource, handle);
  }

  /** Empties the table at the agent's end; answers what was in it, in no order. */
  drain(): HeldResource[] {
    const held: HeldResource[] = [];
    for (const slot of this.#slots) {
      if (slot.resource !== null && slot.rep !== null) {
        held.push({ resource: slot.resource, rep: slot.rep });
      }
    }
    this.#slots.length = 0;
    this.#count = 0;
    this.#firstFree = 0;
    this.#lastFree = 0;
    this.#lent = [];
    return held;
  }

  #take(resource: string, rep: object): number {
    this.#count += 1;
    const index = this.#firstFree;
    if (index === 0) {
      this.#slots.push({ resource, rep, generation: 0, lent: false, nextFree: 0 });
      return this.#slots.length;
    }
    const slot = this.#slots[index - 1]!;
    this.#firstFree = slot.nextFree;
    if (this.#firstFree === 0) {
      this.#lastFree = 0;
    }
    slot.nextFree = 0;
    slot.resource = resource;
    slot.rep = rep;
    return (slot.generation << INDEX_BITS) | index;
  }

  #free(slot: Slot, index: number): void {
    this.#count -= 1;
    slot.resource = null;
    slot.rep = null;
    slot.generation = (slot.generation + 1) & GENERATION_MASK;
    if (this.#lastFree === 0) {
      this.#firstFree = index;
    } else {
      this.#slots[this.#lastFree - 1]!.nextFree = index;
    }
    this.#lastFree = index;
  }

  #find(resource: string, handle: number): Slot {
    const slot = this.#slots[(handle & INDEX_MASK) - 1];
    if (slot === undefined || slot.resource === null || slot.generation !== handle >>> INDEX_BITS) {
      throw new AbiViolation(`handle ${handle} is not one that the agent holds`);
    }
    if (slot.resource !== resource) {
      throw new AbiViolation(`handle ${handle} is a ${slot.resource}, not a ${resource}`);
    }
    return slot;
  }
}
