/** Files that somebody else may have written, read as text: never more than was meant. */

import { isUtf8 } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import { RingfenceError } from '../index.ts';
import { quoted } from './printable.ts';

async function readAtMost(file: FileHandle, bytesMax: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  // Its size is not believed: a device has none, and a file may grow meanwhile.
  for await (const chunk of file.createReadStream({ autoClose: false, end: bytesMax })) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
  }
  return length > bytesMax ? null : Buffer.concat(chunks);
}

/**
 * Reads a file of UTF-8 that has at most so many bytes.
 *
 * @throws {RingfenceError} `RF_FILE`
 */
export async function readTextFile(path: string, bytesMax: number): Promise<string> {
  let bytes: Buffer | null;
  try {
    const file = await open(path);
    try {
      bytes = await readAtMost(file, bytesMax);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new RingfenceError(
      'RF_FILE',
      `Cannot read ${quoted(path)} (${(error as NodeJS.ErrnoException).code}): check its name and its rights.`,
      { path },
      { cause: error },
    );
  }
  if (bytes === null || !isUtf8(bytes)) {
    const why = bytes === null ? `it has more than ${bytesMax} bytes` : 'it is no text in UTF-8';
    throw new RingfenceError('RF_FILE', `Cannot read ${quoted(path)}: ${why}; name another.`, {
      path,
    });
  }
  return bytes.toString();
}
