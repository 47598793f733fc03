/** The sections of a core module, as far as its bytes are moved. */

const HEADER_BYTES = 8;

/** A section: its id, and where in the module's bytes it and its content stand. */
export interface CoreSection {
  readonly id: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

/** The sections of a module that a compiler has written. */
export function* coreSections(module: Uint8Array): Generator<CoreSection> {
  for (let start = HEADER_BYTES; start < module.length; ) {
    const [size, content] = readU32(module, start + 1);
    const end = content + size;
    yield { id: module[start] ?? 0, start, content, end };
    start = end;
  }
}

/** What stands before the first section. */
export const coreHeader = (module: Uint8Array): Uint8Array => module.subarray(0, HEADER_BYTES);

/** Reads an unsigned LEB128; answers the value and the offset behind it. */
export function readU32(bytes: Uint8Array, offset: number): [value: number, end: number] {
  let value = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = bytes[offset + index] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return [value, offset + index + 1];
  }
  throw new Error('A number in the module is longer than five bytes.');
}
