/** The file that a chain is in: one kernel writes it, others may read. */

import { closeSync, lstatSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { RingfenceError } from '../../errors.ts';
import {
  boundFile,
  openFile,
  openToRead as openFileToRead,
  takeLock,
  versionOf,
} from '../../sqlite/owned-file.ts';
import { storeError } from './error.ts';
import { prepareResources } from './resources.ts';

/** The version of the tables; another one is refused. */
const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE chain(name TEXT NOT NULL);
  CREATE TABLE events(seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, body TEXT NOT NULL);
  CREATE TABLE pruned(first INTEGER PRIMARY KEY, hashes BLOB NOT NULL);
  CREATE TABLE checkpoints(
    size INTEGER PRIMARY KEY, note TEXT, previous TEXT NOT NULL, time_ms INTEGER NOT NULL,
    roots BLOB NOT NULL);
  CREATE TABLE receipts(digest TEXT PRIMARY KEY, last INTEGER NOT NULL, envelope TEXT NOT NULL);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Bytes of a page: larger ones than usual hold more events each, and are written less often. */
export const PAGE_BYTES = 16_384;

/** The name of the database in the directory of a chain. */
const DATABASE_FILE = 'chain.sqlite';

const LOCK_FILE = 'writer.lock';

/** A file that is open to be written; the lock is held as long as it is. */
export interface WritableFile {
  readonly database: DatabaseSync;
  readonly lock: DatabaseSync;
}

/**
 * Opens a chain's file to write it, and creates it where there is none.
 *
 * @param maxBytes what the file may have; the log of what is not yet in it comes on top, some MiB
 * @throws {RingfenceError} `RF_AUDIT` where another process writes it, or it can't be opened
 */
export function openToWrite(directory: string, chain: string, maxBytes: number): WritableFile {
  let lock: DatabaseSync | null = null;
  try {
    prepareDirectory(directory);
    lock = takeLock(join(directory, LOCK_FILE));
    if (lock === null) {
      throw new RingfenceError(
        'RF_AUDIT',
        'Cannot write the audit chain as another kernel does: give each its own directory.',
      );
    }
    const database = openFile(join(directory, DATABASE_FILE), PAGE_BYTES);
    prepareTables(database, chain);
    prepareResources(database);
    boundFile(database, maxBytes);
    return { database, lock };
  } catch (error) {
    lock?.close();
    throw storeError(error);
  }
}

/** Rights of the group and of others to write. */
const OTHERS_WRITE = 0o022;

/**
 * Makes the directory where there is none. Who else may write in one could put links in the place of the
 * files, before they are there.
 */
function prepareDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { mode, uid } = statSync(directory);
  const user = process.getuid?.() ?? uid;
  if ((mode & OTHERS_WRITE) !== 0 || (uid !== user && uid !== 0)) {
    throw new RingfenceError(
      'RF_AUDIT',
      `Cannot write the audit chain in '${directory}' as others may write there (mode ${(mode & 0o777).toString(8)}, user ${uid}): make it your own, with mode 700.`,
      { path: directory },
    );
  }
  for (const name of [DATABASE_FILE, LOCK_FILE]) {
    const path = join(directory, name);
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status === undefined) {
      // It is nobody else's to read from the beginning.
      closeSync(openSync(path, 'a', 0o600));
    } else if (!status.isFile()) {
      throw new RingfenceError(
        'RF_AUDIT',
        `Cannot write the audit chain as '${path}' is no plain file: name another directory.`,
        { path },
      );
    }
  }
}

/** Opens a chain's file to read it. @throws {RingfenceError} `RF_FILE`, `RF_AUDIT` */
export function openToRead(directory: string): DatabaseSync {
  try {
    const database = openFileToRead(join(directory, DATABASE_FILE));
    requireVersion(database);
    return database;
  } catch (error) {
    if (error instanceof RingfenceError) {
      throw error;
    }
    throw new RingfenceError(
      'RF_FILE',
      `Cannot read an audit chain in '${directory}': name the directory that was given to --audit.`,
      { path: directory },
      { cause: error },
    );
  }
}

function requireVersion(database: DatabaseSync): number {
  const version = versionOf(database);
  if (version !== SCHEMA_VERSION && version !== 0) {
    throw new RingfenceError(
      'RF_AUDIT',
      `Cannot use the audit chain as its tables are of version ${version}, and this ringfence knows ${SCHEMA_VERSION}: use the one that wrote it.`,
      { version },
    );
  }
  return version;
}

function prepareTables(database: DatabaseSync, chain: string): void {
  if (requireVersion(database) === 0) {
    database.exec('BEGIN IMMEDIATE');
    database.exec(SCHEMA);
    database.prepare('INSERT INTO chain VALUES (?)').run(chain);
    database.exec('COMMIT');
  }
}
