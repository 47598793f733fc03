/**
 * Canonical JSON (RFC 8785): one value has one text, so that a hash over the text is one over the value.
 *
 * Free values go through the library; the fixed shapes of events are written by a plan that is made once
 * for each kind, which is several times faster and writes the same bytes (a test compares the two).
 */

import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { RingfenceError } from '../errors.ts';

/** Characters that a text in an event may have; the rest is cut, and an ellipsis says so. */
export const TEXT_CHARACTERS_MAX = 256;

/** Texts that a list in an event may have; the rest is cut, and the last one says how many. */
const TEXTS_MAX = 64;

/** Bytes that free JSON in an event may have; above that its hash and length stand in its place. */
export const JSON_BYTES_MAX = 4096;

/** How deep objects and lists may stand in each other: readers in other languages go no deeper by far. */
export const JSON_DEPTH_MAX = 64;

/** What the field of a payload is. `?`: or null. */
export type FieldType =
  | 'text'
  | 'text?'
  | 'texts'
  | 'integer'
  | 'integer?'
  | 'number'
  | 'boolean'
  | 'digest'
  | 'digest?'
  | 'json';

/** Fields by their names. */
export type Shape = Readonly<Record<string, FieldType>>;

type ValueOf<Type extends FieldType> = Type extends 'text' | 'digest'
  ? string
  : Type extends 'text?' | 'digest?'
    ? string | null
    : Type extends 'texts'
      ? readonly string[]
      : Type extends 'integer' | 'number'
        ? number
        : Type extends 'integer?'
          ? number | null
          : Type extends 'boolean'
            ? boolean
            : unknown;

/** The values of a shape. */
export type ValuesOf<Fields extends Shape> = {
  readonly [Name in keyof Fields]: ValueOf<Fields[Name]>;
};

/**
 * A value as canonical JSON.
 *
 * @throws {RingfenceError} `RF_USAGE` for what JSON can't say: NaN, infinity, cycles, lone surrogates,
 * `undefined`
 */
export function canonical(value: unknown): string {
  let text: string | undefined;
  let cause: unknown;
  try {
    text = canonicalize(value);
  } catch (error) {
    cause = error;
  }
  if (text === undefined) {
    throw new RingfenceError(
      'RF_USAGE',
      'Cannot write the value as canonical JSON: it has a number, text or cycle that JSON does not have.',
      {},
      { cause },
    );
  }
  return text;
}

/** SHA-256 of bytes, or of a text's UTF-8, in hexadecimal: what stands in an event for a secret or a body. */
export function digestOf(content: string | Uint8Array): string {
  return hash('sha256', content);
}

/** Text as an event holds it: well-formed, and cut where it is longer than an event's texts may be. */
function textJson(value: string): string {
  const cut =
    value.length > TEXT_CHARACTERS_MAX ? `${value.slice(0, TEXT_CHARACTERS_MAX - 1)}…` : value;
  return JSON.stringify(cut.isWellFormed() ? cut : cut.toWellFormed());
}

function textsJson(values: readonly string[]): string {
  const shown = values.slice(0, TEXTS_MAX).map(textJson);
  if (values.length > TEXTS_MAX) {
    shown[TEXTS_MAX - 1] = textJson(`… ${values.length - TEXTS_MAX + 1} more`);
  }
  return `[${shown.join(',')}]`;
}

/** JSON that is canonical already: who makes one has seen to that. */
export class CanonicalJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** How deep JSON is: what stands in texts is no bracket. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [bracket] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{\]}]/g)) {
    if (bracket === '[' || bracket === '{') {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (bracket === ']' || bracket === '}') {
      depth -= 1;
    }
  }
  return deepest;
}

/** Free JSON as an event holds it: itself where it is short and JSON has it, else what it is known by. */
export function freeJson(value: unknown): string {
  let text: string;
  try {
    text = value instanceof CanonicalJson ? value.text : canonical(value);
  } catch {
    return '{"omitted":"not canonical JSON"}';
  }
  // A UTF-16 unit is three bytes at most: most texts are short by their length alone.
  const isShort = text.length * 3 <= JSON_BYTES_MAX || Buffer.byteLength(text) <= JSON_BYTES_MAX;
  return isShort && (value instanceof CanonicalJson || depthOf(text) <= JSON_DEPTH_MAX)
    ? text
    : `{"bytes":${Buffer.byteLength(text)},"sha256":"${digestOf(text)}"}`;
}

const DIGEST = /^[0-9a-f]{64}$/;

type Writer = (value: unknown) => string | null;

const WRITERS: Readonly<Record<string, Writer>> = {
  text: (value) => (typeof value === 'string' ? textJson(value) : null),
  texts: (value) =>
    Array.isArray(value) && value.every((item) => typeof item === 'string')
      ? textsJson(value)
      : null,
  integer: (value) => (Number.isSafeInteger(value) ? String(Number(value)) : null),
  number: (value) => (Number.isFinite(value) ? String(Number(value)) : null),
  boolean: (value) => (typeof value === 'boolean' ? String(value) : null),
  digest: (value) => (typeof value === 'string' && DIGEST.test(value) ? `"${value}"` : null),
  json: freeJson,
};

const OPTIONAL = /\?$/;

interface Step {
  readonly name: string;
  /** The bytes before the value: separator, quoted name, colon. */
  readonly before: string;
  readonly write: Writer;
}

/** By UTF-16 code units, as RFC 8785 3.2.3 has it. */
const byCodeUnits = (one: string, other: string): number => (one < other ? -1 : 1);

/**
 * A writer of objects of one shape, their names in order.
 *
 * It throws `RF_USAGE`, with the field's name, for a value of another type than the shape's. What the
 * shape does not name is not written.
 */
export function shapeWriter(what: string, shape: Shape): (values: object) => string {
  const steps: Step[] = Object.keys(shape)
    .sort(byCodeUnits)
    .map((name, index) => {
      const type = shape[name] as FieldType;
      const write = WRITERS[type.replace(OPTIONAL, '')] as Writer;
      return {
        name,
        before: `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`,
        write: OPTIONAL.test(type) ? (value) => (value === null ? 'null' : write(value)) : write,
      };
    });
  if (steps.length === 0) {
    return () => '{}';
  }
  return (values) => {
    let text = '';
    for (const { name, before, write } of steps) {
      const value = write((values as Record<string, unknown>)[name]);
      if (value === null) {
        throw new RingfenceError(
          'RF_USAGE',
          `Cannot record '${what}' as its '${name}' is not a value of type '${shape[name]}': see docs/audit-format.md.`,
          { kind: what, field: name },
        );
      }
      text += before + value;
    }
    return `${text}}`;
  };
}
