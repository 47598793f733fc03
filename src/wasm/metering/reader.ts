/** A cursor over the bytes of a module that never reads past its end and bounds every number. */

import { FeatureUse } from './features.ts';
import { invalid } from './refusals.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads forward between `position` and `end`; offsets in errors count from the start of `bytes`. */
export class ByteReader {
  readonly bytes: Uint8Array;
  position: number;
  readonly end: number;
  /** What the module may use, and what was seen of it. */
  readonly use: FeatureUse;

  constructor(bytes: Uint8Array, position: number, end: number, use = new FeatureUse()) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
    this.use = use;
  }

  get atEnd(): boolean {
    return this.position >= this.end;
  }

  /** The next byte. */
  u8(): number {
    if (this.position >= this.end) throw invalid('the bytes end too early', this.position);
    return this.bytes[this.position++]!;
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  u32(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    const start = this.position - 1;
    let value = first & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = this.u8();
    if (last > 0x0f) throw invalid('a number is longer than 32 bits', start);
    return (value | (last << 28)) >>> 0;
  }

  /** An unsigned LEB128 number of at most 64 bits; one above 2 ** 53 - 1 reads as that. */
  u64(): number {
    const start = this.position;
    let value = 0;
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return Math.min(value, Number.MAX_SAFE_INTEGER);
    }
    if (this.u8() > 1) throw invalid('a number is longer than 64 bits', start);
    return Number.MAX_SAFE_INTEGER;
  }

  /** Passes a signed LEB128 number of at most `bits` bits (32, 33 or 64). */
  skipSigned(bits: 32 | 33 | 64): void {
    const start = this.position;
    const bytesMax = Math.ceil(bits / 7);
    for (let count = 1; count < bytesMax; count++) if (this.u8() < 0x80) return;
    const last = this.u8();
    // What the last byte holds beyond the number's width must repeat its sign.
    const used = bits - 7 * (bytesMax - 1);
    const signAndAbove = (last & 0x7f) >> (used - 1);
    const allOnes = 0x7f >> (used - 1);
    if (last >= 0x80 || (signAndAbove !== 0 && signAndAbove !== allOnes)) {
      throw invalid(`a number is longer than ${bits} bits`, start);
    }
  }

  /** A signed LEB128 number of at most 32 bits. */
  i32(): number {
    const start = this.position;
    this.skipSigned(32);
    let value = 0;
    let shift = 0;
    for (let at = start; at < this.position; at++, shift += 7) {
      value |= (this.bytes[at]! & 0x7f) << shift;
    }
    const unused = Math.max(0, 32 - shift);
    return (value << unused) >> unused;
  }

  /** Passes `count` bytes. */
  skip(count: number): void {
    if (count > this.end - this.position) throw invalid('the bytes end too early', this.position);
    this.position += count;
  }

  /** The count of a vector, whose elements take at least one byte each: never more than what is left. */
  count(): number {
    const start = this.position;
    const value = this.u32();
    if (value > this.end - this.position) {
      throw invalid(`a list of ${value} elements is longer than what holds it`, start);
    }
    return value;
  }

  /** A name: a length and that many bytes of UTF-8. */
  name(): string {
    const length = this.count();
    const start = this.position;
    this.skip(length);
    try {
      return UTF8.decode(this.bytes.subarray(start, this.position));
    } catch {
      throw invalid('a name is not UTF-8', start);
    }
  }

  /** A reader of the next `size` bytes, which this one passes. */
  section(size: number): ByteReader {
    const start = this.position;
    this.skip(size);
    return new ByteReader(this.bytes, start, this.position, this.use);
  }
}
