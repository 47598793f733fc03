/**
 * The scopes of grants: what one reaches, and how two of a kind compare.
 *
 * What reaches is asked by the gate at each host call: it allocates nothing.
 */

import { ALGEBRA } from './algebra.ts';
import { hasTool } from './arguments.ts';
import type { GrantKind, IpcScope, NameScope, Scopes, ToolScope } from './grant.ts';
import { hasItem } from './names.ts';

/**
 * Whether all that a scope reaches is reached by a wide one too, for the same holder. What is empty is
 * within everything. Where a guest finds a directory makes no difference.
 *
 * @example
 * ```ts
 * covers('services', { names: 'all' }, { names: new Set(['clock']) }); // true
 * ```
 */
export function covers<Kind extends GrantKind>(
  kind: Kind,
  wide: Scopes[Kind],
  narrow: Scopes[Kind],
): boolean {
  const algebra = ALGEBRA[kind];
  return algebra.isEmpty(narrow) || algebra.covers(wide, narrow);
}

/**
 * What two scopes have in common: the widest that both cover. Null: nothing. Of two directories it is
 * the inner one where its own scope has it; where both are the same, where the second has it.
 */
export function intersect<Kind extends GrantKind>(
  kind: Kind,
  one: Scopes[Kind],
  other: Scopes[Kind],
): Scopes[Kind] | null {
  const algebra = ALGEBRA[kind];
  const both = algebra.intersect(one, other);
  return both === null || algebra.isEmpty(both) ? null : both;
}

/**
 * Whether a scope reaches nothing, so that a grant of it is none. An ipc scope never is: whoever has
 * one may receive.
 */
export function isEmpty<Kind extends GrantKind>(kind: Kind, scope: Scopes[Kind]): boolean {
  return ALGEBRA[kind].isEmpty(scope);
}

/** Whether messages may go to a pid; `parentPid` is who spawned the holder. */
export function reachesPid(scope: IpcScope, pid: number, parentPid: number): boolean {
  return (scope.parent && pid === parentPid) || scope.pids === 'all' || scope.pids.has(pid);
}

/** Whether a topic may be published to and subscribed. */
export function reachesTopic(scope: IpcScope, topic: string): boolean {
  return scope.topics === 'all' || scope.topics.has(topic);
}

/** Whether a tool may be called, with arguments that fit its schemas: deny beats allow. */
export function reachesTool(scope: ToolScope, name: string): boolean {
  return hasTool(scope, name);
}

/** Whether names have one, as it is written: a `*` is a name like any other. */
export function reachesName(scope: NameScope, name: string): boolean {
  return hasItem(scope, name);
}
