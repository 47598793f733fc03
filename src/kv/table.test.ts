import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { KV_QUOTA_DEFAULT, type KvQuota } from './quota.ts';
import type { KvOperation, KvOutcome, RequestOf } from './request.ts';
import { KV_SCHEMA, KvTable } from './table.ts';

function open(quota: Partial<KvQuota> = {}) {
  const database = new DatabaseSync(':memory:');
  database.exec(KV_SCHEMA);
  const errors: unknown[] = [];
  const table = new KvTable(database, { ...KV_QUOTA_DEFAULT, ...quota });
  const perform = <Op extends KvOperation>(request: RequestOf<Op>): KvOutcome<Op> =>
    table.perform([request], (error) => errors.push(error))[0] as KvOutcome<Op>;
  return {
    database,
    table,
    errors,
    perform,
    get: (owner: string, key: string) => {
      const outcome = perform<'get'>({ op: 'get', owner, key, withValue: true });
      const bytes = outcome.tag === 'ok' ? outcome.val?.value : undefined;
      return bytes == null ? null : Buffer.from(bytes).toString();
    },
    version: (owner: string, key: string) => {
      const outcome = perform<'get'>({ op: 'get', owner, key, withValue: false });
      return outcome.tag === 'ok' ? (outcome.val?.version ?? 0) : -1;
    },
    set: (owner: string, key: string, value: string) => {
      const outcome = perform<'set'>({ op: 'set', owner, key, value: Buffer.from(value) });
      return outcome.tag === 'ok' ? 'ok' : outcome.why;
    },
    keys: (owner: string, prefix = '', after: string | null = null, limit = 1_000) => {
      const outcome = perform<'list'>({ op: 'list', owner, prefix, after, limit });
      return outcome.tag === 'ok' ? outcome.val.keys : [];
    },
    delete: (owner: string, key: string) => perform<'delete'>({ op: 'delete', owner, key }),
    swap: (owner: string, key: string, value: string, expected: number) =>
      perform<'swap'>({ op: 'swap', owner, key, value: Buffer.from(value), expected }),
    increment: (owner: string, key: string, delta: bigint) => {
      const outcome = perform<'increment'>({ op: 'increment', owner, key, delta });
      return outcome.tag === 'ok' ? outcome.val : outcome.why;
    },
  };
}

test('an owner has its own keys, whatever they are called', () => {
  const store = open();
  const keys = ['__proto__', 'constructor', 'a', 'a\0b', '\0', 'é', '😀', '�'];
  for (const key of keys) {
    expect(store.get('one', key)).toBeNull();
    expect(store.set('one', key, `of ${key}`)).toBe('ok');
    expect([store.get('one', key), store.get('other', key)]).toEqual([`of ${key}`, null]);
  }
  const inOrder = [...keys].sort((one, other) =>
    Buffer.compare(Buffer.from(one), Buffer.from(other)),
  );
  expect(store.keys('one')).toEqual(inOrder);
  expect(store.keys('one', 'a')).toEqual(['a', 'a\0b']);
  expect(store.keys('one', '', 'a', 2)).toEqual(['a\0b', 'constructor']);
  expect(store.keys('one', 'a', 'a')).toEqual(['a\0b']);
  expect(store.keys('one', '', 'aa', 1)).toEqual(['constructor']);
  expect(store.keys('one', 'a', '😀')).toEqual([]);
  expect([store.delete('one', 'a'), store.delete('one', 'a')]).toEqual([
    { tag: 'ok', val: true },
    { tag: 'ok', val: false },
  ]);
  store.set('other', 'a', '1');
  store.perform<'forget'>({ op: 'forget', owner: 'one' });
  expect([store.keys('one'), store.keys('other')]).toEqual([[], ['a']]);
});

test('a page says whether there are more', () => {
  const store = open();
  store.set('one', 'a', '1');
  store.set('one', 'b', '1');
  const list = (limit: number) =>
    store.perform<'list'>({ op: 'list', owner: 'one', prefix: '', after: null, limit });
  expect(list(1)).toEqual({ tag: 'ok', val: { keys: ['a'], more: true } });
  expect(list(2)).toEqual({ tag: 'ok', val: { keys: ['a', 'b'], more: false } });
});

describe('bounds', () => {
  test('keys and bytes of an owner: bytes are counted, not characters, and what is deleted makes room', () => {
    const store = open({ ownerMaxKeys: 3, ownerMaxBytes: 20 });
    for (const key of ['a', 'b', 'c']) {
      expect(store.set('one', key, '1')).toBe('ok');
    }
    expect(store.set('one', 'd', '1')).toBe('owner full');
    expect(store.set('other', 'd', '1')).toBe('ok');
    expect(store.set('one', 'a', '2')).toBe('ok');
    store.delete('one', 'b');
    expect(store.set('one', 'd', '1')).toBe('ok');
    // 4 bytes are others'; each of these 5 characters has three.
    expect(store.set('one', 'a', '€€€€€')).toBe('ok');
    expect(store.set('one', 'a', '€€€€€1')).toBe('owner full');
    expect(store.get('one', 'a')).toBe('€€€€€');
    expect(store.swap('one', 'a', '€€€€€1', store.version('one', 'a'))).toEqual({
      tag: 'err',
      why: 'owner full',
    });
    expect(store.set('one', 'a', '')).toBe('ok');
    expect(store.set('one', 'c', '0123456789')).toBe('ok');
  });

  test('bytes and owners of all', () => {
    const store = open({ maxBytes: 10, maxOwners: 2 });
    expect(store.set('one', 'a', '1234')).toBe('ok');
    expect(store.set('two', 'a', '12345')).toBe('store full');
    expect(store.set('two', 'a', '1234')).toBe('ok');
    expect(store.set('three', 'a', '')).toBe('store full');
    store.delete('one', 'a');
    expect(store.set('three', 'a', '')).toBe('ok');
    store.perform<'forget'>({ op: 'forget', owner: 'two' });
    expect(store.set('four', 'a', '12345678')).toBe('ok');
  });

  test('a quota that was lowered lets what is there shrink', () => {
    const { database, set } = open();
    set('one', 'a', '12345');
    const table = new KvTable(database, { ...KV_QUOTA_DEFAULT, ownerMaxBytes: 3, maxBytes: 3 });
    const put = (value: string) =>
      table.perform(
        [{ op: 'set', owner: 'one', key: 'a', value: Buffer.from(value) }],
        () => {},
      )[0];
    expect(put('123456')).toMatchObject({ tag: 'err', why: 'owner full' });
    expect(put('1234')).toMatchObject({ tag: 'ok' });
  });
});

test('a version is never given again, not to what was deleted and set anew, and 0 is what is not there', () => {
  const store = open();
  store.set('one', 'a', '1');
  const first = store.version('one', 'a');
  store.delete('one', 'a');
  expect(store.version('one', 'a')).toBe(0);
  expect(store.swap('one', 'a', '2', first)).toEqual({
    tag: 'ok',
    val: { isDone: false, version: 0 },
  });
  store.set('other', 'a', '1');
  store.set('one', 'a', '1');
  const second = store.version('one', 'a');
  expect(second).toBeGreaterThan(first);
  expect(store.swap('one', 'a', '2', first)).toEqual({
    tag: 'ok',
    val: { isDone: false, version: second },
  });
  expect(store.swap('one', 'a', '2', 0)).toEqual({
    tag: 'ok',
    val: { isDone: false, version: second },
  });
  expect(store.get('one', 'a')).toBe('1');
  expect(store.swap('one', 'a', '2', second)).toMatchObject({ tag: 'ok', val: { isDone: true } });
  expect(store.get('one', 'a')).toBe('2');
  expect(store.swap('one', 'b', '3', 0)).toMatchObject({ tag: 'ok', val: { isDone: true } });
});

test('numbers have 64 bits, and what is none is left as it is', () => {
  const store = open();
  expect(store.increment('one', 'n', 5n)).toBe(5n);
  expect(store.increment('one', 'n', -7n)).toBe(-2n);
  expect(store.get('one', 'n')).toBe('-2');
  expect(store.increment('one', 'n', 2n ** 63n - 1n)).toBe(2n ** 63n - 3n);
  expect(store.increment('one', 'n', 3n)).toBe('overflow');
  expect(store.increment('one', 'n', 2n)).toBe(2n ** 63n - 1n);
  store.set('one', 'n', `${-(2n ** 63n)}`);
  expect(store.increment('one', 'n', -1n)).toBe('overflow');
  expect(store.increment('one', 'n', 0n)).toBe(-(2n ** 63n));
  for (const text of [
    '',
    ' 1',
    '1 ',
    '01',
    '-0',
    '+1',
    '1.5',
    '0x1',
    '9223372036854775808',
    '1'.repeat(99),
  ]) {
    store.set('one', 'n', text);
    expect(store.increment('one', 'n', 1n), text).toBe('no number');
    expect(store.get('one', 'n')).toBe(text);
  }
});

test('of what is asked together each comes out by itself, also where the database fails', () => {
  const store = open();
  const put = (key: string) =>
    ({ op: 'set', owner: 'one', key, value: Buffer.alloc(40_000) }) as const;
  const failed: unknown[] = [];
  store.set('one', 'n', 'x');
  const refused = store.table.perform(
    [put('a'), { op: 'increment', owner: 'one', key: 'n', delta: 1n }, put('b')],
    (error) => failed.push(error),
  );
  expect(refused.map(({ tag }) => tag)).toEqual(['ok', 'err', 'ok']);
  store.database.exec('PRAGMA max_page_count = 60');
  const many = Array.from({ length: 20 }, (_, index) => put(`c${index}`));
  const outcomes = store.table.perform(many, (error) => failed.push(error));
  const kept = outcomes.filter(({ tag }) => tag === 'ok').length;
  expect(kept).toBeGreaterThan(0);
  expect(failed.length).toBe(many.length - kept);
  expect(store.keys('one', 'c').length).toBe(kept);
  expect(outcomes.at(-1)).toEqual({ tag: 'err', why: 'unwritable' });
  store.delete('one', 'a');
  expect(store.set('one', 'd', '1')).toBe('ok');
});
