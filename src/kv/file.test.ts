import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KvFile } from './file.ts';
import { KV_QUOTA_DEFAULT } from './quota.ts';

let folder: string;
let warnings: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-kv-file-'));
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

let nowMs = 0;
const open = (fileMaxBytes: number): Promise<KvFile> =>
  KvFile.open(
    { path: join(folder, 'values.sqlite'), quota: KV_QUOTA_DEFAULT, fileMaxBytes },
    (text) => warnings.push(text),
    () => nowMs,
  );

const owner = '=one';
const set = (file: KvFile, key: string, bytes: number) =>
  file.perform({ op: 'set', owner, key, value: new Uint8Array(bytes) });
const unwritable = { tag: 'err', why: 'unwritable' };

test('a file that is full says so once, answers what it has, and says when there is room again', async () => {
  const file = await open(64 * 1024);
  expect(await set(file, 'a', 30_000)).toMatchObject({ tag: 'ok' });
  const refused = await Promise.all(['b', 'c', 'd'].map((key) => set(file, key, 60_000)));
  expect(refused).toEqual([unwritable, unwritable, unwritable]);
  expect(await file.perform({ op: 'get', owner, key: 'a', withValue: true })).toMatchObject({
    tag: 'ok',
    val: { value: { length: 30_000 } },
  });
  expect(await file.perform({ op: 'delete', owner, key: 'a' })).toEqual({ tag: 'ok', val: true });
  expect(await set(file, 'b', 30_000)).toMatchObject({ tag: 'ok' });
  await file.close();
  expect(warnings).toEqual([
    expect.stringMatching(/can not be kept in '.*' as its disk or its size limit is full/),
    expect.stringMatching(/are kept in '.*' again/),
  ]);
});

test('an agent that fills the disk again and again is told of once a minute', async () => {
  const file = await open(64 * 1024);
  for (const _ of [1, 2, 3]) {
    expect(await set(file, 'large', 100_000)).toEqual(unwritable);
    expect(await set(file, 'a', 1_000)).toMatchObject({ tag: 'ok' });
  }
  expect(warnings).toHaveLength(2);
  nowMs += 60_000;
  await set(file, 'large', 100_000);
  await set(file, 'a', 1_000);
  await file.close();
  expect(warnings).toHaveLength(4);
});

test('of what is asked together, what fits is kept where something else does not', async () => {
  const file = await open(64 * 1024);
  const outcomes = await Promise.all([
    set(file, 'a', 1_000),
    set(file, 'large', 100_000),
    set(file, 'b', 1_000),
  ]);
  expect(outcomes.map(({ tag }) => tag)).toEqual(['ok', 'err', 'ok']);
  await file.close();
  expect(await set(file, 'c', 1)).toEqual(unwritable);
  const again = await open(64 * 1024);
  const list = { op: 'list', owner, prefix: '', after: null, limit: 10 } as const;
  expect(await again.perform(list)).toEqual({ tag: 'ok', val: { keys: ['a', 'b'], more: false } });
  await again.close();
});
