/** What of a module's state a host can read, put back or give, so that it can be used again. */

import { emitIndexed, OP } from './emit.ts';
import type { InjectedFunction } from './injected.ts';
import type { Layout } from './layout.ts';
import type { DecodedModule } from './module.ts';
import { VALUE, type ValueType } from './value-types.ts';
import { ByteWriter } from './writer.ts';

/** Exports that are injected for the host: no module of the component can name them. */
export interface ModuleImage {
  /** Its own memories, in their order; none where they are imports, which the host has. */
  readonly memories: readonly string[];
  /** Its own mutable globals, all of them numbers; null: there are none. */
  readonly globals: GlobalsImage | null;
}

/**
 * Two functions, for an export of each global would cost every instance an object of the host's. They take
 * no fuel: only the host can call them, while no code of the guest runs.
 */
export interface GlobalsImage {
  /** Answers all values, in the order of the globals. */
  readonly read: string;
  /** Takes them. */
  readonly write: string;
  readonly count: number;
}

/** What is added to a module for its image. */
export interface ImageExports {
  readonly memories: readonly {
    readonly name: string;
    /** As the module counts them. */
    readonly index: number;
  }[];
  readonly globals: GlobalsImage | null;
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
  { composites, imported, memories, mutableGlobals }: DecodedModule,
  importsMemories: boolean,
  unusedName: (wanted: string) => string,
): ImageExports | null {
  // What lies on the engine's heap can be changed behind a reference that is put back.
  if (composites.size > 0 || mutableGlobals.length > GLOBALS_MAX) return null;
  if (mutableGlobals.some(({ type }) => !NUMBERS.has(type))) return null;
  const own = importsMemories ? [] : memories.slice(imported.memory);
  return {
    memories: own.map((_, place) => {
      const index = imported.memory + place;
      return { name: unusedName(`ringfence:memory:${index}`), index };
    }),
    globals:
      mutableGlobals.length === 0
        ? null
        : {
            read: unusedName('ringfence:read-globals'),
            write: unusedName('ringfence:write-globals'),
            count: mutableGlobals.length,
          },
  };
}

/** The names alone. */
export function imageOf({ memories, globals }: ImageExports): ModuleImage {
  return { memories: memories.map(({ name }) => name), globals };
}

/** The functions that read and write all mutable globals, in this order. */
export function imageFunctions(layout: Layout): readonly [InjectedFunction, InjectedFunction] {
  const { mutableGlobals } = layout.module;
  const types = mutableGlobals.map(({ type }) => type);
  const read = new ByteWriter();
  const write = new ByteWriter();
  read.u8(0);
  write.u8(0);
  for (const [place, { index }] of mutableGlobals.entries()) {
    emitIndexed(read, OP.globalGet, layout.global(index));
    emitIndexed(write, OP.localGet, place);
    emitIndexed(write, OP.globalSet, layout.global(index));
  }
  read.u8(OP.end);
  write.u8(OP.end);
  return [
    { type: layout.types.of([], types), body: read.bytes },
    { type: layout.types.of(types, []), body: write.bytes },
  ];
}
