/** Goal: lines become messages within caps, however they are cut. Method: bytes by hand, one after another too. */

import { describe, expect, test } from 'vitest';
import { type Incoming, IncomingLines } from './incoming.ts';

function linesOf(text: string, bytesMax = 100, step = text.length): Incoming[] {
  const lines = new IncomingLines(bytesMax);
  const bytes = Buffer.from(text);
  const all: Incoming[] = [];
  for (let start = 0; start < bytes.length; start += step) {
    all.push(...lines.push(bytes.subarray(start, start + step)));
  }
  return all;
}

const pad = 'x'.repeat(200);

describe.each([1, 7, 10_000])('read %i bytes at a time', (step) => {
  test.each<[string, string, Incoming[]]>([
    ['a message', '{"a":"é"}\n', [{ tag: 'message', val: { a: 'é' } }]],
    [
      'two, and half of one',
      '{"a":1}\r\n{"b":2}\n{"c"',
      [
        { tag: 'message', val: { a: 1 } },
        { tag: 'message', val: { b: 2 } },
      ],
    ],
    ['nothing', '\n \n\r\n', []],
    ['no JSON', 'listening\n', [{ tag: 'none', id: null }]],
    ['no object', '[1]\n', [{ tag: 'none', id: null }]],
    ['too deep', `{"a":${'['.repeat(70)}${']'.repeat(70)},"id":4}\n`, [{ tag: 'none', id: 4 }]],
    ['too long', `{"id":7,"a":"${pad}"}\n`, [{ tag: 'too-large', id: 7 }]],
    [
      'too long, its id last',
      `{"a":{"id":1,"b":["${pad}"]},"id":7}\n`,
      [{ tag: 'too-large', id: 7 }],
    ],
    ['quotes and braces in it', `{"a":"\\"}{${pad}\\\\","id":7}\n`, [{ tag: 'too-large', id: 7 }]],
    ['an id that is none', `{"a":"${pad}","id":"7"}\n`, [{ tag: 'too-large', id: null }]],
    ['no message at all', `${pad}\n`, [{ tag: 'too-large', id: null }]],
    [
      'what comes behind it',
      `${pad}\n{"a":1}\n`,
      [
        { tag: 'too-large', id: null },
        { tag: 'message', val: { a: 1 } },
      ],
    ],
  ])('%s', (_, text, expected) => {
    expect(linesOf(text, 190, step)).toEqual(expected);
  });
});
