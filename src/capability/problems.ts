/** What a schema finds wrong with grants, in sentences for whoever wrote them. */

import type * as z from 'zod';

/** One thing that is wrong. */
export interface Problem {
  /** Where: field by field, from the outside. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Names of fields in it that nobody knows. */
  readonly unknown?: readonly string[];
}

type Issue = z.core.$ZodIssue;

/** How deep a form was understood, and then how little is wrong with it: which form was meant. */
function rank(issues: readonly Issue[]): number {
  const depth = Math.max(0, ...issues.map(({ path }) => path.length));
  const unknown = issues.some(({ code }) => code === 'unrecognized_keys') ? 1 : 0;
  return depth * 100 - unknown * 50 - Math.min(issues.length, 49);
}

function flatten(issue: Issue, above: readonly PropertyKey[]): Problem[] {
  const path = [...above, ...issue.path];
  if (issue.code !== 'invalid_union') {
    const unknown = issue.code === 'unrecognized_keys' ? { unknown: issue.keys } : {};
    return [{ path, message: issue.message, ...unknown }];
  }
  // Forms of the right type that are wrong inside; of a text or number nothing more can be said.
  const meant = issue.errors
    .filter((issues) => issues.some((each) => each.path.length > 0 || each.code !== 'invalid_type'))
    .filter((issues) =>
      issues.every(
        ({ code, path: inner }) =>
          inner.length > 0 || code === 'unrecognized_keys' || code === 'custom',
      ),
    )
    .sort((one, other) => rank(other) - rank(one))[0];
  return meant === undefined
    ? [{ path, message: issue.message }]
    : meant.flatMap((inner) => flatten(inner, path));
}

/** All that is wrong, each at the innermost field that is; of a choice of forms, by the one that was meant. */
export function problemsOf(error: z.ZodError): Problem[] {
  return error.issues.flatMap((issue) => flatten(issue, []));
}
