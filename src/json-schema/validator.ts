/**
 * Compiles JSON schemas and says where a value does not fit.
 *
 * By ajv, for drafts 2020-12 and 7. Schemas are the program's, the policy's, or of a server that the program
 * offers tools; values are an attacker's. So that no value takes more time than its length times the
 * schema's, nor more than about a second: patterns run by RE2 (linear, no lookaround, no backreferences),
 * `uniqueItems` compares by canonical text, the work of both is counted, so is the product of what the schema
 * and the value have, and what `caps.ts` refuses never gets here. `format` is an annotation, as 2020-12 has it.
 */

import { createRequire } from 'node:module';
import type { Ajv, ErrorObject, KeywordDefinition, Options } from 'ajv';
import { RingfenceError } from '../errors.ts';
import { measureSchema } from './caps.ts';
import { canonicalJson, hasMoreThan } from './text.ts';

/** Where a value does not fit, and how. */
export interface Misfit {
  /** A JSON pointer, of names that are the value's own or the schema's; empty: the value as a whole. */
  readonly path: string;
  /** What it must be, by the schema's own words. */
  readonly message: string;
}

/** Answers null where a value fits. */
export type Validator = (value: unknown) => Misfit | null;

export interface CompileOptions {
  /** False: keywords that nobody knows are ignored. @default true */
  readonly strict?: boolean;
}

/** Characters of a text that patterns are tried on: a longer one fits no schema that has a pattern for it. */
const PATTERN_TEXT_CHARACTERS_MAX = 64 * 1024;
const PATTERN_CHARACTERS_MAX = 1_024;
/** Characters of what is said to whom passed a value. */
const SAID_CHARACTERS_MAX = 200;

/** Ajv and RE2 take about 0.1 s to load: only who has a schema waits for it. */
const require = createRequire(import.meta.url);

/**
 * What checking one value may take: of patterns characters times instructions, of `uniqueItems` characters
 * that are compared. RE2 in JavaScript does about 4 × 10⁷ a second (measured, Node 26).
 */
const WORK_MAX = 32_000_000;
/**
 * Values of a value, 16 characters of a text counted as one, times the schemas and constants of its schema: a
 * comparison takes about 4 ns (measured, Node 26).
 */
const COMPARISONS_MAX = 64_000_000;

class PatternTextTooLong extends Error {}
class TooMuchWork extends Error {}

/** What is left of {@link WORK_MAX} for the value that is checked. */
class Work {
  #left = 0;

  begin(): void {
    this.#left = WORK_MAX;
  }

  take(amount: number): void {
    this.#left -= amount;
    if (this.#left < 0) {
      throw new TooMuchWork();
    }
  }
}

/** A pattern as ajv asks for it. */
function regExp(pattern: string, work: Work): { test(text: string): boolean; toString(): string } {
  if (pattern.length > PATTERN_CHARACTERS_MAX) {
    throw new Error(`a pattern has more than ${PATTERN_CHARACTERS_MAX} characters`);
  }
  const { RE2JS } = require('re2js') as typeof import('re2js');
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  const instructions = compiled.programSize();
  return {
    // By this ajv tells one from another.
    toString: () => `RE2 ${pattern}`,
    test(text) {
      if (text.length > PATTERN_TEXT_CHARACTERS_MAX) {
        // Not 'does not match': within a `not` that would let it pass.
        throw new PatternTextTooLong();
      }
      work.take((text.length + 1) * instructions);
      return compiled.matcher(text).find();
    },
  };
}

/** Ajv's own compares each item of a list with each. */
const uniqueItems = (work: Work): KeywordDefinition => ({
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  errors: false,
  validate(isWanted: boolean, items: readonly unknown[]) {
    if (!isWanted) {
      return true;
    }
    const texts = items.map((item) => {
      const text = canonicalJson(item);
      work.take(text.length);
      return text;
    });
    return new Set(texts).size === items.length;
  },
});

type Draft = '2020-12' | '7';

const ajvOf = (draft: Draft): (new (options: Options) => Ajv) =>
  (
    (draft === '7' ? require('ajv') : require('ajv/dist/2020.js')) as {
      default: new (options: Options) => Ajv;
    }
  ).default;

/** A compiler of one schema: one that is used again keeps parts of all that it has compiled. */
function compilerOf(draft: Draft, strict: boolean, work: Work): Ajv {
  const patterns = Object.assign((pattern: string) => regExp(pattern, work), { code: 'refused' });
  const ajv = new (ajvOf(draft))({
    strict,
    // What every field's type is need not be said twice.
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allowUnionTypes: true,
    validateFormats: false,
    logger: false,
    ownProperties: true,
    meta: false,
    validateSchema: false,
    code: { regExp: patterns },
  });
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword(uniqueItems(work));
  return ajv;
}

/** What checks schemas by the schema of their draft: made once, for that takes long; it keeps nothing of them. */
const checkers = new Map<Draft, Ajv>();

function checkerOf(draft: Draft): Ajv {
  const made = checkers.get(draft) ?? new (ajvOf(draft))({ validateFormats: false, logger: false });
  checkers.set(draft, made);
  return made;
}

const DRAFTS: ReadonlyMap<string, Draft> = new Map([
  ['https://json-schema.org/draft/2020-12/schema', '2020-12'],
  ['https://json-schema.org/draft/2019-09/schema', '2020-12'],
  ['http://json-schema.org/draft-07/schema', '7'],
]);

function draftOf(schema: Readonly<Record<string, unknown>>): Draft {
  const { $schema } = schema;
  const draft =
    $schema === undefined
      ? '2020-12'
      : DRAFTS.get(typeof $schema === 'string' ? $schema.replace(/#$/, '') : '');
  if (draft === undefined) {
    throw refusal("its '$schema' is neither draft 2020-12 nor draft 7: write it for one of these");
  }
  return draft;
}

const refusal = (why: string): RingfenceError =>
  new RingfenceError('RF_USAGE', `Cannot use the JSON schema: ${why}.`);

/** Not what does not fit: within a `not` that would let it pass. */
const TOO_MUCH_WORK: Misfit = {
  path: '',
  message: 'has more in it than is checked against so large a schema',
};

const cut = (text: string): string => text.slice(0, SAID_CHARACTERS_MAX);

function misfitOf({ instancePath, keyword, message, params }: ErrorObject): Misfit {
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
      return {
        path: cut(`${instancePath}/${String(params.missingProperty)}`),
        message: 'is missing',
      };
    case 'additionalProperties':
      return {
        path: cut(`${instancePath}/${String(params.additionalProperty)}`),
        message: 'is not known',
      };
    case 'unevaluatedProperties':
      return {
        path: cut(`${instancePath}/${String(params.unevaluatedProperty)}`),
        message: 'is not known',
      };
    case 'uniqueItems':
      return { path: cut(instancePath), message: 'must not have an item twice' };
    default:
      return { path: cut(instancePath), message: cut(message ?? 'does not fit') };
  }
}

/**
 * Compiles a schema.
 *
 * @throws {RingfenceError} `RF_USAGE` for one that is not taken, with the reason.
 *
 * @example
 * ```ts
 * const validate = compileSchema({ type: 'object', properties: { a: { type: 'number' } } });
 * validate({ a: 'x' }); // { path: '/a', message: 'must be number' }
 * ```
 */
export function compileSchema(given: unknown, { strict = true }: CompileOptions = {}): Validator {
  const measured = measureSchema(given);
  if ('problem' in measured) {
    throw refusal(measured.problem);
  }
  const valuesMax = Math.floor(COMPARISONS_MAX / measured.weight);
  const work = new Work();
  // A copy: what the caller does to its own later changes nothing.
  const { $schema, ...schema } = structuredClone(given) as Record<string, unknown>;
  const draft = draftOf({ $schema });
  const checker = checkerOf(draft);
  if (checker.validateSchema(schema) !== true) {
    throw refusal(cut(checker.errorsText(checker.errors, { dataVar: 'schema' })));
  }
  let validate: ReturnType<Ajv['compile']>;
  try {
    validate = compilerOf(draft, strict, work).compile(schema);
  } catch (error) {
    throw refusal(cut(error instanceof Error ? error.message : String(error)).replace(/\.$/, ''));
  }
  if ('$async' in validate) {
    throw refusal("it has '$async': leave it out");
  }
  return (value) => {
    if (hasMoreThan(value, valuesMax)) {
      return TOO_MUCH_WORK;
    }
    work.begin();
    try {
      if (validate(value)) {
        return null;
      }
    } catch (error) {
      if (error instanceof PatternTextTooLong) {
        return {
          path: '',
          message: `has a text of more than ${PATTERN_TEXT_CHARACTERS_MAX} characters where one is tried on a pattern`,
        };
      }
      if (error instanceof TooMuchWork) {
        return TOO_MUCH_WORK;
      }
      throw error;
    }
    const [first] = validate.errors ?? [];
    return first === undefined ? { path: '', message: 'does not fit' } : misfitOf(first);
  };
}
