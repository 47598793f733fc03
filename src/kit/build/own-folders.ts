/**
 * Keeps what is written in the folder that it is meant for. A project may come from anybody, and a link in
 * it lead anywhere: whoever builds it would write over files of their own.
 */

import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { RingfenceError } from '../../errors.ts';

/**
 * Refuses a folder in which, at any depth, something is a symbolic link. One that isn't there has none.
 *
 * @throws {RingfenceError} `RF_FILE`, with the link's path
 */
export function requireNoLinksIn(folder: string): void {
  for (const entry of entriesOf(folder)) {
    if (entry.isSymbolicLink()) throw linked(join(entry.parentPath, entry.name));
  }
}

/**
 * Refuses a path that is a symbolic link itself.
 *
 * @throws {RingfenceError} `RF_FILE`
 */
export function requireNoLink(path: string): void {
  if (isLink(path)) throw linked(path);
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false; // Nothing is there.
  }
}

function linked(path: string): RingfenceError {
  return new RingfenceError(
    'RF_FILE',
    `Cannot write below ${path} as it is a symbolic link, which may lead anywhere: remove it.`,
    { path },
  );
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch {
    return []; // It is not there, or can't be written to either: that is told where it is tried.
  }
}
