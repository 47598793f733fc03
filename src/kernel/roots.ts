/**
 * The directories that a spawn mounts: opened before they are checked, so that what is checked is what
 * is used. A child's are its parent's, however many children there are: they cost no descriptor more.
 */

import type { GrantSpec } from '../capability/grant.ts';
import type { OpenRoot } from '../supervisor/process.ts';
import { type OpenedRoot, openRoot } from '../wasm/host/files/root.ts';

/** An open directory; closed with the last agent that has it. */
class SharedRoot implements OpenRoot {
  readonly #opened: OpenedRoot;
  #users = 1;

  constructor(opened: OpenedRoot) {
    this.#opened = opened;
  }

  get fd(): number {
    return this.#opened.fd;
  }

  share(): this {
    this.#users += 1;
    return this;
  }

  close(): void {
    this.#users -= 1;
    if (this.#users === 0) {
      this.#opened.close();
    }
  }
}

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
 * Opens the directories of the host that are mounted.
 *
 * @throws {RingfenceError} `RF_FILE` for one that isn't there or is no directory; none stays open then.
 */
export function openRoots(given: readonly GrantSpec[]): OpenedGrants {
  const roots = new Map<string, OpenRoot>();
  try {
    const specs = given.map((spec): GrantSpec => {
      if (spec.kind !== 'files' || spec.scope.source.kind !== 'host') {
        return spec;
      }
      const opened = openRoot(spec.scope.source.path);
      roots.set(spec.scope.guest, new SharedRoot(opened));
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
      const root = parents.get(scope.guest);
      if (root instanceof SharedRoot) {
        roots.set(scope.guest, root.share());
      }
    }
  }
  return { specs, roots };
}
