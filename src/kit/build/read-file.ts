/** Reads files of a project, which may come from anybody: a device or a pipe of that name would never end. */

import { readFileSync, statSync } from 'node:fs';

/**
 * The text of a regular file that has at most `bytesMax` bytes.
 *
 * @throws an error with a `code` that says why not: the system's, `not a file` or `too large`
 */
export function readTextOf(file: string, bytesMax: number): string {
  const status = statSync(file);
  if (!status.isFile()) throw withCode('not a file');
  if (status.size > bytesMax) throw withCode('too large');
  return readFileSync(file, 'utf8');
}

const withCode = (code: string): Error => Object.assign(new Error(code), { code });

/** Whether there is a regular file, or a link to one. */
export function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
