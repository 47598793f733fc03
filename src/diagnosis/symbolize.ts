/** Places of metered code, as who wrote the module knows them. */

import type { MeteredPlace } from '../process/diagnosis.ts';
import { type LocatedPlace, locatePlaces } from '../wasm/component/prepare/symbolize.ts';
import { type FeaturesInput, featuresOf } from '../wasm/metering/features.ts';
import { readSourceMap, type SourceLookup, type SourcePlace } from './source-map.ts';

/** A place in a component. */
export interface Frame extends LocatedPlace {
  /** Null: there is no source map, or it does not say. */
  readonly source: SourcePlace | null;
}

/** What is known of a component beside its bytes. */
export interface SymbolizeOptions {
  /** Features that it was loaded with. @default none */
  readonly features?: FeaturesInput;
  /** The source map of its first core module, as JSON. @default none */
  readonly sourceMap?: string | undefined;
}

/** Compilers put the program first, and what adapts it behind. */
const MAPPED_MODULE = 0;

/**
 * Says what the places are in the component that they were found out of, by this version of ringfence:
 * null for those that are in no function of its own. The component is read in a child process, as when
 * it is loaded.
 *
 * @throws {RingfenceError} as `Kernel.load`; `RF_USAGE` for a source map that is none
 *
 * @example
 * ```ts
 * const agent = await kernel.spawn({ module, diagnosis: { backtrace: true } });
 * await agent.exited;
 * const frames = await symbolize(bytes, agent.findings()?.backtrace ?? []);
 * ```
 */
export async function symbolize(
  component: Uint8Array,
  places: readonly MeteredPlace[],
  { features = {}, sourceMap }: SymbolizeOptions = {},
): Promise<(Frame | null)[]> {
  const lookup: SourceLookup = sourceMap === undefined ? () => null : readSourceMap(sourceMap);
  const located = await locatePlaces(component, places, featuresOf(features));
  return located.map(
    (place) =>
      place && { ...place, source: place.module === MAPPED_MODULE ? lookup(place.offset) : null },
  );
}
