/**
 * Looks whether there is something in a project that a compiler would wait for. What the source names outside of
 * the project, and what packages have, nobody looks at: compilers have a deadline.
 */

import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { RingfenceError } from '../../errors.ts';

/** Folders that are no source of the project's, beside those that are hidden. */
const NO_SOURCE: ReadonlySet<string> = new Set(['build', 'target', 'node_modules']);

/** Files and folders that are looked at, so that nobody waits for the looking. */
const ENTRIES_MAX = 20_000;

/**
 * Refuses a project that has a pipe or a device among its files, or a link to one.
 *
 * @throws {RingfenceError} `RF_FILE`, with its path from the project's folder
 */
export function requireNoPipes(folder: string): void {
  const folders = [folder];
  let left = ENTRIES_MAX;
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of entriesOf(next)) {
      left -= 1;
      if (left < 0) return;
      if (entry.name.startsWith('.') || NO_SOURCE.has(entry.name)) continue;
      const path = join(next, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (!entry.isFile() && isEndless(path)) throw endless(relative(folder, path));
    }
  }
}

function isEndless(path: string): boolean {
  try {
    const status = statSync(path);
    return status.isFIFO() || status.isCharacterDevice() || status.isBlockDevice();
  } catch {
    return false; // A link to nothing: the compiler says so where it is wanted.
  }
}

const endless = (path: string) =>
  new RingfenceError(
    'RF_FILE',
    `Cannot build with '${path}', which is a pipe or a device that a compiler would wait for: move it out of the project.`,
    { path },
  );

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // It can't be read: that is told where the compiler wants it.
  }
}
