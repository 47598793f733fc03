/**
 * The tables in SQLite that values are kept in, in memory or in a file, within a quota.
 *
 * What is asked together becomes one transaction: all of it, or, where that fails, each by itself. Keys and
 * owners are kept as bytes, so that no text ends at a character 0 and the order is that of the bytes. A value's
 * version is its row, which SQLite never gives again: what was deleted and set anew has another one.
 */

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { KvQuota } from './quota.ts';
import type { Entry, KvAnswers, KvOutcome, KvProblem, KvRequest, RequestOf } from './request.ts';

/** The version of the tables. */
export const KV_SCHEMA_VERSION = 1;

/** The tables, as they are made in a new file. */
export const KV_SCHEMA = `
  CREATE TABLE owners(
    owner BLOB PRIMARY KEY, keys INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE entries(
    version INTEGER PRIMARY KEY AUTOINCREMENT, owner BLOB NOT NULL, key BLOB NOT NULL,
    value BLOB NOT NULL, UNIQUE(owner, key));
  PRAGMA user_version = ${KV_SCHEMA_VERSION};
`;

const NUMBER = /^(?:0|-?[1-9]\d{0,18})$/;
const NUMBER_MIN = -(2n ** 63n);
const NUMBER_MAX = 2n ** 63n - 1n;

/** Behind every key that begins with the bytes before it: UTF-8 has no such byte. */
const BEHIND = Buffer.of(0xff);
/** Between a key and every longer one that begins with it. */
const NEXT = Buffer.of(0);

/** What an owner keeps, in numbers. */
interface Counts {
  readonly keys: number;
  readonly bytes: number;
}

const NOTHING: Counts = { keys: 0, bytes: 0 };

/** Ends a request that can't be done: nothing of it is. */
class Refused extends Error {
  readonly why: KvProblem;

  constructor(why: KvProblem) {
    super(why);
    this.why = why;
  }
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'utf8');

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');

/** Values of owners. */
export class KvTable {
  readonly #database: DatabaseSync;
  readonly #quota: KvQuota;
  readonly #find: StatementSync;
  readonly #read: StatementSync;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #range: StatementSync;
  readonly #counts: StatementSync;
  readonly #count: StatementSync;
  readonly #countless: StatementSync;
  #owners = 0;
  #bytes = 0;

  /** `database` has the tables of {@link KV_SCHEMA}. */
  constructor(database: DatabaseSync, quota: KvQuota) {
    this.#database = database;
    this.#quota = quota;
    const ofKey = 'FROM entries WHERE owner = ? AND key = ?';
    this.#find = database.prepare(`SELECT version, length(value) AS bytes ${ofKey}`);
    this.#read = database.prepare(`SELECT version, value ${ofKey}`);
    this.#insert = database.prepare('INSERT INTO entries(owner, key, value) VALUES (?, ?, ?)');
    this.#remove = database.prepare('DELETE FROM entries WHERE version = ?');
    this.#range = database.prepare(
      'SELECT key FROM entries WHERE owner = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?',
    );
    this.#counts = database.prepare('SELECT keys, bytes FROM owners WHERE owner = ?');
    this.#count = database.prepare('INSERT OR REPLACE INTO owners VALUES (?, ?, ?)');
    this.#countless = database.prepare('DELETE FROM owners WHERE owner = ?');
    this.#sum();
  }

  /**
   * Does what is asked, in order.
   *
   * @param failed told what SQLite throws where it can't write
   */
  perform(requests: readonly KvRequest[], failed: (error: unknown) => void): KvOutcome[] {
    try {
      return this.#together(requests);
    } catch (error) {
      this.#sum();
      if (requests.length > 1) {
        return requests.flatMap((request) => this.perform([request], failed));
      }
      failed(error);
      return [{ tag: 'err', why: 'unwritable' }];
    }
  }

  #together(requests: readonly KvRequest[]): KvOutcome[] {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const outcomes = requests.map((request) => this.#outcome(request));
      this.#database.exec('COMMIT');
      return outcomes;
    } catch (error) {
      if (this.#database.isTransaction) {
        this.#database.exec('ROLLBACK');
      }
      throw error;
    }
  }

  #outcome(request: KvRequest): KvOutcome {
    try {
      return { tag: 'ok', val: this.#answer(request) };
    } catch (error) {
      if (error instanceof Refused) {
        return { tag: 'err', why: error.why };
      }
      throw error;
    }
  }

  #answer(request: KvRequest): KvAnswers[KvRequest['op']] {
    const owner = bytesOf(request.owner);
    switch (request.op) {
      case 'get':
        return this.#get(owner, request);
      case 'set':
        return this.#set(owner, request.key, request.value);
      case 'swap':
        return this.#swap(owner, request);
      case 'delete':
        return this.#delete(owner, request.key);
      case 'increment':
        return this.#increment(owner, request);
      case 'list':
        return this.#list(owner, request);
      case 'forget':
        return this.#forget(owner);
    }
  }

  #get(owner: Buffer, { key, withValue }: RequestOf<'get'>): Entry | null {
    const row = (withValue ? this.#read : this.#find).get(owner, bytesOf(key)) as
      | { version: number; value?: Uint8Array }
      | undefined;
    return row === undefined ? null : { version: row.version, value: row.value ?? null };
  }

  #set(owner: Buffer, text: string, value: Uint8Array): number {
    const key = bytesOf(text);
    const before = this.#find.get(owner, key) as { version: number; bytes: number } | undefined;
    const { keys, bytes } = this.#countsOf(owner);
    const freed = before === undefined ? 0 : key.length + before.bytes;
    const more = key.length + value.length - freed;
    const { ownerMaxBytes, ownerMaxKeys, maxBytes, maxOwners } = this.#quota;
    const isNew = before === undefined;
    // Where a quota was lowered, what is there stays, and may shrink.
    if ((more > 0 && bytes + more > ownerMaxBytes) || (isNew && keys >= ownerMaxKeys)) {
      throw new Refused('owner full');
    }
    if ((more > 0 && this.#bytes + more > maxBytes) || (keys === 0 && this.#owners >= maxOwners)) {
      throw new Refused('store full');
    }
    if (before !== undefined) {
      this.#remove.run(before.version);
    }
    const { lastInsertRowid } = this.#insert.run(owner, key, value);
    this.#recount(owner, { keys, bytes }, { keys: keys + (isNew ? 1 : 0), bytes: bytes + more });
    return Number(lastInsertRowid);
  }

  #swap(owner: Buffer, { key, value, expected }: RequestOf<'swap'>): KvAnswers['swap'] {
    const row = this.#find.get(owner, bytesOf(key)) as { version: number } | undefined;
    const version = row?.version ?? 0;
    return version === expected
      ? { isDone: true, version: this.#set(owner, key, value) }
      : { isDone: false, version };
  }

  #delete(owner: Buffer, text: string): boolean {
    const key = bytesOf(text);
    const row = this.#find.get(owner, key) as { version: number; bytes: number } | undefined;
    if (row === undefined) {
      return false;
    }
    this.#remove.run(row.version);
    const before = this.#countsOf(owner);
    this.#recount(owner, before, {
      keys: before.keys - 1,
      bytes: before.bytes - key.length - row.bytes,
    });
    return true;
  }

  #increment(owner: Buffer, { key, delta }: RequestOf<'increment'>): bigint {
    const row = this.#find.get(owner, bytesOf(key)) as { bytes: number } | undefined;
    let before = 0n;
    if (row !== undefined) {
      const entry =
        row.bytes > 20 ? null : this.#get(owner, { op: 'get', owner: '', key, withValue: true });
      const text = textOf(entry?.value ?? new Uint8Array());
      if (!NUMBER.test(text)) {
        throw new Refused('no number');
      }
      before = BigInt(text);
      if (before < NUMBER_MIN || before > NUMBER_MAX) {
        throw new Refused('no number');
      }
    }
    const sum = before + delta;
    if (sum < NUMBER_MIN || sum > NUMBER_MAX) {
      throw new Refused('overflow');
    }
    this.#set(owner, key, bytesOf(`${sum}`));
    return sum;
  }

  #list(owner: Buffer, { prefix, after, limit }: RequestOf<'list'>): KvAnswers['list'] {
    const first = bytesOf(prefix);
    const behind = after === null ? first : Buffer.concat([bytesOf(after), NEXT]);
    const from = Buffer.compare(behind, first) > 0 ? behind : first;
    const rows = this.#range.all(owner, from, Buffer.concat([first, BEHIND]), limit + 1) as {
      key: Uint8Array;
    }[];
    return {
      keys: rows.slice(0, limit).map(({ key }) => textOf(key)),
      more: rows.length > limit,
    };
  }

  #forget(owner: Buffer): null {
    const before = this.#countsOf(owner);
    if (before.keys > 0) {
      this.#database.prepare('DELETE FROM entries WHERE owner = ?').run(owner);
      this.#recount(owner, before, NOTHING);
    }
    return null;
  }

  #countsOf(owner: Buffer): Counts {
    return (this.#counts.get(owner) as Counts | undefined) ?? NOTHING;
  }

  #recount(owner: Buffer, before: Counts, after: Counts): void {
    if (after.keys === 0) {
      this.#countless.run(owner);
    } else {
      this.#count.run(owner, after.keys, after.bytes);
    }
    this.#owners += Math.sign(after.keys) - Math.sign(before.keys);
    this.#bytes += after.bytes - before.bytes;
  }

  /** What all owners have: counted anew where a transaction was undone. */
  #sum(): void {
    const { owners, bytes } = this.#database
      .prepare('SELECT count(*) AS owners, coalesce(sum(bytes), 0) AS bytes FROM owners')
      .get() as { owners: number; bytes: number };
    this.#owners = owners;
    this.#bytes = bytes;
  }
}
