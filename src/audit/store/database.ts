/**
 * A chain in its file: what is written of it, together or not at all, and what is asked of it.
 */

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type ChainState, newChain } from '../chain.ts';
import { type Entry, lineOf } from '../event.ts';
import { bodyEnd, bodyStart, NextEvent } from '../event-bytes.ts';
import { Frontier, splitHashes } from '../merkle.ts';
import { type Changes, ResourceTree } from '../tree/resource-tree.ts';
import { damaged, readError } from './error.ts';
import { openToRead, openToWrite, PAGE_BYTES } from './file.ts';
import { chainLines } from './lines.ts';
import { firstKept, hashesOf, removeEvents } from './removed.ts';
import { loadResources, resourcesSize, saveResources } from './resources.ts';
import { type Retention, removableBefore } from './retention.ts';

/** Events that one statement writes: a fifth of the time of as many statements goes. */
const ROWS = 10;

/** A checkpoint as it is stored; `note` is null where the chain has no key. */
export interface StoredCheckpoint {
  readonly size: number;
  readonly note: string | null;
}

const valuesOf = ({ seq, hash, body }: Entry): [number, Buffer, string] => [
  seq,
  Buffer.from(hash, 'hex'),
  body,
];

/** A chain's file. Opened to write it is this process's alone. */
export class ChainDatabase {
  readonly #database: DatabaseSync;
  readonly #lock: DatabaseSync | null;
  readonly #insert: StatementSync | null = null;
  readonly #insertMany: StatementSync | null = null;

  private constructor(database: DatabaseSync, lock: DatabaseSync | null) {
    this.#database = database;
    this.#lock = lock;
    if (lock !== null) {
      this.#insert = database.prepare('INSERT INTO events VALUES (?, ?, ?)');
      const rows = Array<string>(ROWS).fill('(?, ?, ?)').join();
      this.#insertMany = database.prepare(`INSERT INTO events VALUES ${rows}`);
    }
  }

  /**
   * Opens a chain to write it, and creates it where there is none.
   *
   * @param maxBytes what the file may have; the log of what is not yet in it comes on top, some MiB
   * @throws {RingfenceError} `RF_AUDIT` where another process writes it, or it can't be opened
   */
  static openToWrite(directory: string, chain: string, maxBytes: number): ChainDatabase {
    const { database, lock } = openToWrite(directory, chain, maxBytes);
    return new ChainDatabase(database, lock);
  }

  /** Opens a chain to read it. @throws {RingfenceError} `RF_FILE` */
  static openToRead(directory: string): ChainDatabase {
    return new ChainDatabase(openToRead(directory), null);
  }

  /**
   * Opens a chain, has it read, all of one moment, and closes it.
   *
   * @throws {RingfenceError} `RF_FILE`, `RF_AUDIT_INVALID` where its file is damaged, and what `read` throws
   */
  static reading<Value>(directory: string, read: (database: ChainDatabase) => Value): Value {
    const database = ChainDatabase.openToRead(directory);
    try {
      database.#database.exec('BEGIN');
      return read(database);
    } catch (error) {
      throw readError(error);
    } finally {
      database.close();
    }
  }

  /** The chain's name. */
  get chain(): string {
    return (this.#database.prepare('SELECT name FROM chain').get() as { name: string }).name;
  }

  /** Events so far. */
  get size(): number {
    const row = this.#database.prepare('SELECT max(seq) AS last FROM events').get() as {
      last: number | null;
    };
    return (row.last ?? -1) + 1;
  }

  /**
   * Where the chain stands: what comes after the last checkpoint is verified again.
   *
   * @throws {RingfenceError} `RF_AUDIT_INVALID`
   */
  state(): ChainState {
    const last = this.#database
      .prepare('SELECT * FROM checkpoints ORDER BY size DESC LIMIT 1')
      .get() as { size: number; previous: string; time_ms: number; roots: Uint8Array } | undefined;
    const chain = this.chain;
    const start: ChainState =
      last === undefined
        ? newChain(chain)
        : {
            chain,
            previous: last.previous,
            timeMs: last.time_ms,
            roots: splitHashes(last.roots),
            size: last.size,
          };
    return this.#replay(start);
  }

  #replay(start: ChainState): ChainState {
    const tree = new Frontier(start.size, start.roots);
    const next = new NextEvent(start.chain, start.previous, start.size);
    let { timeMs } = start;
    const rows = this.#database
      .prepare('SELECT seq, hash, body FROM events WHERE seq >= ? ORDER BY seq')
      .iterate(start.size) as Iterable<{ seq: number; hash: Uint8Array; body: string }>;
    for (const { seq, hash, body } of rows) {
      const line = Buffer.from(lineOf(body, Buffer.from(hash).toString('hex')));
      const end = bodyEnd(line, 0, line.length);
      const itsHash = end < 0 ? null : next.read(line, bodyStart(0), end);
      const eventMs = itsHash === null ? -1 : next.timeMs(end);
      if (seq !== tree.size || itsHash === null || eventMs < timeMs) {
        throw damaged(`event ${tree.size} is not what was written`, tree.size);
      }
      tree.pushHex(itsHash);
      next.follow(itsHash);
      timeMs = eventMs;
    }
    const { previous } = next;
    return { ...start, previous, timeMs, roots: [...tree.roots], size: tree.size };
  }

  /**
   * Writes what `work` writes: all of it, on disk, or nothing.
   *
   * @throws what SQLite throws; nothing was written then
   */
  write(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) {
        this.#database.exec('ROLLBACK');
      }
      throw error;
    }
  }

  /** Writes some KiB and takes them out again. @throws what SQLite throws where it can't */
  probe(): void {
    this.#database.exec('CREATE TABLE IF NOT EXISTS probe(filler BLOB)');
    this.#database.exec(`INSERT INTO probe VALUES (zeroblob(${PAGE_BYTES}))`);
    this.#database.exec('DELETE FROM probe');
  }

  /** Within `write`: events in their places. */
  insert(entries: readonly Entry[]): void {
    const one = this.#insert as StatementSync;
    const many = this.#insertMany as StatementSync;
    let at = 0;
    for (; at + ROWS <= entries.length; at += ROWS) {
      many.run(...entries.slice(at, at + ROWS).flatMap(valuesOf));
    }
    for (const entry of entries.slice(at)) {
      one.run(...valuesOf(entry));
    }
  }

  /** Within `write`: a checkpoint over all events so far. */
  addCheckpoint(note: string | null, { size, previous, timeMs, roots }: ChainState): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?)')
      .run(size, note, previous, timeMs, Buffer.from(roots.join(''), 'latin1'));
  }

  /** Within `write`: what has changed of the resource tree, up to the first `size` events. */
  saveResources(changes: Changes, size: number): void {
    saveResources(this.#database, changes, size);
  }

  /** Over how many events the resource tree that is kept is. */
  get resourcesSize(): number {
    return resourcesSize(this.#database);
  }

  /** The resource tree as it was at a checkpoint; null: events that it follows from were removed. */
  resourcesAt(size: number): ResourceTree | null {
    if (size === this.resourcesSize) {
      return loadResources(this.#database);
    }
    const tree = new ResourceTree();
    let events = 0;
    const rows = this.#database
      .prepare('SELECT seq, hash, body FROM events WHERE seq < ? ORDER BY seq')
      .iterate(size) as Iterable<{ seq: number; hash: Uint8Array; body: string }>;
    for (const { seq, hash, body } of rows) {
      tree.apply({ seq, hash: Buffer.from(hash).toString('hex'), body });
      events += 1;
    }
    return events === size ? tree : null;
  }

  /** The resource tree over all events: as it is kept, and what came after. */
  resources(): ResourceTree {
    const tree = loadResources(this.#database);
    const rows = this.#database
      .prepare('SELECT seq, hash, body FROM events WHERE seq >= ? ORDER BY seq')
      .iterate(this.resourcesSize) as Iterable<{
      seq: number;
      hash: Uint8Array;
      body: string;
    }>;
    for (const { seq, hash, body } of rows) {
      tree.apply({ seq, hash: Buffer.from(hash).toString('hex'), body });
    }
    return tree;
  }

  /** Within `write`: a receipt that was given. */
  addReceipt(digest: string, last: number, envelope: string): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO receipts VALUES (?, ?, ?)')
      .run(digest, last, envelope);
  }

  /**
   * Within `write`: removes what events below a number say, and keeps their hashes. The first event and
   * changes of keys stay.
   */
  remove(before: number): void {
    removeEvents(this.#database, before);
  }

  /** Below which event what they say is removed next by a rule, of the `signed` ones; null: none. */
  removableBefore(retention: Retention, signed: number, nowMs: number): number | null {
    const firstAt = (timeMs: number): number => this.firstAt(timeMs);
    const begins = firstKept(this.#database);
    return removableBefore(this.#database, { begins, signed, firstAt }, retention, nowMs);
  }

  /** The last checkpoint that is signed; null: there is none. */
  lastNote(): StoredCheckpoint | null {
    return (
      (this.#database
        .prepare(
          'SELECT size, note FROM checkpoints WHERE note IS NOT NULL ORDER BY size DESC LIMIT 1',
        )
        .get() as StoredCheckpoint | undefined) ?? null
    );
  }

  /** The smallest signed checkpoint over an event; null: none is yet. */
  noteOver(seq: number): StoredCheckpoint | null {
    return (
      (this.#database
        .prepare(
          'SELECT size, note FROM checkpoints WHERE note IS NOT NULL AND size > ? ORDER BY size LIMIT 1',
        )
        .get(seq) as StoredCheckpoint | undefined) ?? null
    );
  }

  /** The signed checkpoint over so many events; null: there is none. */
  noteAt(size: number): StoredCheckpoint | null {
    const row = this.#database
      .prepare('SELECT size, note FROM checkpoints WHERE note IS NOT NULL AND size = ?')
      .get(size) as StoredCheckpoint | undefined;
    return row ?? null;
  }

  /** Bodies of the events that say which key signs, in order. */
  keyEvents(): string[] {
    const rows = this.#database
      .prepare(
        `SELECT body FROM events WHERE seq = 0 OR instr(body, ',"kind":"key.rotate","module":') > 0
           ORDER BY seq`,
      )
      .all() as { body: string }[];
    return rows.map(({ body }) => body);
  }

  /** The body of an event; null: it was removed, or there is none. */
  body(seq: number): string | null {
    const row = this.#database.prepare('SELECT body FROM events WHERE seq = ?').get(seq) as
      | { body: string }
      | undefined;
    return row?.body ?? null;
  }

  /** The hashes of the first events, those included that were removed. */
  hashes(size: number): string[] {
    return hashesOf(this.#database, size);
  }

  /** The first event at or after a time. */
  firstAt(timeMs: number): number {
    let low = 0;
    let high = this.size;
    const timeOf = this.#database.prepare(
      'SELECT seq, body FROM events WHERE seq >= ? ORDER BY seq LIMIT 1',
    );
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = timeOf.get(middle) as { seq: number; body: string } | undefined;
      const at = row === undefined ? Number.POSITIVE_INFINITY : bodyTime(row.body);
      if (at >= timeMs) {
        high = middle;
      } else {
        low = (row?.seq ?? middle) + 1;
      }
    }
    return low;
  }

  /**
   * The chain's lines from an event on, in the order of the format, until the end that it has at this
   * moment.
   */
  lines(from = 0): Generator<string, number> {
    return chainLines(this.#database, from, this.size);
  }

  close(): void {
    this.#database.close();
    this.#lock?.close();
  }
}

const bodyTime = (body: string): number =>
  Number(/"time_ms":(\d+),"v":"[^"]*"\}$/.exec(body)?.[1] ?? 0);
