/** Tells when files of a project have changed, those that are written in several steps once. */

import { basename, relative, sep } from 'node:path';
import type { FSWatcher } from 'chokidar';

/** Nothing else has changed for so long: editors and version control write many files at a time. */
const QUIET_MS = 100;
/** It is told at the latest so long after the first change. */
const TOLD_MS_MAX = 2_000;
/** Paths of one change that are kept to be told. */
const PATHS_MAX = 1_000;

/** Folders that no source is in: what tools make of it, and their own. */
const NO_SOURCE: ReadonlySet<string> = new Set(['build', 'target', 'node_modules']);

/** Files that changed together. */
export interface Change {
  /** Paths from the project's folder, sorted, 1,000 at the most. */
  readonly paths: readonly string[];
}

/** Watches a project's folder, from when it is opened until it is closed. */
export class ProjectWatch {
  readonly #folder: string;
  readonly #watcher: FSWatcher;
  readonly #paths = new Set<string>();
  #waiting: ((change: Change) => void) | null = null;
  #quiet: NodeJS.Timeout | null = null;
  #firstAtMs = 0;

  private constructor(folder: string, watcher: FSWatcher) {
    this.#folder = folder;
    this.#watcher = watcher;
    watcher.on('all', (_event, path) => this.#changed(path));
  }

  /** Resolves when each change from now on is seen. `failed` hears of folders that can't be watched. */
  static async open(folder: string, failed: (error: unknown) => void): Promise<ProjectWatch> {
    // Only who watches waits for it to load.
    const { watch } = await import('chokidar');
    const watcher = watch(folder, {
      ignoreInitial: true,
      // A link may lead out of the project, or to itself.
      followSymlinks: false,
      // An editor that puts another file in the place of one has changed it.
      atomic: true,
      ignored: (path) => path !== folder && isNoSource(basename(path)),
    });
    watcher.on('error', failed);
    await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
    return new ProjectWatch(folder, watcher);
  }

  /** Resolves with what has changed since it was told last; at once where that is settled already. */
  next(): Promise<Change> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      if (this.#paths.size > 0 && this.#quiet === null) this.#tell();
    });
  }

  async close(): Promise<void> {
    if (this.#quiet !== null) clearTimeout(this.#quiet);
    this.#waiting = null;
    await this.#watcher.close();
  }

  #changed(path: string): void {
    if (this.#paths.size === 0) this.#firstAtMs = performance.now();
    if (this.#paths.size < PATHS_MAX) {
      this.#paths.add(relative(this.#folder, path).split(sep).join('/') || '.');
    }
    if (this.#quiet !== null) clearTimeout(this.#quiet);
    const leftMs = this.#firstAtMs + TOLD_MS_MAX - performance.now();
    this.#quiet = setTimeout(
      () => {
        this.#quiet = null;
        this.#tell();
      },
      Math.max(0, Math.min(QUIET_MS, leftMs)),
    );
  }

  #tell(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    const paths = [...this.#paths].sort();
    this.#paths.clear();
    waiting({ paths });
  }
}

/** Files that editors write beside the one that is edited are none of the project's. */
const isNoSource = (name: string): boolean =>
  NO_SOURCE.has(name) || name.startsWith('.') || name.endsWith('~');
