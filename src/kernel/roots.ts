/**
 * The directories that a spawn mounts: opened before they are checked, so that what is checked is what
 * is used. A child's are its parent's, however many children there are: they cost no descriptor more.
 */

import type { GrantSpec } from '../capability/grant.ts';
import type { OpenRoot } from '../supervisor/process.ts';
import { type OpenedRoot, openRoot } from '../wasm/host/files/root.ts';

/** A directory that is open, and how many agents have it: it is closed with the last of them. */
interface Shared {
  readonly opened: OpenedRoot;
  users: number;
}

/**
 * What one agent has of an open directory. It is given back once, however often it is closed: a spawn
 * that fails half way is cleaned up by the supervisor and by its caller, and a directory that was given
 * back twice would be closed under the agent that shares it, who would then use whatever gets its number.
 */
class SharedRoot implements OpenRoot {
  readonly #shared: Shared;
  #isOpen = true;

  private constructor(shared: Shared) {
    this.#shared = shared;
    shared.users += 1;
  }

  static of(opened: OpenedRoot): SharedRoot {
    return new SharedRoot({ opened, users: 0 });
  }

  get fd(): number {
    return this.#shared.opened.fd;
  }

  /** The same directory for another agent; null: it was given back already. */
  share(): SharedRoot | null {
    return this.#isOpen ? new SharedRoot(this.#shared) : null;
  }

  close(): void {
    if (!this.#isOpen) {
      return;
    }
    this.#isOpen = false;
    this.#shared.users -= 1;
    if (this.#shared.users === 0) {
      this.#shared.opened.close();
    }
  }
}

/** What is granted, with the canonical paths of its directories, and these directories, open. */
export interface OpenedGrants {
  readonly specs: readonly GrantSpec[];
  /** By where the guest finds them. */
  readonly roots: ReadonlyMap<string, OpenRoot>;
}

/** Most agents have none. */
const NO_ROOTS: ReadonlyMap<string, OpenRoot> = new Map();

/** Closes directories that are not needed after all. */
export function closeRoots(roots: ReadonlyMap<string, OpenRoot>): void {
  for (const root of roots.values()) {
    root.close();
  }
}

/**
 * Opens the directories of the host that are mounted.
 *
 * @throws {RingfenceError} `RF_FILE` for one that isn't there or is no directory; none stays open then.
 */
export function openRoots(given: readonly GrantSpec[]): OpenedGrants {
  if (given.every(({ kind }) => kind !== 'files')) return { specs: given, roots: NO_ROOTS };
  const roots = new Map<string, OpenRoot>();
  try {
    const specs = given.map((spec): GrantSpec => {
      if (spec.kind !== 'files' || spec.scope.source.kind !== 'host') {
        return spec;
      }
      const opened = openRoot(spec.scope.source.path);
      roots.set(spec.scope.guest, SharedRoot.of(opened));
      const source = { kind: 'host', path: opened.canonicalPath } as const;
      return { ...spec, scope: { ...spec.scope, source } };
    });
    return { specs, roots };
  } catch (error) {
    closeRoots(roots);
    throw error;
  }
}

/**
 * Grants as a spawn would have them: its directories by the canonical paths that are mounted.
 *
 * @throws {RingfenceError} `RF_FILE` for a directory that isn't there, can't be read or is none: what
 * the spawn throws.
 */
export function resolveMounts(given: readonly GrantSpec[]): readonly GrantSpec[] {
  const { specs, roots } = openRoots(given);
  closeRoots(roots);
  return specs;
}

/**
 * The directories of a child that names some of its parent's: the same ones, by their descriptors,
 * whatever their names lead to by now.
 */
export function shareRoots(
  specs: readonly GrantSpec[],
  parents: ReadonlyMap<string, OpenRoot>,
): OpenedGrants {
  const roots = new Map<string, OpenRoot>();
  for (const { kind, scope } of specs) {
    if (kind === 'files' && scope.source.kind === 'host' && !roots.has(scope.guest)) {
      const above = parents.get(scope.guest);
      const root = above instanceof SharedRoot ? above.share() : null;
      if (root !== null) {
        roots.set(scope.guest, root);
      }
    }
  }
  return { specs, roots };
}
