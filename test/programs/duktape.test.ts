/**
 * Goal: a JavaScript engine in a mount computes what it computes natively, and what Node does. Method:
 * one script in the language that they share, and the bytecode that the engine makes of it.
 */

import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestKernel, testKernel } from '../support/kernel.ts';
import { Pair, titleOf, whyNot, workload } from './pair.ts';
import { DUKTAPE } from './programs.ts';

const SCRIPT = workload('engine.es5');

describe.skipIf(whyNot(DUKTAPE) !== null)(titleOf(DUKTAPE), { timeout: 120_000 }, () => {
  let host: TestKernel;
  let pair: Pair;
  beforeAll(async () => {
    host = await testKernel();
    pair = await Pair.of(host, DUKTAPE);
    pair.put('engine.es5', SCRIPT);
    pair.put('broken.es5', 'print("before");\nvar 1x;\n');
    pair.put(
      'throws.es5',
      'print("before");\nfunction f() { throw new TypeError("on purpose"); }\nf();\n',
    );
  });
  afterAll(async () => {
    pair?.remove();
    await host.kernel.close();
  });

  test('computes what it computes natively, and what Node does', async () => {
    const { guest, native } = await pair.run(['engine.es5']);
    expect(native.code).toBe(0);
    expect(guest).toEqual(native);
    const node = execFileSync(process.execPath, ['-'], { input: SCRIPT, encoding: 'latin1' });
    expect(guest.stdout).toBe(node);
  });

  test('makes the same bytecode, and runs it', async () => {
    const { guest, native } = await pair.run(['-c', 'engine.bin', 'engine.es5']);
    expect(native.code).toBe(0);
    expect(guest).toEqual(native);
    const trees = pair.trees();
    expect(Object.keys(trees.guest)).toContain('engine.bin');
    expect(trees.guest).toEqual(trees.native);
    const run = await pair.run(['-b', 'engine.bin']);
    expect(run.guest).toEqual(run.native);
    expect(run.guest.stdout).toContain('5133');
  });

  test.each([
    ['a syntax error', ['broken.es5']],
    ['an error that nobody catches', ['throws.es5']],
    ['a file that is not there', ['nowhere.es5']],
  ])('ends alike by %s', async (_, args) => {
    const { guest, native } = await pair.run(args);
    expect(native.code).not.toBe(0);
    expect(guest).toEqual(native);
  });

  test('runs what it is given on standard input', async () => {
    const { guest, native } = await pair.run(['--run-stdin'], {
      stdin: 'print([1,2,3].map(String))',
    });
    expect(native.stdout).toBe('1,2,3\n');
    expect(guest).toEqual(native);
  });
});
