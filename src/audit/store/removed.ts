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

/** Removes what events below a number say, and keeps their hashes. */
export function removeEvents(database: DatabaseSync, before: number): void {
  const rows = database
    .prepare(`SELECT seq, hash FROM events WHERE ${REMOVABLE} ORDER BY seq`)
    .all(before) as { seq: number; hash: Uint8Array }[];
  const insert = database.prepare('INSERT INTO pruned VALUES (?, ?)');
  for (const { first, hashes } of blocksOf(rows, signedSizes(database, before))) {
    insert.run(first, Buffer.concat(hashes));
  }
  database.prepare(`DELETE FROM events WHERE ${REMOVABLE}`).run(before);
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
