/** Events that were removed: what they said is gone, their hashes stay, in blocks. */

import type { DatabaseSync } from 'node:sqlite';
import { splitHashes } from '../merkle.ts';

/** Hashes in a block, which is one line of the format: 11 KB of base64. */
const BLOCK_HASHES = 256;

/** Hashes of events that follow each other. */
export interface Block {
  readonly first: number;
  readonly hashes: Uint8Array;
}

/** What may be removed below a number: all but the first event and changes of keys. */
const REMOVABLE = `seq > 0 AND seq < ? AND instr(body, ',"kind":"key.rotate","module":') = 0`;

/** A block as its line, without its newline. */
export function blockLine({ first, hashes }: Block): string {
  return `{"pruned":{"first":${first},"hashes":"${Buffer.from(hashes).toString('base64')}"}}`;
}

/** How many events a block stands for. */
export function eventsOf({ hashes }: Block): number {
  return hashes.length / 32;
}

/** Events that are in memory at a time. */
const REMOVED_ROWS = 10_000;

/**
 * Removes what events below a number say, and keeps their hashes. Of what was signed over them the last is
 * kept, which is over all of them, and no copies of receipts.
 */
export function removeEvents(database: DatabaseSync, before: number): void {
  database
    .prepare(
      `DELETE FROM checkpoints WHERE size < (
         SELECT max(size) FROM checkpoints WHERE note IS NOT NULL AND size <= ?)`,
    )
    .run(before);
  database.prepare('DELETE FROM receipts WHERE last < ?').run(before);
  const signed = signedSizes(database, before);
  const some = database.prepare(
    `SELECT seq, hash FROM events WHERE ${REMOVABLE} ORDER BY seq LIMIT ${REMOVED_ROWS}`,
  );
  const remove = database.prepare(`DELETE FROM events WHERE ${REMOVABLE} AND seq <= ?`);
  const insert = database.prepare('INSERT INTO pruned VALUES (?, ?)');
  for (;;) {
    const rows = some.all(before) as { seq: number; hash: Uint8Array }[];
    const last = rows.at(-1);
    if (last === undefined) {
      return;
    }
    for (const { first, hashes } of blocksOf(rows, signed)) {
      insert.run(first, Buffer.concat(hashes));
    }
    remove.run(before, last.seq);
  }
}

/** The first event from which on all are there, after the genesis event. */
export function firstKept(database: DatabaseSync): number {
  const block = database
    .prepare('SELECT first, hashes FROM pruned ORDER BY first DESC LIMIT 1')
    .get() as Block | undefined;
  return block === undefined ? 1 : block.first + eventsOf(block);
}

function signedSizes(database: DatabaseSync, before: number): ReadonlySet<number> {
  const rows = database
    .prepare('SELECT size FROM checkpoints WHERE note IS NOT NULL AND size <= ?')
    .all(before) as { size: number }[];
  return new Set(rows.map(({ size }) => size));
}

/** Hashes of events that follow each other, cut where a checkpoint stands between them. */
function* blocksOf(
  rows: Iterable<{ seq: number; hash: Uint8Array }>,
  signed: ReadonlySet<number>,
): Generator<{ first: number; hashes: Uint8Array[] }> {
  let block: { first: number; hashes: Uint8Array[] } | null = null;
  for (const { seq, hash } of rows) {
    if (block !== null && block.first + block.hashes.length !== seq) {
      yield block;
      block = null;
    }
    block ??= { first: seq, hashes: [] };
    block.hashes.push(hash);
    if (signed.has(seq + 1) || block.hashes.length === BLOCK_HASHES) {
      yield block;
      block = null;
    }
  }
  if (block !== null) {
    yield block;
  }
}

/** The hashes of the first events by their numbers, those included that were removed. */
export function hashesOf(database: DatabaseSync, size: number): string[] {
  const hashes: string[] = [];
  const blocks = database
    .prepare('SELECT first, hashes FROM pruned WHERE first < ?')
    .iterate(size) as Iterable<Block>;
  for (const { first, hashes: bytes } of blocks) {
    splitHashes(bytes).forEach((hash, index) => {
      hashes[first + index] = hash;
    });
  }
  const rows = database
    .prepare('SELECT seq, hash FROM events WHERE seq < ?')
    .iterate(size) as Iterable<{ seq: number; hash: Uint8Array }>;
  for (const { seq, hash } of rows) {
    hashes[seq] = Buffer.from(hash).toString('latin1');
  }
  hashes.length = Math.min(hashes.length, size);
  return hashes;
}
