/** The process's standard input as a source for the guest: nothing is read before the guest asks. */

import { fstatSync, read } from 'node:fs';
import { isatty } from 'node:tty';
import { promisify } from 'node:util';

/** Bytes of a file that are read at a time: always as many, so that a run's fuel is always the same. */
const CHUNK_BYTES = 64 * 1024;

const readDescriptor = promisify(read);

/** Standard input. */
export interface StandardInput {
  readonly isTerminal: boolean;
  /**
   * Its chunks, read one by one as they are asked for. `onFailure` hears why it can't be read; the
   * guest then sees its end.
   */
  chunks(onFailure: (reason: string) => void): AsyncIterable<Uint8Array>;
  /** Lets go of it, also in the middle of a read. */
  close(): void;
}

/** A regular file or a device is read by us: a stream would read ahead. */
function isFile(descriptor: number): boolean {
  try {
    const status = fstatSync(descriptor);
    return status.isFile() || status.isCharacterDevice() || status.isDirectory();
  } catch {
    return false;
  }
}

async function* fileChunks(descriptor: number): AsyncGenerator<Uint8Array> {
  for (;;) {
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const { bytesRead } = await readDescriptor(descriptor, buffer, 0, CHUNK_BYTES, null);
    if (bytesRead === 0) {
      return;
    }
    yield buffer.subarray(0, bytesRead);
  }
}

async function* reportingFailure(
  chunks: AsyncIterable<Uint8Array>,
  onFailure: (reason: string) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_STREAM_PREMATURE_CLOSE') {
      onFailure(code);
    }
  }
}

/** The standard input of this process. */
export function processInput(): StandardInput {
  const isTerminal = isatty(0);
  let opened = false;
  return {
    isTerminal,
    async *chunks(onFailure) {
      if (!isTerminal && isFile(0)) {
        yield* reportingFailure(fileChunks(0), onFailure);
      } else {
        opened = true;
        yield* reportingFailure(process.stdin, onFailure);
      }
    },
    close() {
      if (opened) {
        process.stdin.destroy();
      }
    },
  };
}
