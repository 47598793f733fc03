/** The thread that writes a file of values: SQLite is synchronous, and nobody else's turn waits for a disk. */

import type { DatabaseSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { boundFile, fileProblem, openFile, takeLock, versionOf } from '../sqlite/owned-file.ts';
import type { FromThread, ThreadSettings, ToThread } from './protocol.ts';
import type { KvOutcome, KvRequest } from './request.ts';
import { KV_SCHEMA, KV_SCHEMA_VERSION, KvTable } from './table.ts';

/** Requests that are taken at a time: they become one commit. */
const REQUESTS_MAX = 1_000;

/** Bytes of a page: SQLite's own default. */
const PAGE_BYTES = 4_096;

const WRITES: ReadonlySet<KvRequest['op']> = new Set(['set', 'swap', 'increment', 'delete']);

const port = parentPort;
if (port === null) {
  throw new Error('This file is started as a thread.');
}
const say = (message: FromThread): void => port.postMessage(message);

/** Why a file is not opened, to be read after "as". */
class NotOpened extends Error {}

function prepareTables(database: DatabaseSync): void {
  const version = versionOf(database);
  if (version === KV_SCHEMA_VERSION) {
    return;
  }
  const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as {
    tables: number;
  };
  if (version !== 0 || tables > 0) {
    throw new NotOpened('it is of another program, or another version: name another');
  }
  database.exec('BEGIN IMMEDIATE');
  database.exec(KV_SCHEMA);
  database.exec('COMMIT');
}

function open({ path, quota, fileMaxBytes }: ThreadSettings) {
  const lock = takeLock(`${path}.lock`);
  if (lock === null) {
    throw new NotOpened('another kernel has it: give each its own');
  }
  try {
    const database = openFile(path, PAGE_BYTES);
    prepareTables(database);
    boundFile(database, fileMaxBytes);
    return { lock, database, table: new KvTable(database, quota) };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** Answers requests, and says when nothing can be written and when it can again. */
class Answering {
  readonly #table: KvTable;
  #isFailing = false;

  constructor(table: KvTable) {
    this.#table = table;
  }

  answer(asked: readonly Extract<ToThread, { tag: 'ask' }>[]): void {
    let failure: unknown = null;
    const outcomes = this.#table.perform(
      asked.map(({ request }) => request),
      (error) => {
        failure = error;
      },
    );
    const hasWritten = outcomes.some(
      ({ tag }, index) => tag === 'ok' && WRITES.has(asked[index]?.request.op ?? 'get'),
    );
    if (failure !== null && !this.#isFailing) {
      this.#isFailing = true;
      say({ tag: 'failing', why: fileProblem(failure) });
    } else if (failure === null && hasWritten && this.#isFailing) {
      this.#isFailing = false;
      say({ tag: 'failing', why: null });
    }
    const answers = asked.map(({ id }, index) => [id, outcomes[index] as KvOutcome] as const);
    say({ tag: 'answers', answers });
  }
}

/** What has come since; the first of it is given. */
function takeAll(first: ToThread): ToThread[] {
  const asked = [first];
  while (asked.length < REQUESTS_MAX) {
    const next = receiveMessageOnPort(port as NonNullable<typeof port>);
    if (next === undefined) {
      break;
    }
    asked.push((next as { message: ToThread }).message);
  }
  return asked;
}

try {
  const { lock, database, table } = open(workerData as ThreadSettings);
  const answering = new Answering(table);
  say({ tag: 'open' });
  port.on('message', (first: ToThread) => {
    const asked = takeAll(first);
    const requests = asked.filter((each) => each.tag === 'ask');
    if (requests.length > 0) {
      answering.answer(requests);
    }
    if (requests.length < asked.length) {
      database.close();
      lock.close();
      port.close();
    }
  });
} catch (error) {
  say({
    tag: 'failed to open',
    why: error instanceof NotOpened ? error.message : fileProblem(error),
  });
}
