/** Verification of a chain where it is kept: a directory, or a file of JSON lines. */

import { statSync } from 'node:fs';
import { RingfenceError } from '../errors.ts';
import { ChainDatabase } from './store/database.ts';
import { readError } from './store/error.ts';
import type { Verdict, VerifyOptions } from './verdict.ts';
import { verifyFile, verifyLines } from './verify-lines.ts';

/** Characters that are handed on at a time. */
const CHUNK_CHARACTERS = 1 << 18;

/** The chain of a directory as the bytes of its export. */
export function* exportChain(directory: string, from = 0): Generator<Buffer> {
  const database = ChainDatabase.openToRead(directory);
  try {
    let text = '';
    for (const line of database.lines(from)) {
      text += `${line}\n`;
      if (text.length >= CHUNK_CHARACTERS) {
        yield Buffer.from(text);
        text = '';
      }
    }
    if (text !== '') {
      yield Buffer.from(text);
    }
  } catch (error) {
    throw readError(error);
  } finally {
    database.close();
  }
}

/**
 * Verifies a chain: of a directory, also while a kernel writes it, or of a file of JSON lines.
 *
 * @throws {RingfenceError} `RF_FILE`, `RF_AUDIT_KEY`, `RF_USAGE` for keys and anchors that are none
 *
 * @example
 * ```ts
 * const { valid, problem } = await verifyChain('audit', { keys: [key] });
 * if (!valid) console.error(problem?.message); // Event 17 is altered (line 18): …
 * ```
 */
export async function verifyChain(path: string, options: VerifyOptions = {}): Promise<Verdict> {
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory();
  if (isDirectory === undefined) {
    throw new RingfenceError(
      'RF_FILE',
      `Cannot read the audit chain '${path}': there is no such file; name the directory or its export.`,
      { path },
    );
  }
  return isDirectory
    ? await verifyLines(exportChain(path), options)
    : await verifyFile(path, options);
}
