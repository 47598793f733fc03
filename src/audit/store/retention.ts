/** What of a chain may be removed by its own rule: what is older than an age, and what is more than a size. */

import type { DatabaseSync } from 'node:sqlite';

/** How long, and how much, of what events say is kept. */
export interface Retention {
  /** What is older is removed. */
  readonly ageMs?: number | undefined;
  /** What the file may have in use; the oldest is removed where it has more. */
  readonly bytes?: number | undefined;
  /** How often it is looked at. */
  readonly everyMs: number;
}

/** Events that are removed in one commit. */
const REMOVED_MAX = 10_000;

/** Where a size is passed, it is removed down to this share of it: not a few events with each commit. */
const SIZE_KEPT = 0.9;

/** What is asked of a chain. */
interface Chain {
  /** The first event from which on all are there, after the genesis event. */
  readonly begins: number;
  /** Only events that are signed may go. */
  readonly signed: number;
  /** The first event at or after a time. */
  firstAt(timeMs: number): number;
}

/** Bytes in use: pages that are free are written again before the file grows. */
function bytesInUse(database: DatabaseSync): number {
  const { pages, free, bytes } = database
    .prepare(
      `SELECT p.page_count AS pages, f.freelist_count AS free, s.page_size AS bytes
         FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s`,
    )
    .get() as { pages: number; free: number; bytes: number };
  return (pages - free) * bytes;
}

/** Below which event the next ones are removed; null: none is to be. */
export function removableBefore(
  database: DatabaseSync,
  { begins, signed, firstAt }: Chain,
  { ageMs, bytes }: Retention,
  nowMs: number,
): number | null {
  const old = ageMs === undefined ? 0 : firstAt(nowMs - ageMs);
  const used = bytes === undefined ? 0 : bytesInUse(database);
  let beyond = 0;
  if (bytes !== undefined && used > bytes) {
    // Events have about the same length: what is wrong in that is mended the next time.
    const share = Math.min(1, (used - SIZE_KEPT * bytes) / used);
    beyond = begins + Math.ceil((signed - begins) * share);
  }
  const before = Math.min(signed, begins + REMOVED_MAX, Math.max(old, beyond));
  // One event more is the one that says what was removed the last time: it must not be the cause of the next.
  return before > begins + 1 ? before : null;
}
