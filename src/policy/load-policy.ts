/** Reads a policy from its file. */

import { hash } from 'node:crypto';
import { constants, realpathSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { RingfenceError } from '../errors.ts';
import { Policy } from './policy.ts';
import { PolicyError } from './problem.ts';

/** Bytes that a policy file may have. */
const FILE_BYTES_MAX = 1024 * 1024;

function unreadable(path: string, why: string): RingfenceError {
  return new RingfenceError('RF_FILE', `Cannot read the policy ${JSON.stringify(path)}: ${why}.`, {
    path,
  });
}

/** As much of a file as a policy may have, and one byte more. */
async function readBounded(file: FileHandle): Promise<Buffer> {
  const buffer = Buffer.alloc(FILE_BYTES_MAX + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) {
      break;
    }
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

async function readFile(path: string): Promise<Buffer> {
  let file: FileHandle | undefined;
  try {
    // A FIFO must not hold up who opens it.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await file.stat();
    if (!status.isFile()) {
      const what = status.isDirectory() ? 'it is a directory' : 'it is no regular file';
      throw unreadable(path, `${what}; name the policy's file`);
    }
    return await readBounded(file);
  } catch (error) {
    if (error instanceof RingfenceError) {
      throw error;
    }
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw unreadable(
      path,
      code === 'ENOENT' ? 'there is no such file; check the path' : `it can't be read (${code})`,
    );
  } finally {
    await file?.close();
  }
}

function decode(bytes: Buffer, path: string): string {
  const problem = (message: string) => new PolicyError(path, [{ line: 1, column: 1, message }]);
  if (bytes.length > FILE_BYTES_MAX) {
    throw problem(`a policy has at most ${FILE_BYTES_MAX} bytes`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw problem('it is no text in UTF-8');
  }
}

/**
 * Reads a policy file: TOML, or JSON where its name ends with `.json`.
 *
 * @throws {RingfenceError} `RF_FILE` where it can't be read
 * @throws {PolicyError} `RF_POLICY`, with all that is wrong with it
 *
 * @example
 * ```ts
 * const policy = await loadPolicy('ringfence.toml');
 * const { grants, limits, isolation } = policy.decide(module);
 * const agent = await kernel.spawn({ module, grants, limits, isolation });
 * ```
 */
export async function loadPolicy(path: string): Promise<Policy> {
  const text = decode(await readFile(path), path);
  // Only who has a policy needs the readers.
  const { parsePolicy } = await import('./parse-policy.ts');
  const format = extname(path).toLowerCase() === '.json' ? 'json' : 'toml';
  const parsed = parsePolicy(text, { format, path, nowMs: Date.now() });
  const digest = hash('sha256', text);
  return new Policy(path, realpathSync.native(dirname(resolve(path))), parsed, digest);
}
