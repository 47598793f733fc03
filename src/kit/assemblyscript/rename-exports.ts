/**
 * Renames exports of a core module: AssemblyScript can't export names such as
 * `wasi:cli/run@0.2.12#run`.
 */

import { coreHeader, coreSections, readU32 } from '../build/core-sections.ts';

const EXPORT_SECTION = 7;

/** Answers the module with the exports renamed; names that the map hasn't stay as they are. */
export function renameExports(
  module: Uint8Array,
  names: ReadonlyMap<string, string>,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [coreHeader(module)];
  for (const { id, start, content, end } of coreSections(module)) {
    parts.push(
      id === EXPORT_SECTION
        ? section(EXPORT_SECTION, renameInSection(module.subarray(content, end), names))
        : module.subarray(start, end),
    );
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
