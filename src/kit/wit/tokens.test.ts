/**
 * Goal: what a WIT file's comments say stays a comment in every language that it is written in. Method: the
 * comments of a token, with what ends a line in one language and not in another.
 */

import { expect, test } from 'vitest';
import { comment } from '../generated-text.ts';
import { tokensOf } from './tokens.ts';

const docsOf = (text: string) => tokensOf({ name: 'a.wit', text })[0]?.docs;

test('lines of a doc comment are those that WIT has', () => {
  expect(docsOf('/// one\r\n/// two\nword')).toBe('one\ntwo');
  expect(docsOf('/** one\r\n * two */ word')).toBe('one\ntwo');
});

test.each([
  ['a carriage return', '\r'],
  ['a form feed', '\f'],
  ['the separators of Unicode', '\u2028'],
  ['an escape', '\u001b'],
])('%s in one is a space', (_, character) => {
  expect(docsOf(`/// one${character}two\nword`)).toBe('one two');
  expect(docsOf(`/** one${character}two */ word`)).toBe('one two');
});

test('so nothing in it ends a comment of C, with and without a line that goes on', () => {
  const ends = (text: string) => text.replace(/\\[\r\n]/g, '').match(/\*\//g)?.length;
  for (const text of ['/// a */ b', '/// a *\\\r/ b', '/// a *\\\n/// / b', '/** a *\\\n/ b */']) {
    expect(ends(comment(docsOf(`${text}\nword`) ?? null))).toBe(1);
  }
});
