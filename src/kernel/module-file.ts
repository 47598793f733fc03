/** The file of a module: a regular one, of which no more is read than a module may have. */

import { constants } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { RingfenceError } from '../errors.ts';
import { kindOf } from '../wasm/component/prepare/kinds.ts';
import { DEFAULT_PREPARE_LIMITS, requireSize } from '../wasm/component/prepare/prepare.ts';

/** Enough of a file to tell what it is. */
const HEAD_BYTES = 4096;

function unreadable(path: string, why: string): RingfenceError {
  return new RingfenceError('RF_FILE', `Cannot load ${JSON.stringify(path)}: ${why}.`, { path });
}

/** A module's file, read. */
export interface ModuleFile {
  readonly bytes: Uint8Array;
  /** Where it is, without symbolic links: of the very file that the bytes are of. Null: it has no name. */
  readonly realPath: string | null;
}

/**
 * Where an open file is. What its name leads to may change at any moment: what is found is looked at
 * again, so that nobody has their file taken for the one that a link was turned to meanwhile.
 */
async function realPathOf(file: FileHandle, path: string): Promise<string | null> {
  const { dev, ino } = await file.stat({ bigint: true });
  const real = await realpath(path).catch(() => null);
  const there = real === null ? null : await stat(real, { bigint: true }).catch(() => null);
  if (there === null) {
    // It was removed, and is read through a descriptor: /dev/stdin.
    return null;
  }
  if (there.dev !== dev || there.ino !== ino) {
    throw unreadable(path, 'it was replaced while it was read; load it again');
  }
  return real;
}

/** Reads a module's file: a regular one, of which no more is read than a module may have. */
export async function readModule(path: string): Promise<ModuleFile> {
  let file: FileHandle | undefined;
  try {
    // A FIFO must not hold up who opens it.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await file.stat();
    if (status.isDirectory()) {
      throw unreadable(path, 'it is a directory; name the .wasm file');
    }
    if (!status.isFile()) {
      throw unreadable(path, 'it is no regular file; name the .wasm file');
    }
    if (status.size > DEFAULT_PREPARE_LIMITS.fileBytes) {
      const head = Buffer.alloc(HEAD_BYTES);
      kindOf(head.subarray(0, (await file.read(head, 0, HEAD_BYTES, 0)).bytesRead));
      requireSize(status.size);
    }
    return { realPath: await realPathOf(file, path), bytes: await file.readFile() };
  } catch (error) {
    if (error instanceof RingfenceError) {
      throw error;
    }
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw unreadable(
      path,
      code === 'ENOENT'
        ? 'there is no such file; check the path'
        : `it can't be read (${code}); check what it is and who may read it`,
    );
  } finally {
    await file?.close();
  }
}

/** The path of a source; null where bytes were given. */
export function pathOf(source: string | URL | Uint8Array): string | null {
  if (source instanceof Uint8Array) {
    return null;
  }
  if (typeof source === 'string') {
    return source;
  }
  if (source instanceof URL && source.protocol === 'file:') {
    return fileURLToPath(source);
  }
  throw new RingfenceError(
    'RF_USAGE',
    'Cannot load the module: give a path, a file: URL, or its bytes.',
  );
}
