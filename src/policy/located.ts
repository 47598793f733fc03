/** What a file says, with the place of each key and value: what both formats are read into. */

import type { Place, PolicyProblem } from './problem.ts';

/** Tables and lists in one another; a policy needs seven. */
export const NESTING_MAX = 32;

export type Scalar = string | number | boolean | null;

/** A table: a key's place beside its value. */
export interface LocatedTable {
  readonly kind: 'table';
  readonly place: Place;
  readonly fields: Map<string, { readonly key: Place; readonly value: Located }>;
}

export interface LocatedList {
  readonly kind: 'list';
  readonly place: Place;
  readonly items: Located[];
}

export interface LocatedScalar {
  readonly kind: 'scalar';
  readonly place: Place;
  readonly value: Scalar;
}

/** A value and where it is written. */
export type Located = LocatedTable | LocatedList | LocatedScalar;

/** What a reader makes of a text: a tree, or what is wrong. */
export type Reading =
  | { readonly root: Located; readonly problems: readonly [] }
  | { readonly root: null; readonly problems: readonly PolicyProblem[] };

/** What could not be read. */
export const unread = (...problems: PolicyProblem[]): Reading => ({ root: null, problems });

/** What is nested too deeply, or is a key that no object can have as its own: of these there is no reading. */
export function unusable(located: Located, depth = 0): PolicyProblem[] {
  if (depth > NESTING_MAX) {
    return [{ ...located.place, message: `nested deeper than ${NESTING_MAX} levels` }];
  }
  switch (located.kind) {
    case 'table':
      return [...located.fields].flatMap(([name, { key, value }]) =>
        name === '__proto__'
          ? [{ ...key, message: "'__proto__' is no key of a policy" }]
          : unusable(value, depth + 1),
      );
    case 'list':
      return located.items.flatMap((item) => unusable(item, depth + 1));
    case 'scalar':
      return [];
  }
}

/** The bare value; its objects have no prototype. */
export function plainOf(located: Located): unknown {
  switch (located.kind) {
    case 'table': {
      const plain: Record<string, unknown> = Object.create(null);
      for (const [name, { value }] of located.fields) {
        plain[name] = plainOf(value);
      }
      return plain;
    }
    case 'list':
      return located.items.map(plainOf);
    case 'scalar':
      return located.value;
  }
}

/**
 * Where something is written. What isn't there is where its table is. `of` says what of a field is
 * meant: its key, or its value.
 */
export function placeOf(root: Located, path: readonly PropertyKey[], of: 'key' | 'value'): Place {
  let located: Located = root;
  let place = root.place;
  for (const segment of path) {
    if (located.kind === 'table') {
      const field = located.fields.get(String(segment));
      if (field === undefined) {
        return place;
      }
      place = of === 'key' ? field.key : field.value.place;
      located = field.value;
    } else if (located.kind === 'list') {
      const item: Located | undefined = located.items[Number(segment)];
      if (item === undefined) {
        return place;
      }
      place = item.place;
      located = item;
    } else {
      return place;
    }
  }
  return place;
}
