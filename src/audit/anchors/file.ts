/** An anchor in a file: each checkpoint a line, appended and synced. */

import { open, readFile } from 'node:fs/promises';
import type { Anchor } from './anchor.ts';

const lineOf = (note: string): string => `${JSON.stringify({ checkpoint: note })}\n`;

/**
 * The checkpoints in the text of an anchor's file, or in a note as it is.
 *
 * A last line without its end is left out: the process died while it was written.
 */
export function notesOf(text: string): string[] {
  if (!text.startsWith('{')) {
    return text.trim() === '' ? [] : [text];
  }
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { checkpoint: string }).checkpoint);
}

/**
 * Keeps checkpoints in a file: on another disk, or one that can only be appended to (`chattr +a`).
 *
 * @param path made with mode 600 where it is not there
 */
export function fileAnchor(path: string): Anchor {
  return {
    name: 'file',
    async put(note) {
      const file = await open(path, 'a', 0o600);
      try {
        await file.writeFile(lineOf(note));
        await file.sync();
      } finally {
        await file.close();
      }
    },
    async last() {
      try {
        return notesOf(await readFile(path, 'utf8')).at(-1) ?? null;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
          return null;
        }
        throw error;
      }
    },
  };
}
