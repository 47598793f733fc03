/**
 * Goal: Lua in a mount does what it does natively. Method: a script that works on files, strings,
 * errors and coroutines, and everything that it prints and leaves behind.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestKernel, testKernel } from '../support/kernel.ts';
import { Pair, titleOf, whyNot, workload } from './pair.ts';
import { LUA } from './programs.ts';

describe.skipIf(whyNot(LUA) !== null)(titleOf(LUA), { timeout: 120_000 }, () => {
  let host: TestKernel;
  let pair: Pair;
  beforeAll(async () => {
    host = await testKernel();
    pair = await Pair.of(host, LUA);
    pair.put('files.lua', workload('files.lua'));
    pair.put('sub3/broken.lua', 'local x = = 1\n');
    for (const folder of ['sub', 'sub2', 'tmp']) {
      pair.folder(folder);
    }
  });
  afterAll(async () => {
    pair?.remove();
    await host.kernel.close();
  });

  test('prints and leaves behind the same, and ends by the same error', async () => {
    const { guest, native } = await pair.run(['files.lua', 'an argument'], {
      stdin: '42 rest\nmore\nlines\n',
    });
    expect(native.stderr).toContain('lua: files.lua:');
    expect(guest).toEqual(native);
    const trees = pair.trees();
    expect(trees.guest).toEqual(trees.native);
    expect(Object.keys(trees.guest)).toContain('bytes.bin');
  });

  test('runs a program from standard input', async () => {
    const { guest, native } = await pair.run(['-', 'x', 'y'], {
      stdin:
        'print(#arg, ...); for line in io.lines("files.lua") do io.write(#line, " ") end os.exit(7)',
    });
    expect(native.code).toBe(7);
    expect(guest).toEqual(native);
  });
});
