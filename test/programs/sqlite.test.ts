/**
 * Goal: SQLite's shell in a mount keeps databases as the native one does, to the byte, and loses none
 * when it is ended in the middle of a transaction. Method: the same commands in two folders; native
 * SQLite opens what the guest wrote, and the other way round.
 */

import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestKernel, testKernel } from '../support/kernel.ts';
import { Pair, titleOf, whyNot, workload } from './pair.ts';
import { SQLITE } from './programs.ts';

describe.skipIf(whyNot(SQLITE) !== null)(titleOf(SQLITE), { timeout: 120_000 }, () => {
  let host: TestKernel;
  let pair: Pair;
  beforeAll(async () => {
    host = await testKernel();
    pair = await Pair.of(host, SQLITE);
    pair.put('more.sql', 'select count(*) as from_more from person;\n');
  });
  afterAll(async () => {
    pair?.remove();
    await host.kernel.close();
  });

  test('answers and leaves behind the same', async () => {
    const { guest, native } = await pair.run(['main.db'], { stdin: workload('database.sql') });
    expect(native.stdout).toContain('all_again');
    expect(guest.stdout.split('\n')).toEqual(native.stdout.split('\n'));
    expect(guest).toEqual(native);
    const trees = pair.trees();
    expect(trees.guest).toEqual(trees.native);
    expect(Object.keys(trees.guest)).toEqual([
      ...['copy.db', 'dump.sql', 'main.db', 'more.sql', 'other.db', 'people.csv'],
    ]);
  });

  test('opens what the native one wrote, which opens what it wrote', async () => {
    copyFileSync(join(pair.folders.native, 'main.db'), join(pair.folders.guest, 'theirs.db'));
    const { outcome } = await pair.runGuest(['theirs.db', 'pragma integrity_check', '.dump']);
    const native = pair.runNative(['main.db', 'pragma integrity_check', '.dump'], {
      where: 'guest',
    });
    expect(native.stdout.startsWith('ok\nPRAGMA foreign_keys=OFF;\n')).toBe(true);
    expect(outcome).toEqual(native);
  });

  test('keeps a write-ahead log', async () => {
    const { guest, native } = await pair.run(['log.db'], { stdin: workload('log.sql') });
    expect(native.stdout).toContain('wal');
    expect(guest).toEqual(native);
    expect(pair.trees().guest['log.db']).toEqual(pair.trees().native['log.db']);
  });

  test('locks by making files where told to', async () => {
    const args = [
      '-vfs',
      'unix-dotfile',
      'dotfile.db',
      'create table t (a); insert into t values (1); select * from t',
    ];
    const { guest, native } = await pair.run(args);
    expect(native.stdout).toBe('1\n');
    expect(guest).toEqual(native);
    expect(readdirSync(pair.folders.guest)).not.toContain('dotfile.db.lock');
  });

  test('ended in the middle of a transaction, it leaves a database that recovers', async () => {
    const made = await pair.runGuest([
      'killed.db',
      'create table t (a integer primary key, b text); insert into t values (1, "kept");',
    ]);
    expect(made.outcome.code).toBe(0);
    const before = readFileSync(join(pair.folders.guest, 'killed.db'));
    // A small cache writes pages to the file long before the commit.
    const transaction = [
      'killed.db',
      'pragma cache_size = 10; begin; update t set b = "lost";',
      `with recursive n(i) as (select 2 union all select i + 1 from n where i < 20000)
         insert into t select i, hex(zeroblob(200)) from n;`,
      'commit;',
    ];
    const killed = await pair.runGuest(transaction, { limits: { fuel: 100_000_000 } });
    expect(killed.report.exit.reason).toBe('fuel');
    expect(readdirSync(pair.folders.guest)).toContain('killed.db-journal');
    expect(readFileSync(join(pair.folders.guest, 'killed.db')).equals(before)).toBe(false);

    for (const file of ['killed.db', 'killed.db-journal']) {
      copyFileSync(join(pair.folders.guest, file), join(pair.folders.native, file));
    }
    const question = ['killed.db', 'pragma integrity_check; select a, b from t'];
    const { guest, native } = await pair.run(question);
    expect(native.stdout).toBe('ok\n1|kept\n');
    expect(guest).toEqual(native);
    expect(pair.trees().guest['killed.db']).toEqual(pair.trees().native['killed.db']);
    expect(readdirSync(pair.folders.guest)).not.toContain('killed.db-journal');
    // The control: with enough fuel the same transaction is done.
    expect((await pair.runGuest(transaction)).report.exit.reason).toBe('normal');
    expect(pair.runNative(['killed.db', 'select count(*) from t'], { where: 'guest' }).stdout).toBe(
      '20000\n',
    );
  });
});
