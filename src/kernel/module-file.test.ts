/**
 * Goal: what a policy decides by is where the file is whose bytes were read, and not what its name leads
 * to later or meanwhile. Method: files and links that are turned elsewhere while they are read.
 */

import {
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readModule } from './module-file.ts';

let directory: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'ringfence-module-')));
  writeFileSync(join(directory, 'trusted.wasm'), 'trusted');
  writeFileSync(join(directory, 'evil.wasm'), 'evil');
});
afterEach(() => rmSync(directory, { recursive: true }));

const turn = (to: string): void => {
  symlinkSync(to, join(directory, 'new'));
  renameSync(join(directory, 'new'), join(directory, 'link.wasm'));
};

test('the real path is that of the file behind a link', async () => {
  turn('evil.wasm');
  const { bytes, realPath } = await readModule(join(directory, 'link.wasm'));
  expect([Buffer.from(bytes).toString(), realPath]).toEqual(['evil', join(directory, 'evil.wasm')]);
});

test('a link that is turned at any moment gives no file the path of another', async () => {
  turn('evil.wasm');
  const seen = new Set<string>();
  let turns = 0;
  const turning = setInterval(() => {
    turns += 1;
    turn(turns % 2 === 0 ? 'evil.wasm' : 'trusted.wasm');
  });
  for (let count = 0; count < 500; count += 1) {
    try {
      const { bytes, realPath } = await readModule(join(directory, 'link.wasm'));
      expect(Buffer.from(bytes)).toEqual(readFileSync(realPath ?? ''));
      seen.add(realPath ?? '');
    } catch (error) {
      expect(error).toMatchObject({ code: 'RF_FILE' });
    }
  }
  clearInterval(turning);
  expect([...seen].sort()).toEqual(
    ['evil.wasm', 'trusted.wasm'].map((name) => join(directory, name)),
  );
});
