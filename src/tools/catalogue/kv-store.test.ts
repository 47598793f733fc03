import { expect, test } from 'vitest';
import { KV_CHARACTERS_MAX, KV_KEYS_MAX, KV_OWNERS_MAX, KvStore } from './kv-store.ts';

test('an owner has its own keys, whatever they are called', () => {
  const store = new KvStore();
  for (const key of ['__proto__', 'constructor', 'a']) {
    expect(store.get('one', key)).toBeNull();
    store.set('one', key, '1');
    expect([store.get('one', key), store.get('other', key)]).toEqual(['1', null]);
  }
  expect(store.keys('one', '')).toEqual(['__proto__', 'a', 'constructor']);
  expect(store.keys('one', 'c')).toEqual(['constructor']);
  expect([store.delete('one', 'a'), store.delete('one', 'a')]).toEqual([true, false]);
  store.forget('one');
  expect(store.keys('one', '')).toEqual([]);
});

const full = expect.objectContaining({ kind: 'limit-exceeded' });

test('keys, their characters and owners are bounded, and what is deleted makes room', () => {
  const store = new KvStore();
  for (let key = 0; key < KV_KEYS_MAX; key += 1) {
    store.set('keys', `${key}`, '1');
  }
  expect(() => store.set('keys', 'more', '1')).toThrow(full);
  store.set('keys', '0', '2');
  store.delete('keys', '1');
  store.set('keys', 'more', '1');

  const half = '1'.repeat(KV_CHARACTERS_MAX / 2 - 1);
  store.set('large', 'a', half);
  store.set('large', 'b', half);
  expect(() => store.set('large', 'c', '1')).toThrow(full);
  store.set('large', 'a', half);
  store.set('large', 'a', '1');
  store.set('large', 'c', '1');

  for (let owner = 2; owner < KV_OWNERS_MAX; owner += 1) {
    store.set(`owner ${owner}`, 'a', '1');
  }
  expect(() => store.set('another', 'a', '1')).toThrow(full);
  store.delete('owner 2', 'a');
  store.set('another', 'a', '1');
});
