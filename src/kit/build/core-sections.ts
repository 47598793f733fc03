/** The sections of a core module, as far as its bytes are moved. */

const HEADER_BYTES = 8;

/** The id of sections with a name. */
export const CUSTOM_SECTION = 0;

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

/** A section, or a subsection of one, with its id and size. */
export function sectionBytes(id: number, content: Uint8Array): Uint8Array {
  return joinBytes([Uint8Array.of(id), writeU32(content.length), content]);
}

/** Writes an unsigned LEB128. */
export function writeU32(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const more = rest > 0x7f;
    bytes.push((rest & 0x7f) | (more ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** Parts of a module, one behind the other. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** The name of a custom section, by its content, and where what is in it begins. */
export function customName(content: Uint8Array): { readonly name: string; readonly start: number } {
  const [length, from] = readU32(content, 0);
  const start = from + length;
  return { name: new TextDecoder().decode(content.subarray(from, start)), start };
}
