/** Moves the source map of a core module to where its code stands in a component. */

import { decode, encode } from '@jridgewell/sourcemap-codec';
import { readComponent } from '../../wasm/component/reader.ts';
import { coreSections } from './core-sections.ts';

/** A source map, as far as it is looked at. */
interface SourceMap {
  readonly mappings: string;
}

const CODE_SECTION = 10;

/**
 * The source map `text` of `core`, as it is of the first core module of the component that was made of it.
 * Columns are offsets in the module's bytes, and what stands before the code has changed.
 */
export function mapOfComponent(text: string, core: Uint8Array, component: Uint8Array): string {
  const [embedded] = readComponent(component).modules;
  if (embedded === undefined) throw new Error('the component has no core module');
  return moveMap(text, core, embedded.bytes);
}

/** The source map `text` of the module `from`, as it is of `to`, which has the same code. */
export function moveMap(text: string, from: Uint8Array, to: Uint8Array): string {
  const bytes = codeStart(to) - codeStart(from);
  const map = JSON.parse(text) as SourceMap;
  const moved = decode(map.mappings).map((line) =>
    line.map((segment) => {
      const copy = [...segment] as typeof segment;
      copy[0] += bytes;
      return copy;
    }),
  );
  return JSON.stringify({ ...map, mappings: encode(moved) });
}

/** Where the content of the code section begins. */
function codeStart(module: Uint8Array): number {
  for (const { id, content } of coreSections(module)) {
    if (id === CODE_SECTION) return content;
  }
  throw new Error('the module has no code');
}
