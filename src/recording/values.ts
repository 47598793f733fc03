/**
 * The values that host functions are given and answer, as bytes: a tag, then what it says (docs/replay.md).
 *
 * The host's objects behind handles are written as numbers, in the order in which they are first seen.
 */

import { hash } from 'node:crypto';
import { RingfenceError } from '../errors.ts';

/** What kind of value follows. */
export const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  /** An unsigned number: LEB128. */
  unsigned: 4,
  /** Another number: the 8 bytes of an f64. */
  float: 5,
  /** A 64-bit number: 8 bytes, as u64 and as s64. */
  u64: 6,
  s64: 7,
  /** A text: its length in bytes, then UTF-8; or UTF-16 where it has a lone surrogate. */
  text: 8,
  utf16: 9,
  /** Bytes: their number, then they. */
  bytes: 10,
  /** Other numbers in a row: their kind, their length in bytes, then they, little-endian. */
  numbers: 11,
  /** Their number, then they. */
  list: 12,
  /** The number of fields, then the name of each (its length, UTF-8) and its value. */
  record: 13,
  /** A host object: its number. */
  resource: 14,
  /** Of bytes, or of the UTF-8 of a text: their number, the first 32, and the SHA-256 of all. */
  bytesInShort: 15,
  textInShort: 16,
} as const;

/** Arguments that are longer are kept by their SHA-256 and their first bytes. */
export const ARGUMENT_BYTES_MAX = 64;
const SHOWN_BYTES = 32;
const SHA256_BYTES = 32;

/** How deep values may lie in each other; no type of the host's WIT comes near. */
const DEPTH_MAX = 32;

/**
 * Values that an answer, or all arguments of a call, may be made of: a byte of a file makes one, and one takes
 * some tens of bytes of memory. The longest answers are of a few hundred thousand: an environment.
 */
export const VALUES_MAX = 1_000_000;

/** Numbers in a row, by their kind in the file. */
export const NUMBERS = [
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  BigUint64Array,
  BigInt64Array,
  Float32Array,
  Float64Array,
] as const;

const utf8 = new TextEncoder();

/** A recording that does not say what one says. */
export function damaged(what: string): RingfenceError {
  return new RingfenceError(
    'RF_RECORDING_INVALID',
    `Cannot read the recording: ${what}. It is damaged, or none of ringfence's: record the run again.`,
  );
}

/** A host object in the place of one of a recording: there is nothing behind it. */
export class StandIn {
  readonly id: number;
  /** The stream of the agent that it stands for; null: none. */
  readonly stream: 'stdout' | 'stderr' | null;

  constructor(id: number, stream: 'stdout' | 'stderr' | null) {
    this.id = id;
    this.stream = stream;
  }
}

/** Writes values one after another into memory that grows. */
export class ValueWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written, until the next is. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What is behind this length was not written. */
  rewind(length: number): void {
    this.#length = length;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.written);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** An integer from 0 to 2^53 - 1, as LEB128. */
  unsigned(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  /** A length and the text's UTF-8. */
  name(text: string): void {
    const encoded = utf8.encode(text);
    this.unsigned(encoded.length);
    this.raw(encoded);
  }

  /** A value of the host's; `idOf` numbers its objects. `inShort`: long bytes and texts by their hash. */
  value(value: unknown, idOf: (object: object) => number, inShort = false): void {
    switch (typeof value) {
      case 'undefined':
        this.byte(TAG.undefined);
        return;
      case 'boolean':
        this.byte(value ? TAG.true : TAG.false);
        return;
      case 'number':
        this.#number(value);
        return;
      case 'bigint':
        this.byte(value < 0n ? TAG.s64 : TAG.u64);
        this.#room(8);
        this.#view.setBigUint64(this.#length, BigInt.asUintN(64, value), true);
        this.#length += 8;
        return;
      case 'string':
        this.#text(value, inShort);
        return;
      case 'object':
        this.#object(value, idOf, inShort);
        return;
      default:
        throw new TypeError(`a host call has a ${typeof value}, which is no value of WIT`);
    }
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) {
      this.byte(TAG.unsigned);
      this.unsigned(value);
      return;
    }
    this.byte(TAG.float);
    this.#room(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  #text(text: string, inShort: boolean): void {
    if (!text.isWellFormed()) {
      this.byte(TAG.utf16);
      this.unsigned(text.length * 2);
      this.raw(Buffer.from(text, 'utf16le'));
      return;
    }
    const encoded = utf8.encode(text);
    if (inShort && encoded.length > ARGUMENT_BYTES_MAX) {
      this.byte(TAG.textInShort);
      this.#inShort(encoded);
      return;
    }
    this.byte(TAG.text);
    this.unsigned(encoded.length);
    this.raw(encoded);
  }

  #bytesOf(bytes: Uint8Array, inShort: boolean): void {
    if (inShort && bytes.length > ARGUMENT_BYTES_MAX) {
      this.byte(TAG.bytesInShort);
      this.#inShort(bytes);
      return;
    }
    this.byte(TAG.bytes);
    this.unsigned(bytes.length);
    this.raw(bytes);
  }

  #inShort(bytes: Uint8Array): void {
    this.unsigned(bytes.length);
    this.raw(bytes.subarray(0, SHOWN_BYTES));
    this.raw(hash('sha256', bytes, 'buffer'));
  }

  #object(value: object | null, idOf: (object: object) => number, inShort: boolean): void {
    if (value === null) {
      this.byte(TAG.null);
    } else if (value instanceof Uint8Array) {
      this.#bytesOf(value, inShort);
    } else if (Array.isArray(value)) {
      this.byte(TAG.list);
      this.unsigned(value.length);
      for (const item of value) {
        this.value(item, idOf, inShort);
      }
    } else if (ArrayBuffer.isView(value)) {
      const kind = NUMBERS.findIndex((made) => value instanceof made);
      this.byte(TAG.numbers);
      this.byte(kind);
      this.unsigned(value.byteLength);
      this.raw(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    } else if (isRecord(value)) {
      const fields = Object.entries(value);
      this.byte(TAG.record);
      this.unsigned(fields.length);
      for (const [name, field] of fields) {
        this.name(name);
        this.value(field, idOf, inShort);
      }
    } else {
      this.byte(TAG.resource);
      this.unsigned(idOf(value));
    }
  }
}

/** The host's objects behind handles are of classes; what crosses as a value is none. */
export function isRecord(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Reads values out of bytes that nobody has vouched for. */
export class ValueReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #at = 0;
  #valuesLeft = VALUES_MAX;

  constructor(bytes: Uint8Array) {
    // Of a Buffer no slice would be a copy, and numbers would be read out of all that it lies in.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** From here on as many values may be made as an answer has at the most. */
  beginAnswer(): void {
    this.#valuesLeft = VALUES_MAX;
  }

  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) {
      throw damaged('it ends in the middle of an entry');
    }
    this.#at += 1;
    return value;
  }

  /** A view of the next bytes, which are there. */
  raw(length: number): Uint8Array {
    const start = this.#at;
    this.pass(length);
    return this.#bytes.subarray(start, this.#at);
  }

  unsigned(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const next = this.byte();
      value += (next & 0x7f) * factor;
      if (!Number.isSafeInteger(value)) {
        throw damaged('a number in it is too large');
      }
      if (next < 0x80) {
        return value;
      }
      factor *= 0x80;
    }
  }

  /** A length and a text. */
  name(): string {
    return this.#textOf(this.raw(this.unsigned()));
  }

  /** Passes bytes, which are there. */
  pass(length: number): void {
    if (length > this.#bytes.length - this.#at) {
      throw damaged('a length in it is more than there is');
    }
    this.#at += length;
  }

  #textOf(bytes: Uint8Array): string {
    try {
      return this.#utf8.decode(bytes);
    } catch {
      throw damaged('a text in it is not UTF-8');
    }
  }

  /** What kind of value follows, so deep in others: one more of those that there may be. */
  tag(depth: number): number {
    if (depth > DEPTH_MAX) {
      throw damaged('values in it lie too deep in each other');
    }
    this.#valuesLeft -= 1;
    if (this.#valuesLeft < 0) {
      throw damaged(`a call in it has more than ${VALUES_MAX} values`);
    }
    return this.byte();
  }

  /** A value as host functions answer it; `objectOf` makes what stands for a host object. */
  value(objectOf: (id: number) => object, depth = 0): unknown {
    const tag = this.tag(depth);
    switch (tag) {
      case TAG.undefined:
        return undefined;
      case TAG.null:
        return null;
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.unsigned:
        return this.unsigned();
      case TAG.float:
        return this.#eight((at) => this.#view.getFloat64(at, true));
      case TAG.u64:
        return this.#eight((at) => this.#view.getBigUint64(at, true));
      case TAG.s64:
        return this.#eight((at) => this.#view.getBigInt64(at, true));
      case TAG.text:
        return this.name();
      case TAG.utf16:
        return this.#utf16();
      case TAG.bytes:
        return this.raw(this.unsigned()).slice();
      case TAG.numbers:
        return this.#numbers();
      case TAG.list:
        return this.#list(objectOf, depth);
      case TAG.record:
        return this.#record(objectOf, depth);
      case TAG.resource:
        return objectOf(this.unsigned());
      case TAG.bytesInShort:
      case TAG.textInShort:
        return this.#inShort(tag);
      default:
        throw damaged('a value in it is of no kind that there is');
    }
  }

  #eight<Value>(read: (at: number) => Value): Value {
    const start = this.#at;
    this.raw(8);
    return read(start);
  }

  #utf16(): string {
    const bytes = this.raw(this.unsigned());
    if (bytes.length % 2 !== 0) {
      throw damaged('a text in it is not UTF-16');
    }
    // Lone surrogates stay what they are.
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf16le');
  }

  #numbers(): ArrayBufferView {
    const made = NUMBERS[this.byte()];
    const bytes = this.raw(this.unsigned());
    if (made === undefined || bytes.length % made.BYTES_PER_ELEMENT !== 0) {
      throw damaged('numbers in it are of no kind that there is');
    }
    return new made(bytes.slice().buffer as ArrayBuffer);
  }

  #list(objectOf: (id: number) => object, depth: number): unknown[] {
    const length = this.unsigned();
    // Each takes a byte at least.
    if (length > this.#bytes.length - this.#at) {
      throw damaged('a length in it is more than there is');
    }
    const items: unknown[] = [];
    for (let index = 0; index < length; index += 1) {
      items.push(this.value(objectOf, depth + 1));
    }
    return items;
  }

  #record(objectOf: (id: number) => object, depth: number): object {
    const record: Record<string, unknown> = Object.create(null);
    for (let left = this.unsigned(); left > 0; left -= 1) {
      const name = this.name();
      record[name] = this.value(objectOf, depth + 1);
    }
    return record;
  }

  #inShort(tag: number): InShort {
    const length = this.unsigned();
    return {
      kind: tag === TAG.bytesInShort ? 'bytes' : 'text',
      length,
      start: this.raw(Math.min(length, SHOWN_BYTES)).slice(),
      sha256: Buffer.from(this.raw(SHA256_BYTES)).toString('hex'),
    };
  }
}

/** Bytes or a text of which a recording keeps the hash. */
export interface InShort {
  readonly kind: 'bytes' | 'text';
  readonly length: number;
  readonly start: Uint8Array;
  readonly sha256: string;
}
