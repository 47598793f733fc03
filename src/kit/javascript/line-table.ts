/**
 * Which line of which file each line of a bundle comes from, in a form that goes into the bundle: a guest tells
 * its exceptions itself, and the host knows nothing of its source.
 */

import { decode } from '@jridgewell/sourcemap-codec';

/** Where `guest/globals.ts` looks for the table. A text in that file would be gone when it is bundled. */
const HOLDER = 'globalThis[Symbol.for("ringfence.lines")]';

/** Of lines that are ringfence's own, of which the bundler makes no map. */
const NOWHERE = '-';

/** A source map, as far as it is looked at. */
export interface LineMap {
  readonly sources: readonly string[];
  readonly mappings: string;
}

/**
 * The bundle with the table of its lines at its end. An entry is `file:line` in base 36 for a line of the bundle, and empty
 * where it is the line after that of the entry before, and `-` where it comes from no file.
 *
 * @param nameOf - What a source of the map is called.
 */
export function withLineTable(
  code: string,
  { sources, mappings }: LineMap,
  nameOf: (source: string) => string,
): string {
  let file = 0;
  let row = 0;
  const entries = decode(mappings).map((segments) => {
    const mapped = segments.find((segment) => segment.length > 1);
    row += 1;
    if (mapped === undefined || mapped.length === 1) return NOWHERE;
    const [, source, line] = mapped;
    if (source === file && line + 1 === row) return '';
    file = source;
    row = line + 1;
    return `${file.toString(36)}:${row.toString(36)}`;
  });
  const table = JSON.stringify({ files: sources.map(nameOf), lines: entries.join(',') });
  return `${code.trimEnd()}\n${HOLDER} = ${table};\n`;
}

/** Where a line of a bundle comes from, as `file:line`; null: nowhere. */
export function placeInMap(
  { sources, mappings }: LineMap,
  nameOf: (source: string) => string,
  line: number,
): string | null {
  const mapped = decode(mappings)[line - 1]?.find((segment) => segment.length > 1);
  if (mapped === undefined || mapped.length === 1) return null;
  return `${nameOf(sources[mapped[1]] ?? '')}:${mapped[2] + 1}`;
}
