/**
 * Goal: CPython in a mount does what a native one does. Method: a script that makes, renames, walks and
 * removes files, packs archives, keeps a database and computes; everything that it prints and leaves
 * behind. The two are of different versions, so the script keeps to what is the same in both.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestKernel, testKernel } from '../support/kernel.ts';
import { Pair, titleOf, whyNot, workload } from './pair.ts';
import { PYTHON } from './programs.ts';

/** Its header names the version of SQLite that wrote it. */
const DATABASE = 'python.db';

describe.skipIf(whyNot(PYTHON) !== null)(titleOf(PYTHON), { timeout: 120_000 }, () => {
  let host: TestKernel;
  let pair: Pair;
  beforeAll(async () => {
    host = await testKernel();
    pair = await Pair.of(host, PYTHON);
    pair.put('work.py', workload('work.py'));
  });
  afterAll(async () => {
    pair?.remove();
    await host.kernel.close();
  });

  test('prints and leaves behind the same, and ends with its own code', {
    timeout: 120_000,
  }, async () => {
    const { guest, native } = await pair.run(['work.py', 'an argument'], {
      stdin: 'a line\nmore of\nthem\n',
    });
    expect(native.code).toBe(3);
    expect(guest.stdout.split('\n')).toEqual(native.stdout.split('\n'));
    expect(guest).toEqual(native);
    const trees = pair.trees();
    expect(trees.guest[DATABASE]).toMatch(/bytes/);
    delete trees.guest[DATABASE];
    delete trees.native[DATABASE];
    expect(trees.guest).toEqual(trees.native);
    expect(Object.keys(trees.guest).length).toBeGreaterThan(350);
  });
});
