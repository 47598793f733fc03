/** From offsets in a core module to lines of its source, by a source map as compilers write them for WebAssembly. */

import { SourceMap } from 'node:module';
import * as z from 'zod';
import { RingfenceError } from '../errors.ts';

/** What is read of a map: version 3 by ECMA-426, without sections. */
const mapSchema = z.object({
  version: z.literal(3),
  file: z.string().default(''),
  sources: z.array(z.string()),
  sourcesContent: z.array(z.string()).default([]),
  sourceRoot: z.string().default(''),
  names: z.array(z.string()).default([]),
  mappings: z.string(),
});

/** A place in a source file. */
export interface SourcePlace {
  /** As the map names it. */
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  /** From 1 on. */
  readonly column: number;
}

/** Answers the source of the instruction at an offset of the module; null: the map does not say. */
export type SourceLookup = (offset: number) => SourcePlace | null;

/**
 * Reads a source map: one generated line, whose columns are offsets in the module's bytes.
 *
 * @throws {RingfenceError} `RF_USAGE` for text that is no source map of version 3
 */
export function readSourceMap(text: string): SourceLookup {
  let map: SourceMap;
  try {
    map = new SourceMap(mapSchema.parse(JSON.parse(text)));
  } catch (error) {
    throw new RingfenceError(
      'RF_USAGE',
      'Cannot read the source map as it is none of version 3: build the module again.',
      {},
      { cause: error },
    );
  }
  return (offset) => {
    const entry = map.findEntry(0, offset);
    return 'originalSource' in entry && entry.originalLine !== undefined
      ? {
          file: entry.originalSource,
          line: entry.originalLine + 1,
          column: entry.originalColumn + 1,
        }
      : null;
  };
}
