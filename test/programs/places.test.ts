/**
 * Goal: programs find the same file system in every kind of mount and at every level of isolation.
 * Method: workloads of the other tests here, in a mount in memory, in one that is read-only, and in a
 * thread and a process of their own.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestKernel, testKernel } from '../support/kernel.ts';
import { Pair, type Program, titleOf, treeOf, whyNot, workload } from './pair.ts';
import { BZIP2, PYTHON, SQLITE } from './programs.ts';

let host: TestKernel;
beforeAll(async () => {
  host = await testKernel();
});
afterAll(() => host.kernel.close());

/** Runs a test with the folders of a program. */
async function withPair(program: Program, work: (pair: Pair) => Promise<void>): Promise<void> {
  const pair = await Pair.of(host, program);
  try {
    await work(pair);
  } finally {
    pair.remove();
  }
}

const available = (program: Program) => describe.skipIf(whyNot(program) !== null);

available(PYTHON)(titleOf(PYTHON), { timeout: 120_000 }, () => {
  test('works in memory as in a folder', () =>
    withPair(PYTHON, async (pair) => {
      pair.put('work.py', workload('work.py'));
      const stdin = 'a line\nmore of\nthem\n';
      const { outcome } = await pair.runGuest(['/scripts/work.py'], {
        stdin,
        files: [
          { memory: true, guest: '/' },
          { host: pair.folders.guest, guest: '/scripts', modes: ['read'] },
        ],
      });
      const native = pair.runNative(['work.py'], { stdin });
      expect(native.code).toBe(3);
      expect(outcome.stdout.split('\n')).toEqual(native.stdout.split('\n'));
      expect(outcome).toEqual(native);
      expect(Object.keys(treeOf(pair.folders.guest))).toEqual(['work.py']);
    }));
});

available(SQLITE)(titleOf(SQLITE), { timeout: 120_000 }, () => {
  test('keeps a database in memory, and copies it out by a folder', () =>
    withPair(SQLITE, async (pair) => {
      const stdin = `${workload('log.sql')}.backup /out/copy.db\n`;
      const { outcome } = await pair.runGuest(['log.db'], {
        stdin,
        files: [
          { memory: true, guest: '/' },
          { host: pair.folders.guest, guest: '/out', modes: ['read', 'write', 'create'] },
        ],
      });
      const native = pair.runNative(['log.db'], { stdin: stdin.replace('/out/', '') });
      expect(outcome).toEqual(native);
      const { 'copy.db': theirs } = treeOf(pair.folders.native);
      expect(treeOf(pair.folders.guest)).toEqual({ 'copy.db': theirs });
    }));

  test.each(['thread', 'process'] as const)('does the same in a %s of its own', (isolation) =>
    withPair(SQLITE, async (pair) => {
      const { guest, native } = await pair.run(['log.db'], {
        stdin: workload('log.sql'),
        isolation,
      });
      expect(native.stdout).toContain('wal');
      expect(guest).toEqual(native);
      const trees = pair.trees();
      expect(trees.guest).toEqual(trees.native);
    }),
  );

  test('opens a database that it may only read', () =>
    withPair(SQLITE, async (pair) => {
      pair.runNative(['main.db', 'create table t (a); insert into t values (7)'], {
        where: 'guest',
      });
      const before = treeOf(pair.folders.guest);
      const { outcome } = await pair.runGuest(
        ['main.db', 'select * from t; insert into t values (8)'],
        { files: [{ host: pair.folders.guest, guest: '/', modes: ['read'] }] },
      );
      expect(outcome.stdout).toBe('7\n');
      expect(outcome.stderr).toContain('attempt to write a readonly database');
      expect(treeOf(pair.folders.guest)).toEqual(before);
    }));
});

available(BZIP2)(titleOf(BZIP2), { timeout: 120_000 }, () => {
  test('can make no file where it may only read', () =>
    withPair(BZIP2, async (pair) => {
      pair.put('text', 'text '.repeat(10_000));
      const before = treeOf(pair.folders.guest);
      const refused = await pair.runGuest(['-k', 'text'], {
        files: [{ host: pair.folders.guest, guest: '/', modes: ['read'] }],
      });
      expect(refused.outcome.code).toBe(1);
      expect(refused.outcome.stderr).toContain("Can't create output file text.bz2");
      expect(treeOf(pair.folders.guest)).toEqual(before);
      // The control.
      const { guest, native } = await pair.run(['-k', 'text']);
      expect(guest).toEqual(native);
      expect(pair.trees().guest).toEqual(pair.trees().native);
    }));

  test.each(['thread', 'process'] as const)('does the same in a %s of its own', (isolation) =>
    withPair(BZIP2, async (pair) => {
      pair.put('text', 'text '.repeat(100_000), new Date('2001-02-03T04:05:06Z'));
      const { guest, native } = await pair.run(['-v', 'text'], { isolation });
      expect(native.code).toBe(0);
      expect(guest).toEqual(native);
      expect(pair.trees().guest).toEqual(pair.trees().native);
    }),
  );
});
