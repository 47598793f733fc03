/** The lines of a chain as its file has them: events, checkpoints, and what was removed. */

import type { DatabaseSync } from 'node:sqlite';
import { lineOf } from '../event.ts';
import { type Block, blockLine, eventsOf } from './removed.ts';

/** Events that are read at a time. */
const READ_EVENTS = 1000;

interface EventRow {
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly body: string;
}

interface SignedRow {
  readonly size: number;
  readonly note: string;
}

/**
 * The chain's lines from an event on, in the order of the format, up to the event `end`; answers where it
 * has come to.
 */
export function* chainLines(
  database: DatabaseSync,
  from: number,
  end: number,
): Generator<string, number> {
  const events = database.prepare(
    'SELECT seq, hash, body FROM events WHERE seq >= ? ORDER BY seq LIMIT ?',
  );
  const block = database.prepare('SELECT first, hashes FROM pruned WHERE first = ?');
  const notes = database.prepare(
    'SELECT size, note FROM checkpoints WHERE note IS NOT NULL AND size > ? AND size <= ? ORDER BY size',
  );
  let next = firstLineAt(database, from);
  while (next < end) {
    const removed = block.get(next) as Block | undefined;
    // Node types rows by no query: their columns are those that the statements name.
    const rows =
      removed === undefined
        ? (events.all(next, Math.min(READ_EVENTS, end - next)) as unknown as EventRow[])
        : [];
    const last = removed === undefined ? endOfRun(rows, next) : next + eventsOf(removed);
    const signed = notes.all(next, last) as unknown as SignedRow[];
    if (removed === undefined) {
      yield* linesOf(rows.slice(0, last - next), signed);
    } else {
      yield blockLine(removed);
      yield* signed.map(({ note }) => checkpointLine(note));
    }
    // Where neither an event nor its hash is there, what follows is read in its place.
    next = last === next ? (rows[0]?.seq ?? end) : last;
  }
  return next;
}

/** Who begins within removed events gets all of their line. */
function firstLineAt(database: DatabaseSync, from: number): number {
  const before = database
    .prepare('SELECT first, hashes FROM pruned WHERE first <= ? ORDER BY first DESC LIMIT 1')
    .get(from) as Block | undefined;
  return before !== undefined && before.first + eventsOf(before) > from ? before.first : from;
}

/** Where events stop to follow each other. */
function endOfRun(rows: readonly EventRow[], first: number): number {
  const gap = rows.findIndex(({ seq }, index) => seq !== first + index);
  return first + (gap < 0 ? rows.length : gap);
}

const checkpointLine = (note: string): string => `{"checkpoint":${JSON.stringify(note)}}`;

function* linesOf(rows: readonly EventRow[], signed: readonly SignedRow[]): Generator<string> {
  let next = 0;
  for (const { seq, hash, body } of rows) {
    yield lineOf(body, Buffer.from(hash).toString('hex'));
    const checkpoint = signed[next];
    if (checkpoint?.size === seq + 1) {
      yield checkpointLine(checkpoint.note);
      next += 1;
    }
  }
}
