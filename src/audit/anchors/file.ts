/** An anchor in a file: each checkpoint a line, appended and synced. */

import { type FileHandle, open } from 'node:fs/promises';
import * as z from 'zod';
import { RingfenceError } from '../../errors.ts';
import { NOTE_BYTES_MAX } from '../note.ts';
import type { Anchor } from './anchor.ts';

const lineOf = (note: string): string => `${JSON.stringify({ checkpoint: note })}\n`;

/** What a whole line ends with: one that does not was cut off as the process died while it was written. */
const LINE_END = '\\n"}';

/** What each line begins with. */
const LINE_BEGINNING = '{"checkpoint":"';

const lineSchema = z.strictObject({ checkpoint: z.string().max(NOTE_BYTES_MAX) });

/** Bytes at the end of a file in which its last whole line stands, and one that was cut off. */
const LAST_BYTES = 4 * NOTE_BYTES_MAX;

/**
 * The checkpoints in the text of an anchor's file, or in a note as it is. Lines that were cut off are left
 * out.
 *
 * @throws {RingfenceError} `RF_USAGE` for a line that is no checkpoint
 */
export function notesOf(text: string): string[] {
  if (!text.startsWith('{')) {
    return text.trim() === '' ? [] : [text];
  }
  return text
    .split('\n')
    .filter((line) => line !== '' && !isCutOff(line))
    .map(noteOf);
}

/** The beginning of a line, of which the rest was never written. */
function isCutOff(line: string): boolean {
  return (
    !line.endsWith(LINE_END) && (line.startsWith(LINE_BEGINNING) || LINE_BEGINNING.startsWith(line))
  );
}

function noteOf(line: string): string {
  try {
    return lineSchema.parse(JSON.parse(line)).checkpoint;
  } catch (error) {
    throw new RingfenceError(
      'RF_USAGE',
      'Cannot read the anchor as a line of it is no checkpoint: name the file that fileAnchor or --anchor has written, or a note.',
      {},
      { cause: error },
    );
  }
}

/** The last bytes of a file. */
async function tailOf(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  const start = Math.max(0, size - LAST_BYTES);
  const bytes = Buffer.alloc(size - start);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
  const text = bytes.toString('utf8', 0, bytesRead);
  // The first line is a whole one where the file begins with it.
  return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
}

/**
 * Keeps checkpoints in a file: on another disk, or one that can only be appended to (`chattr +a`).
 *
 * @param path made with mode 600 where it is not there
 */
export function fileAnchor(path: string): Anchor {
  return {
    name: 'file',
    path,
    async put(note) {
      const file = await open(path, 'a+', 0o600);
      try {
        const tail = await tailOf(file);
        // A line that was cut off is ended: it must not spoil the next one.
        const begin = tail === '' || tail.endsWith('\n') ? '' : '\n';
        await file.writeFile(begin + lineOf(note));
        await file.sync();
      } finally {
        await file.close();
      }
    },
    async last() {
      let file: FileHandle;
      try {
        file = await open(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
          return null;
        }
        throw error;
      }
      try {
        return notesOf(await tailOf(file)).at(-1) ?? null;
      } finally {
        await file.close();
      }
    },
  };
}
