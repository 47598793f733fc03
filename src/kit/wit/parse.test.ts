/** Goal: WIT of any shape is read or refused with its place. Method: types in types, as many as there may be and one more. */

import { expect, test } from 'vitest';
import { parseWit } from './parse.ts';

const within = (lists: number) =>
  parseWit({
    name: 'a.wit',
    text: `interface i { type t = ${'list<'.repeat(lists)}u8${'>'.repeat(lists)}; }`,
  });

test('types in types are read to a depth, and refused beyond it', () => {
  expect(within(100).docs.size).toBe(0);
  for (const lists of [101, 100_000]) {
    expect(() => within(lists)).toThrow(/^a\.wit:1:\d+: a type has more than 100 others around it/);
  }
});
