/**
 * Renames exports of a core module: AssemblyScript can't export names such as
 * `wasi:cli/run@0.2.12#run`.
 */

import {
  coreHeader,
  coreSections,
  joinBytes,
  readU32,
  sectionBytes,
  writeU32,
} from '../build/core-sections.ts';

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
        ? sectionBytes(EXPORT_SECTION, renameInSection(module.subarray(content, end), names))
        : module.subarray(start, end),
    );
  }
  return joinBytes(parts);
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
  return joinBytes(parts);
}
