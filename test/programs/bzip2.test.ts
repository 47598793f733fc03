/**
 * Goal: bzip2 in a mount leaves the files that it leaves natively. Method: the same commands in two
 * folders; outputs, exit codes, files and their times are compared.
 */

import { linkSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestKernel, testKernel } from '../support/kernel.ts';
import { Pair, titleOf, whyNot } from './pair.ts';
import { BZIP2 } from './programs.ts';

const MODIFIED = new Date('2001-02-03T04:05:06Z');

/** Three megabytes that compress about as well as text: words in an order by a fixed generator. */
function text(): string {
  let state = 42;
  const words: string[] = [];
  while (words.length < 500_000) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    words.push((state >>> 18).toString(36) + (words.length % 12 === 11 ? '\n' : ' '));
  }
  return words.join('');
}

/** Bytes that don't compress. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 7;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

describe.skipIf(whyNot(BZIP2) !== null)(titleOf(BZIP2), { timeout: 120_000 }, () => {
  let host: TestKernel;
  let pair: Pair;
  beforeAll(async () => {
    host = await testKernel();
    pair = await Pair.of(host, BZIP2);
    pair.put('text', text(), MODIFIED);
    pair.put('noise.bin', noise(300_000), MODIFIED);
    pair.put('empty', '', MODIFIED);
    pair.put('archive.tbz2.not', 'not compressed');
    pair.folder('folder');
    for (const folder of Object.values(pair.folders)) {
      symlinkSync('text', join(folder, 'symbolic'));
      linkSync(join(folder, 'noise.bin'), join(folder, 'linked'));
    }
  });
  afterAll(async () => {
    pair?.remove();
    await host.kernel.close();
  });

  /** Runs both, and answers what they did once it was the same. */
  async function same(args: readonly string[], stdin: string | Uint8Array = '') {
    const { guest, native } = await pair.run(args, { stdin });
    expect(guest).toEqual(native);
    const trees = pair.trees();
    expect(trees.guest).toEqual(trees.native);
    return { ...guest, tree: trees.guest };
  }

  test('compresses a file of megabytes, keeps it, and gives the new one its time', async () => {
    const { code, stderr, tree } = await same(['-9', '--keep', '--verbose', 'text']);
    expect(code).toBe(0);
    expect(stderr).toContain('bits/byte');
    expect(Object.keys(tree)).toContain('text.bz2');
    expect(statSync(join(pair.folders.guest, 'text.bz2')).mtime).toEqual(MODIFIED);
  });

  test('says that a file is whole', async () => {
    expect((await same(['--test', '--verbose', 'text.bz2'])).code).toBe(0);
  });

  test('decompresses in place of an archive, and over a file when told to', async () => {
    expect((await same(['--decompress', 'text.bz2'])).stderr).toContain('already exists');
    const { code, tree } = await same(['--decompress', '--force', 'text.bz2']);
    expect(code).toBe(0);
    expect(Object.keys(tree)).not.toContain('text.bz2');
    expect(statSync(join(pair.folders.guest, 'text')).mtime).toEqual(MODIFIED);
  });

  test.each([
    ['several files, one of them with two names and so refused', ['-1', 'empty', 'noise.bin']],
    ['a file that is not there', ['nowhere']],
    ['a folder', ['folder']],
    ['a symbolic link', ['symbolic']],
    ['what was never compressed', ['-d', 'archive.tbz2.not']],
    ['an unknown option', ['--unknown']],
  ])('does the same with %s', async (_, args) => {
    expect((await same(args)).code).not.toBe(0);
  });

  test('reads standard input and writes standard output', async () => {
    const { stdout } = await same(['-c'], text());
    expect((await same(['-dc'], Buffer.from(stdout, 'latin1'))).stdout).toBe(text());
  });

  test('tells where an archive is broken', async () => {
    const archive = Buffer.from((await same(['-c'], noise(200_000))).stdout, 'latin1');
    archive[100_000]! ^= 0xff;
    pair.put('broken.bz2', archive);
    const { code, stderr } = await same(['-d', 'broken.bz2']);
    expect(code).toBe(2);
    expect(stderr).toContain('Data integrity error');
    pair.put('short.bz2', archive.subarray(0, 50_000));
    expect((await same(['-t', 'short.bz2'])).stderr).toContain('ends unexpectedly');
  });
});
