/** An anchor in a git repository: each checkpoint a commit, to be pushed where others see it. */

import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RingfenceError } from '../../errors.ts';
import { NOTE_BYTES_MAX } from '../note.ts';
import type { Anchor } from './anchor.ts';

/** How long one command of git may take. */
const TIMEOUT_MS = 30_000;

/** How the repository is written. */
export interface GitAnchorOptions {
  /**
   * The file that holds the last checkpoint, in the repository's folder.
   *
   * @default 'checkpoint'
   */
  readonly file?: string;
  /**
   * Whether each commit is pushed to where its branch goes.
   *
   * @default false
   */
  readonly push?: boolean;
}

/**
 * The note in a file; null: there is none.
 *
 * @throws {RingfenceError} `RF_USAGE` for what is too long to be one
 */
async function noteIn(path: string): Promise<string | null> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return null;
    }
    throw error;
  }
  try {
    const bytes = Buffer.alloc(NOTE_BYTES_MAX + 1);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    if (bytesRead > NOTE_BYTES_MAX) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot read the anchor '${path}' as it has more than ${NOTE_BYTES_MAX} bytes, which no checkpoint has: name the file that gitAnchor or --audit-anchor writes.`,
        { path },
      );
    }
    return bytes.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * Commits each checkpoint to a repository that is there: its history shows every head that the chain had,
 * with git's own times and signatures.
 */
export function gitAnchor(
  repository: string,
  { file = 'checkpoint', push = false }: GitAnchorOptions = {},
): Anchor {
  const path = join(repository, file);
  const git = async (...args: string[]): Promise<void> => {
    await promisify(execFile)('git', ['-C', repository, ...args], { timeout: TIMEOUT_MS });
  };
  return {
    name: 'git',
    path: repository,
    async put(note) {
      const [origin, size] = note.split('\n');
      await writeFile(path, note);
      await git('add', '--', file);
      // Also where nothing has changed: a push that has failed is made up for.
      await git('commit', '--quiet', '--allow-empty', '--message', `${origin} ${size}`, '--', file);
      if (push) {
        await git('push', '--quiet');
      }
    },
    last: () => noteIn(path),
  };
}
