/**
 * Scopes of tools: which names one has, and what the arguments of each have to be.
 *
 * That one schema takes all that another takes can't be decided in general. It is answered only where it is
 * seen: nothing is asked of the wide side, or all that is asked there is asked, in the same canonical text,
 * on the narrow side too. What two scopes have in common has to fit the schemas of both.
 */

import { createHash } from 'node:crypto';
import type { ArgumentScope, ToolScope } from './grant.ts';

const NO_NAMES: ReadonlySet<string> = new Set();

/** Whether a scope of tools reaches a name: deny beats allow. */
export function hasTool(scope: ToolScope, name: string): boolean {
  return (scope.allow === 'all' || scope.allow.has(name)) && !scope.deny.has(name);
}

/** The names that are allowed and not denied; null: all but those that are denied. */
export function toolNames({ allow, deny }: ToolScope): Set<string> | null {
  return allow === 'all' ? null : new Set([...allow].filter((name) => !deny.has(name)));
}

/** A scope of these tools, whatever their arguments. */
export const onlyTools = (names: Iterable<string>): ToolScope => ({
  allow: new Set(names),
  deny: NO_NAMES,
});

/** The schemas that the arguments of a tool have to fit, each of them; canonical. */
export function schemasOf({ narrowed = [] }: ToolScope, name: string): string[] {
  return narrowed.flatMap(({ tool, schema }) => (tool === name ? [schema] : []));
}

/** The tools of which arguments have to be something. */
export function narrowedTools({ narrowed = [] }: ToolScope): string[] {
  return [...new Set(narrowed.map(({ tool }) => tool))];
}

/** Whether all that a wide scope asks of a tool's arguments is asked by a narrow one: that much is proved. */
export function isNarrowedBy(wide: ToolScope, narrow: ToolScope, name: string): boolean {
  const asked = new Set(schemasOf(narrow, name));
  return schemasOf(wide, name).every((schema) => asked.has(schema));
}

const keyOf = ({ tool, schema }: ArgumentScope): string => JSON.stringify([tool, schema]);

/** A scope with what arguments have to be: once each, in one order, and only of tools that it reaches. */
export function withNarrowed(scope: ToolScope, narrowed: readonly ArgumentScope[]): ToolScope {
  const { narrowed: _, ...rest } = scope;
  const kept = new Map(
    narrowed.filter(({ tool }) => hasTool(scope, tool)).map((each) => [keyOf(each), each]),
  );
  return kept.size === 0
    ? rest
    : { ...rest, narrowed: [...kept.keys()].sort().map((key) => kept.get(key) as ArgumentScope) };
}

/** Hexadecimal digits by which an agent names a schema that it was given. */
const DIGEST_DIGITS = 16;

/** How an agent names a tool of which the arguments have to fit a schema. */
export const wordOfArguments = ({ tool, schema }: ArgumentScope): string =>
  `${tool}#${createHash('sha256').update(schema).digest('hex').slice(0, DIGEST_DIGITS)}`;

/** Whether a word may name a tool with a schema. */
export const mayNameArguments = (word: string): boolean => /#[0-9a-f]{16}$/.test(word);
