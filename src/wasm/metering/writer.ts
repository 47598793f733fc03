/** A growing buffer that WebAssembly is written into. */

/** Shorter pieces are copied byte by byte: a view of them takes longer to make, and leaves garbage behind. */
const VIEWED_BYTES_MIN = 64;

/** Appends bytes and LEB128 numbers; `bytes` is what was written so far (a view, valid until the next write). */
export class ByteWriter {
  #buffer: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity = 256) {
    this.#buffer = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Hands over what was written, without a copy where it fills the capacity: nothing can be written after it. */
  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer.buffer.transfer(this.#length));
  }

  /** Where branches stand that are hardly ever taken, in rising order. */
  readonly unlikely: number[] = [];

  clear(): void {
    this.#length = 0;
    this.unlikely.length = 0;
  }

  /** A branch that is hardly ever taken, an `if` too. */
  unlikelyBranch(opcode: number, immediate: number): void {
    this.unlikely.push(this.#length);
    this.u8(opcode);
    this.u8(immediate);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }

  u8(value: number): void {
    if (this.#length === this.#buffer.length) this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** Several bytes as they are: opcodes with their one-byte immediates. */
  raw(...values: number[]): void {
    for (const value of values) this.u8(value);
  }

  u32(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.u8(rest);
  }

  /** A signed number that fits 53 bits, as both i32.const and i64.const take it. */
  signed(value: number): void {
    let rest = value;
    for (;;) {
      const low = ((rest % 128) + 128) % 128;
      rest = Math.floor(rest / 128);
      if ((rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40)) {
        this.u8(low);
        return;
      }
      this.u8(low | 0x80);
    }
  }

  /** The eight bytes of a double. */
  f64(value: number): void {
    this.raw(...new Uint8Array(Float64Array.of(value).buffer));
  }

  /** `source[start, end)`. */
  copy(source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    this.#reserve(size);
    if (size < VIEWED_BYTES_MIN) {
      for (let index = start; index < end; index++) this.#buffer[this.#length++] = source[index]!;
      return;
    }
    this.#buffer.set(source.subarray(start, end), this.#length);
    this.#length += size;
  }

  name(text: string): void {
    const encoded = new TextEncoder().encode(text);
    this.u32(encoded.length);
    this.copy(encoded, 0, encoded.length);
  }

  /** A section: its id, its size, its content. */
  section(id: number, content: Uint8Array): void {
    this.u8(id);
    this.u32(content.length);
    this.copy(content, 0, content.length);
  }

  /** A section that is a vector: its id, its size, the count, and the elements that `items` holds. */
  vectorSection(id: number, count: number, items: Uint8Array): void {
    this.u8(id);
    this.u32(u32Length(count) + items.length);
    this.u32(count);
    this.copy(items, 0, items.length);
  }
}

/** The bytes that a section takes whose content has so many. */
export function sectionLength(contentLength: number): number {
  return 1 + u32Length(contentLength) + contentLength;
}

/** The bytes that an unsigned number takes. */
export function u32Length(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) length++;
  return length;
}
