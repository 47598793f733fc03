/** Keys of the audit chain in files: nobody but their owner may read them. */

import { createPrivateKey, generateKeyPairSync, KeyObject } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { RingfenceError } from '../errors.ts';

/** A PEM file of an Ed25519 key has 119 bytes; what is longer than this is none. */
const KEY_BYTES_MAX = 4096;

/** Rights of the group and of others. */
const OTHERS = 0o077;

const keyError = (path: string, what: string, cause?: unknown): RingfenceError =>
  new RingfenceError(
    'RF_AUDIT_KEY',
    `Cannot use the audit key '${path}': ${what}.`,
    { path },
    { cause },
  );

/**
 * Creates a key in a file that only its owner can read.
 *
 * @throws {RingfenceError} `RF_AUDIT_KEY` where the file is there already or can't be written
 */
export function createAuditKey(path: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    writeNew(path, privateKey.export({ format: 'pem', type: 'pkcs8' }) as string);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw keyError(
      path,
      code === 'EEXIST'
        ? 'a file is there already, and a key is never written over; name another'
        : `the file can't be written (${code}); check the directory and its rights`,
      error,
    );
  }
  return privateKey;
}

/** Writes a file that was not there, whole or not at all. */
function writeNew(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a key from a file, which must be a plain file, of this user or root, and closed to everybody
 * else.
 *
 * @throws {RingfenceError} `RF_AUDIT_KEY`
 */
export function readAuditKey(path: string): KeyObject {
  let pem: string;
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      pem = readPrivately(path, file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof RingfenceError) {
      throw error;
    }
    const { code } = error as NodeJS.ErrnoException;
    const what =
      code === 'ELOOP' ? 'it is a link; name the file itself' : `it can't be read (${code})`;
    throw keyError(path, what, error);
  }
  return signingKey(pem, path);
}

function readPrivately(path: string, file: number): string {
  const status = fstatSync(file);
  const user = process.getuid?.() ?? status.uid;
  if (!status.isFile() || status.size > KEY_BYTES_MAX) {
    throw keyError(path, 'it is no file of a key; create one with `ringfence audit key FILE`');
  }
  if ((status.mode & OTHERS) !== 0) {
    const mode = (status.mode & 0o777).toString(8);
    throw keyError(
      path,
      `others have rights on it (mode ${mode}); make it 600, and think of who has read it`,
    );
  }
  if (status.uid !== user && status.uid !== 0) {
    throw keyError(path, 'it is another user’s; make it your own');
  }
  const bytes = Buffer.alloc(status.size);
  return bytes.toString('utf8', 0, readSync(file, bytes, 0, status.size, 0));
}

/**
 * A key as a caller hands it over: PEM or a key object.
 *
 * @throws {RingfenceError} `RF_AUDIT_KEY` for what is no private Ed25519 key
 */
export function signingKey(key: string | KeyObject, name = 'that was given'): KeyObject {
  let read: KeyObject | null = null;
  try {
    read = key instanceof KeyObject ? key : createPrivateKey(key);
  } catch {
    // No key at all.
  }
  if (read?.type !== 'private' || read.asymmetricKeyType !== 'ed25519') {
    throw keyError(name, 'it is no private Ed25519 key in PEM (PKCS #8)');
  }
  return read;
}
