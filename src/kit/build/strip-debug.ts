/** Leaves the lines of source out of a core module, and the names of its functions in: linkers drop both or none. */

import { coreHeader, coreSections, readU32 } from './core-sections.ts';

const CUSTOM_SECTION = 0;

/** The module without DWARF, which is most of what is linked with a C library and holds paths of its build. */
export function stripDebug(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts = [coreHeader(module)];
  for (const { id, start, content, end } of coreSections(module)) {
    const isDebug =
      id === CUSTOM_SECTION && customName(module.subarray(content, end)).startsWith('.debug_');
    if (!isDebug) parts.push(module.subarray(start, end));
  }
  return new Uint8Array(Buffer.concat(parts));
}

function customName(content: Uint8Array): string {
  const [length, start] = readU32(content, 0);
  return new TextDecoder().decode(content.subarray(start, start + length));
}
