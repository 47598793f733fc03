/** Writes files so that nobody ever reads half of one, whoever else writes the same file. */

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { RingfenceError } from '../../errors.ts';

/**
 * Writes beside the file and renames; makes the folders above it.
 *
 * @throws {RingfenceError} `RF_FILE`
 */
export function writeAtomically(file: string, content: Uint8Array | string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeAndRename(file, content);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RingfenceError(
      'RF_FILE',
      `Cannot write ${file} (${code}): it needs a folder that you may write to, and nothing else of that name.`,
      { path: file },
      { cause: error },
    );
  }
}

function writeAndRename(file: string, content: Uint8Array | string): void {
  const temporary = `${file}.${process.pid}.${process.hrtime.bigint()}.tmp`;
  try {
    writeFileSync(temporary, content);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
