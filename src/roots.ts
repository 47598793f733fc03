/** The directories that a spawn mounts: opened before they are checked, so that what is checked is what is used. */

import type { GrantSpec } from './capability/grant.ts';
import type { OpenRoot } from './supervisor/supervisor.ts';
import { openRoot } from './wasm/host/files/root.ts';

/** What is granted, with the canonical paths of its directories, and these directories, open. */
export interface OpenedGrants {
  readonly specs: readonly GrantSpec[];
  /** By where the guest finds them. */
  readonly roots: ReadonlyMap<string, OpenRoot>;
}

/** Closes directories that are not needed after all. */
export function closeRoots(roots: ReadonlyMap<string, OpenRoot>): void {
  for (const root of roots.values()) {
    root.close();
  }
}

/**
 * Opens the directories of the host that are mounted. `parents` are those of the agent that asks.
 *
 * @throws {RingfenceError} `RF_FILE` for one that isn't there or is no directory; none stays open then.
 */
export function openRoots(
  given: readonly GrantSpec[],
  parents: ReadonlyMap<string, OpenRoot> | null = null,
): OpenedGrants {
  const roots = new Map<string, OpenRoot>();
  try {
    const specs = given.map((spec): GrantSpec => {
      if (spec.kind !== 'files' || spec.scope.source.kind !== 'host') {
        return spec;
      }
      // A child's directory is its parent's, by the descriptor: whatever its name leads to by now.
      const parent = parents?.get(spec.scope.guest);
      const root = openRoot(
        parent === undefined ? spec.scope.source.path : `/proc/self/fd/${parent.fd}`,
      );
      roots.set(spec.scope.guest, root);
      const source = { kind: 'host', path: root.canonicalPath } as const;
      return { ...spec, scope: { ...spec.scope, source } };
    });
    return { specs, roots };
  } catch (error) {
    closeRoots(roots);
    throw error;
  }
}
