/** The resource tree as it was at the last checkpoint, kept beside the chain that it follows from. */

import type { DatabaseSync } from 'node:sqlite';
import { entryOfText, type ResourceEntry } from '../tree/entry.ts';
import { type Changes, type KeptRunning, ResourceTree } from '../tree/resource-tree.ts';

/** Chains that were begun before there was a tree have no such tables. */
const TABLES = `
  CREATE TABLE IF NOT EXISTS resources(place INTEGER PRIMARY KEY, entry TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS running(pid INTEGER PRIMARY KEY, root TEXT NOT NULL, key TEXT);
  CREATE TABLE IF NOT EXISTS resources_at(size INTEGER NOT NULL);
`;

export function prepareResources(database: DatabaseSync): void {
  database.exec(TABLES);
}

/** Within a transaction: keeps what has changed of the tree, which is now of the first `size` events. */
export function saveResources(
  database: DatabaseSync,
  { entries, began, ended }: Changes,
  size: number,
): void {
  if (entries.length > 0) {
    const put = database.prepare('INSERT OR REPLACE INTO resources VALUES (?, ?)');
    for (const { index, text } of entries) {
      put.run(index, text);
    }
  }
  if (began.length > 0) {
    const begin = database.prepare('INSERT OR REPLACE INTO running VALUES (?, ?, ?)');
    for (const { pid, root, key } of began) {
      // A name may have a NUL, which SQLite's texts end with.
      begin.run(pid, JSON.stringify(root), key);
    }
  }
  if (ended.length > 0) {
    const end = database.prepare('DELETE FROM running WHERE pid = ?');
    for (const pid of ended) {
      end.run(pid);
    }
  }
  database.exec('DELETE FROM resources_at');
  database.prepare('INSERT INTO resources_at VALUES (?)').run(size);
}

/** Of how many events the tree is kept; 0: of none. */
export function resourcesSize(database: DatabaseSync): number {
  const isThere = database.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'resources_at'`).get();
  const row =
    isThere === undefined
      ? undefined
      : (database.prepare('SELECT size FROM resources_at').get() as { size: number } | undefined);
  return row?.size ?? 0;
}

/** The tree as it is kept. */
export function loadResources(database: DatabaseSync): ResourceTree {
  if (resourcesSize(database) === 0) {
    return new ResourceTree();
  }
  const entries = database
    .prepare('SELECT entry FROM resources ORDER BY place')
    .iterate() as Iterable<{ entry: string }>;
  const running = database.prepare('SELECT pid, root, key FROM running').all() as {
    pid: number;
    root: string;
    key: string | null;
  }[];
  return ResourceTree.of(entriesOf(entries), running.map(runningOf));
}

function* entriesOf(rows: Iterable<{ entry: string }>): Generator<ResourceEntry> {
  for (const { entry } of rows) {
    yield entryOfText(entry);
  }
}

const runningOf = (row: { pid: number; root: string; key: string | null }): KeptRunning => ({
  pid: row.pid,
  root: JSON.parse(row.root) as string,
  key: row.key,
});
