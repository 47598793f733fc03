/** Goal: what others wrote is bounded, and moves no cursor. Method: texts and bytes by hand. */

import { describe, expect, test } from 'vitest';
import { BoundedBytes, safeLine, safeText } from './safe-text.ts';

describe('a text', () => {
  test.each<[string, string, string]>([
    ['plain', 'a b\tc\né😀', 'a b\tc\né😀'],
    ['line ends of others', 'a\r\nb\rc', 'a\nb␍c'],
    ['escapes', '\u001b[2J\u0007\u0000\u007f', '␛[2J␇␀␡'],
    ['control characters of the other kind', '\u009b31m\u0085', '\ufffd31m\ufffd'],
    ['marks of direction and separators', '\u202ea\u2066\u2028\ufeff', '\ufffda\ufffd\ufffd\ufffd'],
    ['half of a pair', 'a\ud83d', 'a\ufffd'],
  ])('%s', (_, text, expected) => {
    expect(safeText(text)).toBe(expected);
  });

  test('on one line is cut', () => {
    expect(safeLine('a\n\tb', 10)).toBe('a b');
    expect(safeLine('x'.repeat(11), 10)).toBe(`${'x'.repeat(10)}…`);
  });
});

describe('bytes', () => {
  test('are kept up to their bound, and the rest is counted', () => {
    const bytes = new BoundedBytes(5);
    for (const chunk of ['ab', '', 'cd', 'ef', 'gh']) {
      bytes.push(Buffer.from(chunk));
    }
    expect(bytes.text()).toBe('abcde');
    expect(bytes.dropped).toBe(3);
  });

  test('are copied', () => {
    const bytes = new BoundedBytes(5);
    const chunk = Buffer.from('abc');
    bytes.push(chunk);
    chunk.fill(0);
    expect(bytes.text()).toBe('abc');
  });

  test('a character that the bound cuts in two is left out, one that the module did not end is told', () => {
    const cut = new BoundedBytes(3);
    cut.push(Buffer.from('aé😀'));
    expect(cut.text()).toBe('aé');
    const broken = new BoundedBytes(10);
    broken.push(Buffer.from([0x61, 0xc3]));
    expect(broken.text()).toBe('a\ufffd');
  });
});
