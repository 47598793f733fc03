/**
 * Renames exports of a core module: AssemblyScript can't export names such as
 * `wasi:cli/run@0.2.12#run`.
 */

const EXPORT_SECTION = 7;
const HEADER_BYTES = 8;

/** Answers the module with the exports renamed; names that the map hasn't stay as they are. */
export function renameExports(
  module: Uint8Array,
  names: ReadonlyMap<string, string>,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [module.subarray(0, HEADER_BYTES)];
  for (let offset = HEADER_BYTES; offset < module.length; ) {
    const [size, start] = readU32(module, offset + 1);
    const end = start + size;
    const content = module.subarray(start, end);
    parts.push(
      module[offset] === EXPORT_SECTION
        ? section(EXPORT_SECTION, renameInSection(content, names))
        : module.subarray(offset, end),
    );
    offset = end;
  }
  return join(parts);
}

function renameInSection(content: Uint8Array, names: ReadonlyMap<string, string>): Uint8Array {
  const [count, first] = readU32(content, 0);
  const parts: Uint8Array[] = [content.subarray(0, first)];
  let offset = first;
  for (let index = 0; index < count; index += 1) {
    const [length, start] = readU32(content, offset);
    const name = new TextDecoder().decode(content.subarray(start, start + length));
    const afterKind = start + length + 1;
    const [, end] = readU32(content, afterKind);
    const renamed = new TextEncoder().encode(names.get(name) ?? name);
    parts.push(writeU32(renamed.length), renamed, content.subarray(afterKind - 1, end));
    offset = end;
  }
  return join(parts);
}

function section(id: number, content: Uint8Array): Uint8Array {
  return join([Uint8Array.of(id), writeU32(content.length), content]);
}

/** Reads an unsigned LEB128; answers the value and the offset behind it. */
function readU32(bytes: Uint8Array, offset: number): [value: number, end: number] {
  let value = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = bytes[offset + index] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return [value, offset + index + 1];
  }
  throw new Error('A number in the module is longer than five bytes.');
}

function writeU32(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const more = rest > 0x7f;
    bytes.push((rest & 0x7f) | (more ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
