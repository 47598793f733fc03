/** What a store says when it fails, in sentences for who runs it. */

import { RingfenceError } from '../../errors.ts';
import { fileProblem } from '../../sqlite/owned-file.ts';

/** An error as one of ours; what SQLite says of the disk becomes `RF_AUDIT`. */
export function storeError(error: unknown): RingfenceError {
  if (error instanceof RingfenceError) {
    return error;
  }
  const { errcode = 0 } = error as { errcode?: number };
  return new RingfenceError(
    'RF_AUDIT',
    `Cannot write the audit chain as ${fileProblem(error)}.`,
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

/** What is wrong with a file that is read: it may be anybody's, and hold anything. */
export function readError(error: unknown): RingfenceError {
  if (error instanceof RingfenceError) {
    return error;
  }
  const { errcode = 0, code = 'unknown error' } = error as { errcode?: number; code?: string };
  return new RingfenceError(
    'RF_AUDIT_INVALID',
    `Cannot read the audit chain as its file is not what was written (${code}${errcode === 0 ? '' : ` ${errcode}`}): verify an export of it, or a copy.`,
    { errcode },
    { cause: error },
  );
}
