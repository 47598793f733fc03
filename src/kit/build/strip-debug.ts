/** Leaves the lines of source out of a core module, and the names of its functions in: linkers drop both or none. */

import {
  CUSTOM_SECTION,
  coreHeader,
  coreSections,
  customName,
  joinBytes,
} from './core-sections.ts';

/** The module without DWARF, which is most of what is linked with a C library and holds paths of its build. */
export function stripDebug(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [coreHeader(module)];
  for (const { id, start, content, end } of coreSections(module)) {
    const isDebug =
      id === CUSTOM_SECTION && customName(module.subarray(content, end)).name.startsWith('.debug_');
    if (!isDebug) parts.push(module.subarray(start, end));
  }
  return joinBytes(parts);
}
