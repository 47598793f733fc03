/** What a policy file says, with the place of every key and value, whatever its syntax. */

import type { Place } from './problem.ts';

/** A key of a table and what it holds. */
export interface Field {
  readonly at: Place;
  readonly node: PolicyNode;
}

/** A table, a list, or a plain value. */
export type PolicyNode =
  | { readonly kind: 'table'; readonly at: Place; readonly fields: Map<string, Field> }
  | { readonly kind: 'list'; readonly at: Place; readonly items: PolicyNode[] }
  | { readonly kind: 'value'; readonly at: Place; readonly value: unknown };

/** A table. */
export type TableNode = Extract<PolicyNode, { kind: 'table' }>;

/** A file that can't be read as what it is: the first thing that is in the way. */
export class SyntaxProblem extends Error {
  readonly at: Place;

  constructor(at: Place, message: string) {
    super(message);
    this.name = 'SyntaxProblem';
    this.at = at;
  }
}

/** Tables and lists in each other; a policy needs 5. */
const DEPTH_MAX = 32;

/** A name that means something to every object of the language: nobody needs it in a policy. */
const REFUSED_KEY = '__proto__';

/** An empty table. */
export function table(at: Place): TableNode {
  return { kind: 'table', at, fields: new Map() };
}

/** Refuses what is nested too deeply. `depth` is 0 for the file. */
export function requireDepth(depth: number, at: Place): void {
  if (depth > DEPTH_MAX) {
    throw new SyntaxProblem(at, `tables and lists are nested ${DEPTH_MAX} deep at most`);
  }
}

/** Adds a field. A key that is there already, or that can't be used, is a problem. */
export function addField(to: TableNode, key: string, field: Field): void {
  if (key === REFUSED_KEY) {
    throw new SyntaxProblem(field.at, `the key '${REFUSED_KEY}' can't be used`);
  }
  if (to.fields.has(key)) {
    throw new SyntaxProblem(field.at, `the key '${key}' is there twice`);
  }
  to.fields.set(key, field);
}

/** The plain value of a node; tables have no prototype. */
export function toValue(node: PolicyNode): unknown {
  switch (node.kind) {
    case 'value':
      return node.value;
    case 'list':
      return node.items.map(toValue);
    case 'table': {
      const own: Record<string, unknown> = Object.create(null);
      for (const [key, field] of node.fields) {
        own[key] = toValue(field.node);
      }
      return own;
    }
  }
}

/**
 * Where a path leads: the place of its value, or of its key. Where it leads nowhere, the place of the
 * last thing on it that is there.
 */
export function placeOf(
  root: PolicyNode,
  path: readonly PropertyKey[],
  of: 'key' | 'value' = 'value',
): Place {
  let node = root;
  let keyAt = root.at;
  for (const step of path) {
    const field: Field | undefined =
      node.kind === 'table' ? node.fields.get(String(step)) : undefined;
    const item = node.kind === 'list' ? node.items[Number(step)] : undefined;
    const next: PolicyNode | undefined = field?.node ?? item;
    if (next === undefined) {
      return node.at;
    }
    keyAt = field?.at ?? next.at;
    node = next;
  }
  return of === 'key' ? keyAt : node.at;
}
