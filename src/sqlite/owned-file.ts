/**
 * A file of SQLite that one kernel writes: in WAL mode, every commit synced before it returns. That no other does
 * is seen to by a lock beside it, which the system gives back when its process dies, however that ends.
 */

import { chmodSync, closeSync, lstatSync, openSync, type Stats } from 'node:fs';
import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** How long a reader waits for one who writes. */
const BUSY_MS = 5000;

const BUSY = 5;

/** SQLite's result codes by their low byte (sqlite.org/rescode.html), and what to do about each. */
const KNOWN: ReadonlyMap<number, string> = new Map([
  [13, 'its disk or its size limit is full: make room, or raise the limit'],
  [10, 'its disk fails: look at the system’s log'],
  [8, 'it is read-only: check its rights'],
  [14, 'it can’t be opened: check that its directory is there, and its rights'],
  [11, 'it is damaged: keep it, and put back a copy, or name another'],
  [26, 'it is a file of another kind: name another'],
]);

/** Why a file is not opened, to be read after "as it". */
class NotOwned extends Error {}

const codeOf = (error: unknown): number => (error as { errcode?: number }).errcode ?? 0;

/** What SQLite says of a file, to be read after "as it". */
export function fileProblem(error: unknown): string {
  if (error instanceof NotOwned) {
    return error.message;
  }
  const { code = '' } = error as { code?: string };
  const errcode = codeOf(error);
  return KNOWN.get(errcode & 0xff) ?? `the store failed (${code} ${errcode})`;
}

/** Why a file that is there is not to be written; null: it is. */
function whyNotOwned(status: Stats): string | null {
  const { nlink, uid } = status;
  const user = process.getuid?.() ?? uid;
  if (!status.isFile()) {
    return 'it is no plain file: name the file itself, or another';
  }
  if (nlink > 1) {
    // SQLite finds what is not yet in a file by its name: by two names it would lose some of it.
    return 'it has more names than one (hard links): name a file that has only this one';
  }
  return uid === user || uid === 0
    ? null
    : 'it is another user’s: make it your own, or name another';
}

/**
 * Makes a file where there is none, nobody else's to read from its first moment; answers its whole path. SQLite
 * gives the files beside it the mode that it has, and would take a name such as `:memory:` or `file:…` for more
 * than a name.
 */
function ownFile(path: string): string {
  const whole = resolve(path);
  try {
    closeSync(openSync(whole, 'wx', 0o600));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'EEXIST'
        ? whyNotOwned(lstatSync(whole))
        : `it can’t be made (${code}): check that its directory is there, and its rights`;
    if (why !== null) {
      throw new NotOwned(why, { cause: error });
    }
  }
  return whole;
}

/** Takes a lock, and holds it as long as it is open. Null: somebody else has it. @throws what SQLite throws */
export function takeLock(path: string): DatabaseSync | null {
  const lock = new DatabaseSync(ownFile(path));
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if ((codeOf(error) & 0xff) === BUSY) {
      return null;
    }
    throw error;
  }
}

/** Opens a file, which is made where there is none, for its owner's eyes only. @throws what SQLite throws */
export function openFile(path: string, pageBytes: number): DatabaseSync {
  const whole = ownFile(path);
  const database = new DatabaseSync(whole, { timeout: BUSY_MS });
  try {
    // One that was there may have been open to others.
    chmodSync(whole, 0o600);
    database.exec(
      `PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;`,
    );
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Opens a file to read it. @throws what SQLite throws */
export const openToRead = (path: string): DatabaseSync =>
  new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });

/** Bounds a file. The log of what is not yet in it comes on top, some MiB. */
export function boundFile(database: DatabaseSync, maxBytes: number): void {
  const { page_size: pageBytes } = database.prepare('PRAGMA page_size').get() as {
    page_size: number;
  };
  database.exec(`PRAGMA max_page_count = ${Math.max(16, Math.floor(maxBytes / pageBytes))}`);
}

/** The version of a file's tables; 0: it has none yet. */
export function versionOf(database: DatabaseSync): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
}
