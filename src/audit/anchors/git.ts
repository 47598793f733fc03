/** An anchor in a git repository: each checkpoint a commit, to be pushed where others see it. */

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
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
    async last() {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
          return null;
        }
        throw error;
      }
    },
  };
}
