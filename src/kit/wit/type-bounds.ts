/**
 * Bounds what is made of WIT: generators walk types by their parts, and a few lines of WIT can name a type that is
 * nested in itself thousands of times, or that has millions of parts.
 */

import type { ValueType } from '../../wasm/component/types.ts';
import { casesOf, fieldTypesOf } from '../bindings/layout.ts';
import { type Place, typesOf } from './places.ts';

/** How deep types may be nested, those with names as well: options, lists and tuples between them count. */
const DEPTH_MAX = 100;
/** Parts that a type may have, with those of its parts; validators of components allow a million. */
const PARTS_MAX = 100_000;

/** A type that is too large. */
export interface LargeType {
  /** As WIT calls it. */
  readonly name: string;
  /** The interface that has it; empty for the world. */
  readonly place: string;
  readonly problem: string;
}

/** The first type that is nested too deep or has too many parts; null: there is none. */
export function findLargeType(places: readonly Place[]): LargeType | null {
  const extents = new Map<ValueType, Extent>();
  for (const { name: place, instance } of places) {
    for (const [name, type] of typesOf(instance)) {
      if (type.kind === 'resource') continue;
      const { depth, parts } = extentOf(type, extents, 0);
      if (depth > DEPTH_MAX) {
        return { name, place, problem: `is nested more than ${DEPTH_MAX} deep` };
      }
      if (parts > PARTS_MAX) {
        return {
          name,
          place,
          problem: `has more than ${PARTS_MAX} parts, with those of its parts`,
        };
      }
    }
  }
  return null;
}

interface Extent {
  readonly depth: number;
  readonly parts: number;
}

/** Each type is walked once; `above` are the types that it is within, so that the walk itself is no deeper. */
function extentOf(type: ValueType, known: Map<ValueType, Extent>, above: number): Extent {
  const before = known.get(type);
  if (before !== undefined) return before;
  if (above > DEPTH_MAX) return { depth: 1, parts: 1 };
  let [depth, parts] = [0, 1];
  for (const part of partsOf(type)) {
    const extent = extentOf(part, known, above + 1);
    depth = Math.max(depth, extent.depth);
    parts += extent.parts;
  }
  const extent = { depth: depth + 1, parts };
  if (above === 0) known.set(type, extent);
  return extent;
}

function partsOf(type: ValueType): readonly ValueType[] {
  if (type.kind === 'list') return [type.element];
  const cases = casesOf(type)?.flatMap((each) => each.type ?? []);
  return fieldTypesOf(type) ?? cases ?? [];
}
