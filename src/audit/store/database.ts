/**
 * The file that a chain is in: SQLite, in WAL mode, every commit synced before it returns.
 *
 * One process writes, which a lock that the system gives back at its death sees to; others may read.
 */

import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { RingfenceError } from '../../errors.ts';
import { type ChainState, newChain } from '../chain.ts';
import { type Entry, hashOf, lineOf, timeInPlace } from '../event.ts';
import { Frontier } from '../merkle.ts';

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

/** Events that one statement writes: a fifth of the time of as many statements goes. */
const ROWS = 10;

/** Bytes of a page: larger ones than usual hold more events each, and are written less often. */
const PAGE_BYTES = 16_384;

/** Events that are read at a time. */
const READ_EVENTS = 1000;

/** Hashes in a line that stands for removed events: 11 KB of base64. */
const PRUNED_LINE_HASHES = 256;

/** How long a reader waits for one who writes. */
const BUSY_MS = 5000;

/** The name of the database in the directory of a chain. */
export const DATABASE_FILE = 'chain.sqlite';

const LOCK_FILE = 'writer.lock';

/** A checkpoint as it is stored; `note` is null where the chain has no key. */
export interface StoredCheckpoint {
  readonly size: number;
  readonly note: string | null;
}

/** A chain was changed by somebody else than those who write it. */
function damaged(what: string, seq: number): RingfenceError {
  return new RingfenceError(
    'RF_AUDIT_INVALID',
    `Cannot go on with the audit chain: ${what}; verify it, keep it, and begin another.`,
    { seq },
  );
}

/** What SQLite says of the disk, in a sentence for who runs it. */
export function storeError(error: unknown): RingfenceError {
  if (error instanceof RingfenceError) {
    return error;
  }
  const { errcode = 0, code = '' } = error as { errcode?: number; code?: string };
  // SQLITE_FULL is 13, SQLITE_IOERR 10 (its low byte), SQLITE_READONLY 8, SQLITE_CANTOPEN 14.
  const known = new Map([
    [13, 'its disk or its size limit is full: make room, or raise the limit'],
    [10, 'its disk fails: look at the system’s log'],
    [8, 'it is read-only: check its rights'],
    [14, 'it can’t be opened: check that its directory is there, and its rights'],
  ]);
  return new RingfenceError(
    'RF_AUDIT',
    `Cannot write the audit chain as ${known.get(errcode & 0xff) ?? `the store failed (${code} ${errcode})`}.`,
    { errcode },
    { cause: error },
  );
}

const valuesOf = ({ seq, hash, body }: Entry): [number, Buffer, string] => [
  seq,
  Buffer.from(hash, 'hex'),
  body,
];

function splitHashes(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString('latin1');
  return Array.from({ length: text.length / 32 }, (_, index) =>
    text.slice(index * 32, index * 32 + 32),
  );
}

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
    let lock: DatabaseSync | null = null;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      lock = takeLock(join(directory, LOCK_FILE));
      const path = join(directory, DATABASE_FILE);
      const database = new DatabaseSync(path, { timeout: BUSY_MS });
      chmodSync(path, 0o600);
      database.exec(
        `PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;`,
      );
      prepareTables(database, chain);
      const { page_size: pageBytes } = database.prepare('PRAGMA page_size').get() as {
        page_size: number;
      };
      database.exec(`PRAGMA max_page_count = ${Math.max(16, Math.floor(maxBytes / pageBytes))}`);
      return new ChainDatabase(database, lock);
    } catch (error) {
      lock?.close();
      throw storeError(error);
    }
  }

  /** Opens a chain to read it. @throws {RingfenceError} `RF_FILE` */
  static openToRead(directory: string): ChainDatabase {
    try {
      const database = new DatabaseSync(join(directory, DATABASE_FILE), {
        readOnly: true,
        timeout: BUSY_MS,
      });
      requireVersion(database);
      return new ChainDatabase(database, null);
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
    let { previous, timeMs } = start;
    const rows = this.#database
      .prepare('SELECT seq, hash, body FROM events WHERE seq >= ? ORDER BY seq')
      .iterate(start.size) as Iterable<{ seq: number; hash: Uint8Array; body: string }>;
    for (const { seq, hash, body } of rows) {
      const hex = Buffer.from(hash).toString('hex');
      const eventMs = timeInPlace(body, previous, tree.size);
      if (seq !== tree.size || hashOf(body) !== hex || eventMs < timeMs) {
        throw damaged(`event ${tree.size} is not what was written`, tree.size);
      }
      tree.pushHex(hex);
      previous = hex;
      timeMs = eventMs;
    }
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
    const gone = 'seq > 0 AND seq < ? AND instr(body, \',"kind":"key.rotate","module":\') = 0';
    const rows = this.#database
      .prepare(`SELECT seq, hash FROM events WHERE ${gone} ORDER BY seq`)
      .all(before) as { seq: number; hash: Uint8Array }[];
    const insert = this.#database.prepare('INSERT INTO pruned VALUES (?, ?)');
    for (const { first, hashes } of blocksOf(rows, this.#signedSizes(before))) {
      insert.run(first, Buffer.concat(hashes));
    }
    this.#database.prepare(`DELETE FROM events WHERE ${gone}`).run(before);
  }

  #signedSizes(before: number): ReadonlySet<number> {
    const rows = this.#database
      .prepare('SELECT size FROM checkpoints WHERE note IS NOT NULL AND size <= ?')
      .all(before) as { size: number }[];
    return new Set(rows.map(({ size }) => size));
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
    const hashes: string[] = [];
    const blocks = this.#database
      .prepare('SELECT first, hashes FROM pruned WHERE first < ?')
      .iterate(size) as Iterable<Block>;
    for (const { first, hashes: bytes } of blocks) {
      splitHashes(bytes).forEach((hash, index) => {
        hashes[first + index] = hash;
      });
    }
    const rows = this.#database
      .prepare('SELECT seq, hash FROM events WHERE seq < ?')
      .iterate(size) as Iterable<{ seq: number; hash: Uint8Array }>;
    for (const { seq, hash } of rows) {
      hashes[seq] = Buffer.from(hash).toString('latin1');
    }
    hashes.length = Math.min(hashes.length, size);
    return hashes;
  }

  /** Where a body of the last event before `time` stands: the first event at or after a time. */
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
  *lines(from = 0): Generator<string, number> {
    const events = this.#database.prepare(
      'SELECT seq, hash, body FROM events WHERE seq >= ? ORDER BY seq LIMIT ?',
    );
    const block = this.#database.prepare('SELECT first, hashes FROM pruned WHERE first = ?');
    const notes = this.#database.prepare(
      'SELECT size, note FROM checkpoints WHERE note IS NOT NULL AND size > ? AND size <= ? ORDER BY size',
    );
    let next = from;
    const end = this.size;
    // Who begins within removed events gets all of their line.
    const before = this.#database
      .prepare('SELECT first, hashes FROM pruned WHERE first <= ? ORDER BY first DESC LIMIT 1')
      .get(from) as Block | undefined;
    if (before !== undefined && before.first + before.hashes.length / 32 > from) {
      next = before.first;
    }
    while (next < end) {
      const removed = block.get(next) as Block | undefined;
      // Node types rows by no query: their columns are those that the statements name.
      const rows =
        removed === undefined
          ? (events.all(next, Math.min(READ_EVENTS, end - next)) as unknown as EventRow[])
          : [];
      const last = removed === undefined ? endOfRun(rows, next) : next + removed.hashes.length / 32;
      const signed = notes.all(next, last) as unknown as { size: number; note: string }[];
      if (removed === undefined) {
        yield* linesOf(rows.slice(0, last - next), signed);
      } else {
        yield prunedLine(removed);
        yield* signed.map(({ note }) => checkpointLine(note));
      }
      // Where neither an event nor its hash is there, what follows is read in its place.
      next = last === next ? (rows[0]?.seq ?? end) : last;
    }
    return next;
  }

  close(): void {
    this.#database.close();
    this.#lock?.close();
  }
}

const bodyTime = (body: string): number =>
  Number(/"time_ms":(\d+),"v":"[^"]*"\}$/.exec(body)?.[1] ?? 0);

interface EventRow {
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly body: string;
}

interface Block {
  readonly first: number;
  readonly hashes: Uint8Array;
}

/** Where events stop to follow each other. */
function endOfRun(rows: readonly EventRow[], first: number): number {
  const gap = rows.findIndex(({ seq }, index) => seq !== first + index);
  return first + (gap < 0 ? rows.length : gap);
}

const checkpointLine = (note: string): string => `{"checkpoint":${JSON.stringify(note)}}`;

const prunedLine = ({ first, hashes }: Block): string =>
  `{"pruned":{"first":${first},"hashes":"${Buffer.from(hashes).toString('base64')}"}}`;

function* linesOf(
  rows: readonly EventRow[],
  signed: readonly { size: number; note: string }[],
): Generator<string> {
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

/** Hashes of events that follow each other, cut where a checkpoint stands between them. */
function* blocksOf(
  rows: readonly { seq: number; hash: Uint8Array }[],
  signedSizes: ReadonlySet<number>,
): Generator<{ first: number; hashes: Uint8Array[] }> {
  let block: { first: number; hashes: Uint8Array[] } | null = null;
  for (const { seq, hash } of rows) {
    if (block !== null && block.first + block.hashes.length !== seq) {
      yield block;
      block = null;
    }
    block ??= { first: seq, hashes: [] };
    block.hashes.push(hash);
    if (signedSizes.has(seq + 1) || block.hashes.length === PRUNED_LINE_HASHES) {
      yield block;
      block = null;
    }
  }
  if (block !== null) {
    yield block;
  }
}

/** Held as long as the process lives: the system gives it back, however that ends. */
function takeLock(path: string): DatabaseSync {
  const lock = new DatabaseSync(path);
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw new RingfenceError(
      'RF_AUDIT',
      'Cannot write the audit chain as another kernel does: give each its own directory.',
      {},
      { cause: error },
    );
  }
}

function requireVersion(database: DatabaseSync): number {
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as {
    user_version: number;
  };
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

/** The root of a tree over hashes. */
export function rootOf(hashes: readonly string[]): string {
  const tree = new Frontier();
  for (const hash of hashes) {
    tree.push(hash);
  }
  return tree.root();
}
