/** What of a module's state a host can read, put back or give, so that it can be used again. */

import type { DecodedModule } from './module.ts';
import { VALUE, type ValueType } from './value-types.ts';

/** Exports that are injected for the host: no module of the component can name them. */
export interface ModuleImage {
  /** Its own memories, in their order. */
  readonly memories: readonly string[];
  /** Its own mutable globals, all of them numbers. */
  readonly globals: readonly string[];
}

/** An export that is added: of a memory or a global of the module's own. */
export interface ImageExport {
  readonly name: string;
  readonly kind: 'memory' | 'global';
  /** As the module counts them. */
  readonly index: number;
}

/** The injected import that stands for a memory of the module's own, by its place among these. */
export const memoryImport = (place: number): string => `memory:${place}`;

/** Each is written anew at every start: with more of them a fresh instance costs as little. */
const GLOBALS_MAX = 256;

/** What can be read and written from outside. */
const NUMBERS: ReadonlySet<ValueType> = new Set([VALUE.i32, VALUE.i64, VALUE.f32, VALUE.f64]);

/**
 * The exports of all that can change; null where something can that nobody can put back. What bodies do
 * besides (tables that they write to, segments that they drop) is seen by the walk over them.
 */
export function imageExports(
  module: DecodedModule,
  unusedName: (wanted: string) => string,
): readonly ImageExport[] | null {
  // What lies on the engine's heap can be changed behind a reference that is put back.
  if (module.composites.size > 0 || module.mutableGlobals.length > GLOBALS_MAX) return null;
  const exports: ImageExport[] = [];
  for (let index = module.imported.memory; index < module.memories.length; index++) {
    exports.push({ name: unusedName(`ringfence:memory:${index}`), kind: 'memory', index });
  }
  for (const { index, type } of module.mutableGlobals) {
    if (!NUMBERS.has(type)) return null;
    exports.push({ name: unusedName(`ringfence:global:${index}`), kind: 'global', index });
  }
  return exports;
}

/** The names by kind. */
export function imageOf(exports: readonly ImageExport[]): ModuleImage {
  const names = (kind: ImageExport['kind']) =>
    exports.filter((each) => each.kind === kind).map(({ name }) => name);
  return { memories: names('memory'), globals: names('global') };
}
