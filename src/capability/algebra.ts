/** For each kind of grant: when one scope is within another, what two have in common, and what is empty. */

import {
  hasTool,
  isNarrowedBy,
  narrowedTools,
  onlyTools,
  toolNames,
  withNarrowed,
} from './arguments.ts';
import type { FilesScope, GrantKind, IpcScope, Scopes, SpawnScope, ToolScope } from './grant.ts';
import { coversItems, intersectItems, isNone, withoutItems } from './names.ts';
import { NETWORK_ALGEBRA } from './network.ts';

/** What can be said about the scopes of one kind; all of one holder. */
export interface Algebra<Scope> {
  /** Whether all that `narrow`, which is not empty, reaches is reached by `wide`. */
  covers(wide: Scope, narrow: Scope): boolean;
  /** What both reach; it can be empty. Null: nothing, and it can't be written as a scope. */
  intersect(one: Scope, other: Scope): Scope | null;
  /** Whether nothing is reached: it is as if there were no grant. */
  isEmpty(scope: Scope): boolean;
  /**
   * What is left of a scope when a part of it is taken out; absent: it can't be divided. Where nothing
   * is left that is empty, or {@link isReceiveOnly}.
   */
  without?(scope: Scope, part: Scope): Scope;
}

const never = (): boolean => false;

/** Names of one set, kept under `field`. */
function ofNames<Field extends string>(
  field: Field,
): Algebra<{ readonly [Each in Field]: 'all' | ReadonlySet<string> }> {
  type Scope = { readonly [Each in Field]: 'all' | ReadonlySet<string> };
  const scope = (names: 'all' | ReadonlySet<string>) => ({ [field]: names }) as Scope;
  return {
    covers: (wide, narrow) => coversItems(wide[field], narrow[field]),
    intersect: (one, other) => scope(intersectItems(one[field], other[field])),
    isEmpty: (of) => isNone(of[field]),
    without: (of, part) => scope(withoutItems(of[field], part[field])),
  };
}

const ipc: Algebra<IpcScope> = {
  covers: (wide, narrow) =>
    coversItems(wide.pids, narrow.pids) &&
    coversItems(wide.topics, narrow.topics) &&
    (!narrow.parent || wide.parent || wide.pids === 'all'),
  intersect: (one, other) => ({
    pids: intersectItems(one.pids, other.pids),
    parent:
      (one.parent && (other.parent || other.pids === 'all')) ||
      (other.parent && one.pids === 'all'),
    topics: intersectItems(one.topics, other.topics),
  }),
  // Whoever has it may receive, even where it may send to nobody.
  isEmpty: never,
  without: (scope, part) => ({
    pids: withoutItems(scope.pids, part.pids),
    parent: scope.parent && !part.parent && part.pids !== 'all',
    topics: withoutItems(scope.topics, part.topics),
  }),
};

const tools: Algebra<ToolScope> = {
  covers(wide, narrow) {
    const names = toolNames(narrow);
    return names === null
      ? wide.allow === 'all' &&
          coversItems(narrow.deny, wide.deny) &&
          narrowedTools(wide).every(
            (name) => !hasTool(narrow, name) || isNarrowedBy(wide, narrow, name),
          )
      : [...names].every((name) => hasTool(wide, name) && isNarrowedBy(wide, narrow, name));
  },
  intersect(one, other) {
    const names = toolNames(one) ?? toolNames(other);
    const both =
      names === null
        ? { allow: 'all' as const, deny: new Set([...one.deny, ...other.deny]) }
        : onlyTools([...names].filter((name) => hasTool(one, name) && hasTool(other, name)));
    return withNarrowed(both, [...(one.narrowed ?? []), ...(other.narrowed ?? [])]);
  },
  isEmpty: (scope) => toolNames(scope)?.size === 0,
  without(scope, part) {
    const isTaken = (name: string): boolean =>
      hasTool(part, name) && isNarrowedBy(part, scope, name);
    const narrowed = scope.narrowed ?? [];
    const names = toolNames(scope);
    if (names !== null) {
      return withNarrowed(onlyTools([...names].filter((name) => !isTaken(name))), narrowed);
    }
    const taken = toolNames(part);
    if (taken !== null) {
      const deny = new Set([...scope.deny, ...[...taken].filter(isTaken)]);
      return withNarrowed({ allow: 'all', deny }, narrowed);
    }
    const left = [...part.deny, ...narrowedTools(part)];
    return withNarrowed(
      onlyTools(left.filter((name) => hasTool(scope, name) && !isTaken(name))),
      narrowed,
    );
  },
};

const spawn: Algebra<SpawnScope> = {
  covers: (wide, narrow) =>
    narrow.count <= wide.count &&
    narrow.depth <= wide.depth &&
    coversItems(wide.modules, narrow.modules),
  intersect: (one, other) => ({
    count: Math.min(one.count, other.count),
    modules: intersectItems(one.modules, other.modules),
    depth: Math.min(one.depth, other.depth),
  }),
  isEmpty: ({ count, modules, depth }) => count <= 0 || depth <= 0 || isNone(modules),
  // A part with fewer children or generations is no part of the names alone.
  without: (scope, part) =>
    scope.count <= part.count && scope.depth <= part.depth
      ? { ...scope, modules: withoutItems(scope.modules, part.modules) }
      : scope,
};

/** The segments of an absolute, normal path; null for any other, which is within nothing. */
function segmentsOf(path: string): string[] | null {
  if (!path.startsWith('/')) {
    return null;
  }
  const segments = path === '/' ? [] : path.slice(1).split('/');
  return segments.some((segment) => segment === '' || segment === '.' || segment === '..')
    ? null
    : segments;
}

/** Whether a path is a directory's own, or of something beneath it: by segments, `/data2` is not in `/data`. */
export function isWithin(directory: string, path: string): boolean {
  const above = segmentsOf(directory);
  const segments = segmentsOf(path);
  return (
    above !== null &&
    segments !== null &&
    above.every((segment, index) => segment === segments[index])
  );
}

/** 0 is unlimited, and so the most. */
const isWithinQuota = (most: number, quota: number): boolean =>
  most === 0 || (quota !== 0 && quota <= most);

const lowerQuota = (one: number, other: number): number =>
  one === 0 || other === 0 ? Math.max(one, other) : Math.min(one, other);

/** The one of two mounts that is within the other, as `other` where they are the same place; null: none. */
function innerMount(one: FilesScope, other: FilesScope): FilesScope | null {
  if (one.source.kind === 'memory' || other.source.kind === 'memory') {
    return one.source.kind === other.source.kind ? other : null;
  }
  if (isWithin(one.source.path, other.source.path)) {
    return other;
  }
  return isWithin(other.source.path, one.source.path) ? one : null;
}

const files: Algebra<FilesScope> = {
  covers: (wide, narrow) =>
    (wide.source.kind === 'host' && narrow.source.kind === 'host'
      ? isWithin(wide.source.path, narrow.source.path)
      : wide.source.kind === narrow.source.kind) &&
    (wide.modes.write || !narrow.modes.write) &&
    (wide.modes.create || !narrow.modes.create) &&
    isWithinQuota(wide.quota.bytes, narrow.quota.bytes) &&
    isWithinQuota(wide.quota.files, narrow.quota.files),
  intersect(one, other) {
    const inner = innerMount(one, other);
    return inner === null
      ? null
      : {
          guest: inner.guest,
          source: inner.source,
          modes: {
            write: one.modes.write && other.modes.write,
            create: one.modes.create && other.modes.create,
          },
          quota: {
            bytes: lowerQuota(one.quota.bytes, other.quota.bytes),
            files: lowerQuota(one.quota.files, other.quota.files),
          },
        };
  },
  // It can be read, whatever its modes.
  isEmpty: never,
};

/** The algebra of each kind. */
export const ALGEBRA: { readonly [Kind in GrantKind]: Algebra<Scopes[Kind]> } = {
  ipc,
  network: NETWORK_ALGEBRA,
  tools,
  services: ofNames('names'),
  spawn,
  files,
  clocks: {
    covers: (wide, narrow) => wide.precision === 'exact' || narrow.precision === 'coarse',
    intersect: (one, other) => (one.precision === 'coarse' ? one : other),
    isEmpty: never,
  },
  random: {
    covers: (wide, narrow) => wide.seed === null || wide.seed === narrow.seed,
    intersect: (one, other) =>
      one.seed === null || one.seed === other.seed ? other : other.seed === null ? one : null,
    isEmpty: never,
  },
};

/** Whether an ipc scope may only receive: nobody and no topic can be written to. */
export function isReceiveOnly({ pids, parent, topics }: IpcScope): boolean {
  return isNone(pids) && !parent && isNone(topics);
}
