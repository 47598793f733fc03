/**
 * Reads the primitives of the component binary format, and lets nothing past the end or past a cap.
 */

import type { ComponentCaps } from './caps.ts';
import { invalid, refusedCap } from './refuse.ts';

/** What is left of the caps that hold for the whole file; shared by all cursors over it. */
export interface ReadBudget {
  readonly caps: ComponentCaps;
  items: number;
  components: number;
  imports: number;
}

/** A budget with nothing used. */
export function newReadBudget(caps: ComponentCaps): ReadBudget {
  return { caps, items: 0, components: 0, imports: 0 };
}

// A byte order mark is a character of a name like any other: were it dropped, two names could be one.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A place in the file and the end of what may be read from it. Offsets are the whole file's. */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly budget: ReadBudget;
  offset: number;

  constructor(bytes: Uint8Array, start: number, end: number, budget: ReadBudget) {
    this.bytes = bytes;
    this.offset = start;
    this.end = end;
    this.budget = budget;
  }

  get atEnd(): boolean {
    return this.offset >= this.end;
  }

  byte(what: string): number {
    if (this.offset >= this.end) invalid(`it ends inside of ${what}`, this.offset);
    return this.bytes[this.offset++]!;
  }

  /** An unsigned LEB128 number of 32 bits. */
  u32(what: string): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte(what);
      if (shift === 28 && byte > 0x0f) invalid(`${what} is no 32-bit number`, this.offset - 1);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  }

  /**
   * A type index or a type's opcode: a signed LEB128 number of 33 bits, where a negative one of one
   * byte is an opcode. Answers the opcode's byte as a negative number, an index as it is.
   */
  indexOrOpcode(what: string): number {
    const first = this.bytes[this.offset];
    if (this.offset < this.end && first !== undefined && first >= 0x40 && first < 0x80) {
      this.offset++;
      return -first;
    }
    const start = this.offset;
    const index = this.u32(what);
    const last = this.bytes[this.offset - 1]!;
    // Bit 6 of the last byte is the sign, where there are fewer bytes than five.
    if (this.offset - start < 5 && last >= 0x40) invalid(`${what} is negative`, start);
    return index;
  }

  /** A cursor over the next `length` bytes; this one goes on behind them. */
  take(length: number, what: string): Cursor {
    if (length > this.end - this.offset) {
      invalid(`${what} is longer than what is left of the file`, this.offset);
    }
    const part = new Cursor(this.bytes, this.offset, this.offset + length, this.budget);
    this.offset += length;
    return part;
  }

  name(what: string): string {
    const start = this.offset;
    const length = this.u32(what);
    const { nameBytes } = this.budget.caps;
    if (length > this.end - this.offset) invalid(`it ends inside of ${what}`, start);
    if (length > nameBytes) refusedCap('bytes in a name', length, nameBytes, start);
    const part = this.bytes.subarray(this.offset, this.offset + length);
    this.offset += length;
    try {
      return UTF8.decode(part);
    } catch {
      return invalid(`${what} is no UTF-8`, start);
    }
  }

  /** A counted list. The count is checked before anything is read. */
  list<Item>(what: string, read: (index: number) => Item): Item[] {
    const start = this.offset;
    const count = this.u32(`the number of ${what}`);
    const { listItems } = this.budget.caps;
    // Each element takes a byte at least.
    if (count > this.end - this.offset) invalid(`it ends inside of its ${what}`, start);
    if (count > listItems) refusedCap(what, count, listItems, start);
    this.spend(count, start);
    const items: Item[] = [];
    for (let index = 0; index < count; index++) items.push(read(index));
    return items;
  }

  /** Something that is there (1) or not (0). */
  optional<Item>(what: string, read: () => Item): Item | null {
    const flag = this.byte(what);
    if (flag > 1) invalid(`${what} has the flag ${flag}`, this.offset - 1);
    return flag === 1 ? read() : null;
  }

  /** Counts items of the whole file. */
  spend(count: number, offset: number): void {
    const { budget } = this;
    budget.items += count;
    if (budget.items > budget.caps.items) {
      refusedCap('parts', budget.items, budget.caps.items, offset);
    }
  }
}
