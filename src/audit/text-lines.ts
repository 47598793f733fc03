/** The lines of a chain in a file that anybody may have written, one after the other. */

import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { RingfenceError } from '../errors.ts';
import { LINE_BYTES_MAX } from './event.ts';

const NEWLINE = 10;

const unreadable = (path: string, line: number, why: string): RingfenceError =>
  new RingfenceError(
    'RF_AUDIT_INVALID',
    `Cannot read line ${line} of the audit chain '${path}': ${why}; 'ringfence audit verify' says what is wrong first.`,
    { path, line },
  );

/**
 * Lines end with a newline and with nothing else: JSON may have every other character within a text that
 * some take for a line's end. In memory is one line and what is read at a time.
 *
 * @throws {RingfenceError} `RF_AUDIT_INVALID` for a line that is too long, no UTF-8 or not ended; `RF_FILE`
 */
export async function* textLines(path: string): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  let number = 1;
  const stream = createReadStream(path);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        yield lineOf(bytes.subarray(start, end), path, number);
        number += 1;
        start = end + 1;
      }
      rest = bytes.subarray(start);
      if (rest.length > LINE_BYTES_MAX) {
        throw unreadable(path, number, `it has more than ${LINE_BYTES_MAX} bytes`);
      }
    }
  } catch (error) {
    throw error instanceof RingfenceError ? error : fileError(path, error);
  } finally {
    stream.destroy();
  }
  if (rest.length > 0) {
    throw unreadable(path, number, 'it has no end');
  }
}

function lineOf(bytes: Buffer, path: string, number: number): string {
  if (bytes.length > LINE_BYTES_MAX || !isUtf8(bytes)) {
    const why =
      bytes.length > LINE_BYTES_MAX ? `it has more than ${LINE_BYTES_MAX} bytes` : 'it is no UTF-8';
    throw unreadable(path, number, why);
  }
  return bytes.toString('utf8');
}

function fileError(path: string, error: unknown): RingfenceError {
  return new RingfenceError(
    'RF_FILE',
    `Cannot read the audit chain '${path}': ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}; check its name and its rights.`,
    { path },
    { cause: error },
  );
}
