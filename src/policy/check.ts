/** Finds all that is wrong with what a policy file says. */

import type * as z from 'zod';
import { problemsOf } from '../capability/problems.ts';
import { contradictions, type Found } from './contradictions.ts';
import { type Located, placeOf, plainOf, type Reading, unusable } from './located.ts';
import type { PolicyProblem } from './problem.ts';
import { defaultsSchema, moduleSchema, type PolicyFile, policySchema } from './schema.ts';

/** A file that can be used, and what its author may not have meant; or what is wrong. */
export type Checked =
  | { readonly file: PolicyFile; readonly root: Located }
  | { readonly file: null; readonly problems: readonly PolicyProblem[] };

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a table',
  record: 'a table',
};

/** What zod finds, in the words of this file; what isn't here has its schema's own words. */
function words(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'it is missing'
        : `write ${TYPE_WORDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return issue.input === undefined && issue.values.length === 1
        ? `it is missing: write ${JSON.stringify(issue.values[0])}`
        : `write ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_small':
      return `${amountOf(issue.origin, Number(issue.minimum))} at least`;
    case 'too_big':
      return `${amountOf(issue.origin, Number(issue.maximum))} at most`;
    case 'invalid_key':
      return issue.issues[0]?.message;
    default:
      return undefined;
  }
}

function amountOf(origin: string, amount: number): string {
  const unit = { string: ' characters', array: ' entries' }[origin] ?? '';
  return `${amount}${unit} are needed`.replace(
    ' are needed',
    unit === '' ? ' is allowed' : ' are allowed',
  );
}

/** `module.limits.fuel`: the place says which module. */
const named = (path: readonly PropertyKey[]): string =>
  path
    .filter((segment) => typeof segment !== 'number')
    .map(String)
    .join('.')
    .slice(0, 200);

function located(root: Located, { path, message, of = 'value' }: Found): PolicyProblem {
  const name = named(path);
  return { ...placeOf(root, path, of), message: name === '' ? message : `'${name}': ${message}` };
}

/** Problems of the schema, an unknown key each at its own place. */
function misfits(error: z.ZodError): Found[] {
  return problemsOf(error).flatMap(({ path, message, keys }): Found[] =>
    keys === undefined
      ? [{ path, message }]
      : keys.map((key) => ({ path: [...path, key], message: 'there is no such key', of: 'key' })),
  );
}

/** Sections that are right in themselves are looked through even where others are not. */
function rightOnes(plain: unknown): PolicyFile {
  const { defaults, module } = Object(plain) as { defaults?: unknown; module?: unknown };
  const right = defaultsSchema.safeParse(defaults);
  return {
    version: 1,
    ...(right.success ? { defaults: right.data } : {}),
    // What isn't right keeps its number, and says nothing.
    module: (Array.isArray(module) ? module : []).map(
      (entry) => moduleSchema.safeParse(entry).data ?? WRONG,
    ),
  };
}

/** Stands for an entry that is wrong already. */
const WRONG = { match: '*', isWrong: true };

/** Checks what was read. */
export function check(reading: Reading): Checked {
  if (reading.root === null) {
    return { file: null, problems: reading.problems };
  }
  const { root } = reading;
  const unreadable = unusable(root);
  if (unreadable.length > 0) {
    return { file: null, problems: unreadable };
  }
  const plain = plainOf(root);
  const parsed = policySchema.safeParse(plain, { error: words });
  const found = [
    ...(parsed.success ? [] : misfits(parsed.error)),
    ...contradictions(parsed.success ? parsed.data : rightOnes(plain)),
  ];
  return parsed.success && found.length === 0
    ? { file: parsed.data, root }
    : { file: null, problems: found.map((each) => located(root, each)) };
}
