/** The parameters and locals of one function: how many there are, and how many slots each takes. */

import type { FunctionType } from './module.ts';
import type { ByteReader } from './reader.ts';
import { readValueType, slotsOf } from './value-types.ts';

/** Those of one function after another. */
export class Locals {
  /** Parameters and locals. */
  count = 0;
  #parameters: FunctionType['parameters'] = [];
  /** Whether any of them takes more than one slot. */
  #wide = false;
  /** Groups of declared ones that aren't empty: the index after each one's last, and slots of each in it. */
  #groups = 0;
  readonly #groupEnds: number[] = [];
  readonly #groupSlots: number[] = [];

  /** Reads so many groups of declarations, until there are more than `countMax`; answers their slots. */
  read(reader: ByteReader, groups: number, type: FunctionType, countMax: number): number {
    this.#parameters = type.parameters;
    this.#wide = type.wide;
    this.#groups = 0;
    this.count = type.parameters.length;
    let slots = 0;
    for (let group = 0; group < groups && this.count <= countMax; group++) {
      const count = reader.u32();
      const each = slotsOf(readValueType(reader));
      if (count === 0) continue;
      this.count += count;
      slots += count * each;
      this.#groupEnds[this.#groups] = this.count;
      this.#groupSlots[this.#groups++] = each;
      if (each > 1) this.#wide = true;
    }
    return slots;
  }

  /** The slots of the one with this index; the caller has checked that there is one. */
  slotsOf(index: number): number {
    if (!this.#wide) return 1;
    if (index < this.#parameters.length) return slotsOf(this.#parameters[index]!);
    let low = 0;
    let high = this.#groups;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#groupEnds[middle]! <= index) low = middle + 1;
      else high = middle;
    }
    return this.#groupSlots[low]!;
  }
}
