/**
 * Which JSON schemas are taken: those of which it is known, before they are compiled, how much work a value
 * can make. A schema may refer to its own parts, not to itself and not to anything elsewhere.
 */

import { canonicalJson } from './text.ts';

/** Characters of a schema as JSON: generous for what a tool takes, little for a thread to compile. */
export const SCHEMA_CHARACTERS_MAX = 64 * 1024;
/** Levels of a schema. */
const SCHEMA_DEPTH_MAX = 32;
/**
 * Schemas within a schema, each reference counted as what it refers to: so that ten definitions that each
 * use the one before ten times are not ten lines for us and ten thousand million checks for a value.
 */
const SCHEMA_PARTS_MAX = 2_000;

/** Keywords that reach beyond the schema, or by which it would be found from elsewhere. */
const REFUSED: ReadonlySet<string> = new Set([
  '$anchor',
  '$dynamicAnchor',
  '$dynamicRef',
  '$id',
  '$recursiveAnchor',
  '$recursiveRef',
  '$vocabulary',
  'id',
]);

const MAPS: ReadonlySet<string> = new Set([
  '$defs',
  'definitions',
  'dependencies',
  'dependentSchemas',
  'patternProperties',
  'properties',
]);
/** Where what is defined stands: it counts where it is used. */
const DEFINITIONS: ReadonlySet<string> = new Set(['$defs', 'definitions']);
const LISTS: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const SCHEMAS: ReadonlySet<string> = new Set([
  'additionalItems',
  'additionalProperties',
  'contains',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
]);

/** What values are compared with one by one. */
const COMPARED: ReadonlySet<string> = new Set(['const', 'dependentRequired', 'enum', 'required']);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Thrown within this file, and caught by {@link problemOfSchema}. */
class Refused extends Error {}

/** Whether plain JSON is all that a value is made of, at most so deep. */
function isJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') {
    return true;
  }
  if (typeof value === 'number') {
    return Number.isFinite(value);
  }
  if (typeof value !== 'object' || depth === 0) {
    return false;
  }
  if (!Array.isArray(value)) {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      return false;
    }
  }
  return Object.values(value).every((each) => isJson(each, depth - 1));
}

/**
 * References that mean the same to everybody: what a URI may have as it stands, and so no escapes by `%`,
 * which only the compiler would undo, and no empty names, of which it takes `#/` for `#`.
 */
const REFERENCE = /^#(?:\/[\w$.~!&'()*+,;=:@-]+)+$/;

/** The part that a reference such as `#/$defs/name` names; undefined: there is none. */
function resolve(root: unknown, reference: string): unknown {
  if (reference === '#') {
    return root;
  }
  if (!REFERENCE.test(reference)) {
    return undefined;
  }
  let at: unknown = root;
  for (const segment of reference.slice(2).split('/')) {
    const name = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) {
      return undefined;
    }
    // A name on the way, where no keyword is, changes what the references behind it mean.
    if (typeof (at as { $id?: unknown }).$id === 'string') {
      return undefined;
    }
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}

/** How many values a value is made of, itself included. */
function valuesIn(value: unknown): number {
  return typeof value === 'object' && value !== null
    ? Object.values(value).reduce<number>((sum, each) => sum + valuesIn(each), 1)
    : 1;
}

/** Counts the schemas of a schema, and refuses what is not taken. */
class Counter {
  readonly #root: unknown;
  readonly #within = new Set<unknown>();
  #parts = 0;
  #weight = 0;

  constructor(root: unknown) {
    this.#root = root;
  }

  /** What a value is compared with at most: schemas, and what stands in their lists and constants. */
  get weight(): number {
    return this.#parts + this.#weight;
  }

  visit(schema: unknown): void {
    this.#parts += 1;
    if (this.#parts > SCHEMA_PARTS_MAX) {
      throw new Refused(
        `it has more than ${SCHEMA_PARTS_MAX} parts, references counted: write less`,
      );
    }
    if (!isObject(schema)) {
      return;
    }
    if (this.#within.has(schema)) {
      throw new Refused('it refers to itself: write out as many levels as are needed');
    }
    this.#within.add(schema);
    for (const [keyword, value] of Object.entries(schema)) {
      this.#keyword(keyword, value);
    }
    this.#within.delete(schema);
  }

  #keyword(keyword: string, value: unknown): void {
    if (REFUSED.has(keyword)) {
      throw new Refused(`it has '${keyword}', by which schemas reach each other: leave it out`);
    }
    if (COMPARED.has(keyword)) {
      this.#weight += valuesIn(value);
    }
    if (keyword === '$ref') {
      this.#reference(value);
    } else if (LISTS.has(keyword) || (keyword === 'items' && Array.isArray(value))) {
      for (const each of Array.isArray(value) ? value : []) {
        this.visit(each);
      }
    } else if (SCHEMAS.has(keyword)) {
      this.visit(value);
    } else if (MAPS.has(keyword) && !DEFINITIONS.has(keyword) && isObject(value)) {
      for (const each of Object.values(value)) {
        this.visit(each);
      }
    }
  }

  #reference(reference: unknown): void {
    const part = typeof reference === 'string' ? resolve(this.#root, reference) : undefined;
    if (part === undefined) {
      throw new Refused("its '$ref' names no part of it: refer to '#/$defs/NAME' only");
    }
    this.visit(part);
  }
}

/** Each definition on its own: one that nobody uses can be compiled too. */
function definitionsOf(schema: Readonly<Record<string, unknown>>): unknown[] {
  return [...DEFINITIONS].flatMap((keyword) => {
    const definitions = schema[keyword];
    return isObject(definitions) ? Object.values(definitions) : [];
  });
}

/** What is known of a schema before it is compiled. */
export type MeasuredSchema =
  /** What is wrong with it, as the end of a sentence. */
  | { readonly problem: string }
  /** Schemas and constants, each reference counted as what it refers to, that a value may be compared with. */
  | { readonly weight: number };

/**
 * Measures a schema: whether it is taken as far as its size, its shape and its references go.
 * {@link compileSchema} finds out about its keywords and patterns.
 */
export function measureSchema(schema: unknown): MeasuredSchema {
  if (!isObject(schema)) {
    return { problem: 'it is no object: write a JSON schema such as { "type": "object" }' };
  }
  if (!isJson(schema, SCHEMA_DEPTH_MAX)) {
    return { problem: `it is no JSON of at most ${SCHEMA_DEPTH_MAX} levels` };
  }
  if (canonicalJson(schema).length > SCHEMA_CHARACTERS_MAX) {
    return {
      problem: `it has more than ${SCHEMA_CHARACTERS_MAX} characters as JSON: write less`,
    };
  }
  try {
    const counter = new Counter(schema);
    counter.visit(schema);
    for (const definition of definitionsOf(schema)) {
      new Counter(schema).visit(definition);
    }
    return { weight: counter.weight };
  } catch (error) {
    if (error instanceof Refused) {
      return { problem: error.message };
    }
    throw error;
  }
}
