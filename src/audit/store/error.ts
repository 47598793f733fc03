/** What a store says when it fails, in sentences for who runs it. */

import { RingfenceError } from '../../errors.ts';

/** SQLite's result codes by their low byte (sqlite.org/rescode.html), and what to do about each. */
const KNOWN: ReadonlyMap<number, string> = new Map([
  [13, 'its disk or its size limit is full: make room, or raise the limit'],
  [10, 'its disk fails: look at the system’s log'],
  [8, 'it is read-only: check its rights'],
  [14, 'it can’t be opened: check that its directory is there, and its rights'],
]);

/** An error as one of ours; what SQLite says of the disk becomes `RF_AUDIT`. */
export function storeError(error: unknown): RingfenceError {
  if (error instanceof RingfenceError) {
    return error;
  }
  const { errcode = 0, code = '' } = error as { errcode?: number; code?: string };
  return new RingfenceError(
    'RF_AUDIT',
    `Cannot write the audit chain as ${KNOWN.get(errcode & 0xff) ?? `the store failed (${code} ${errcode})`}.`,
    { errcode },
    { cause: error },
  );
}

/** A chain was changed by somebody else than those who write it. */
export function damaged(what: string, seq: number): RingfenceError {
  return new RingfenceError(
    'RF_AUDIT_INVALID',
    `Cannot go on with the audit chain: ${what}; verify it, keep it, and begin another.`,
    { seq },
  );
}
