import { describe, expect, test } from 'vitest';
import {
  PrintableStream,
  printableJson,
  printableLine,
  printableText,
  quoted,
} from './printable.ts';

describe('printableLine', () => {
  test('shows control characters of both kinds, and keeps to one line', () => {
    expect(printableLine('a\u001b[2J\u0007\u0000b')).toBe('a␛[2J␇␀b');
    expect(printableLine('a\nb\r\tc')).toBe('a\\nb\\r\\tc');
    expect(printableLine('\u007f\u009b31m')).toBe('␡\\x9b31m');
  });

  test('shows separators and marks that change how a line is read', () => {
    expect(printableLine('a\u2028b\u202ec\u2066d\ufeff')).toBe(
      'a\\u{2028}b\\u{202e}c\\u{2066}d\\u{feff}',
    );
  });

  test('leaves every other script as it is', () => {
    const text = 'größer 東京 🦔 שלום';
    expect(printableLine(text)).toBe(text);
  });

  test('half a surrogate pair does no harm', () => {
    expect(printableLine('a\ud800b')).toBe('a\ufffdb');
  });
});

test('printableText keeps line ends and tabs only', () => {
  expect(printableText('a\tb\nc\rd\u001b]0;title\u0007')).toBe('a\tb\nc␍d␛]0;title␇');
});

describe('printableJson', () => {
  const value = { name: 'a\u001b[2J\u007f\u009b31m\u202eb\u2028\n"ü', list: ['\ufeff'] };

  test('moves no cursor, and is read as what it was', () => {
    for (const json of [printableJson(value), printableJson(value, 2)]) {
      expect(json).not.toMatch(/(?!\n)[\p{Cc}\u2028\u202e\ufeff]/u);
      expect(JSON.parse(json)).toEqual(value);
    }
    expect(printableJson(value, 2)).toContain('\n  "list"');
  });

  test('is what JSON.stringify writes where there is nothing to hide', () => {
    expect(printableJson({ text: 'größer\n', of: [1, null] })).toBe(
      JSON.stringify({ text: 'größer\n', of: [1, null] }),
    );
  });
});

describe('quoted', () => {
  test('cuts a name that is too long for a sentence, never in the middle of a character', () => {
    expect(quoted('x'.repeat(200))).toBe(`'${'x'.repeat(200)}'`);
    expect(quoted('x'.repeat(1_000_000))).toBe(`'${'x'.repeat(200)}…'`);
    expect(quoted('🦔'.repeat(300))).toBe(`'${'🦔'.repeat(200)}…'`);
  });

  test('shows what is in it', () => {
    expect(quoted('a\n\u001b')).toBe("'a\\n␛'");
  });
});

describe('PrintableStream', () => {
  const show = (...chunks: readonly Uint8Array[]) => {
    const stream = new PrintableStream();
    const shown = chunks.map((chunk) => stream.push(chunk));
    return Buffer.concat([...shown, stream.end()]).toString();
  };

  test('a character that is split between chunks is shown whole', () => {
    const bytes = Buffer.from('a🦔\u001bb');
    for (let split = 0; split <= bytes.length; split += 1) {
      expect(show(bytes.subarray(0, split), bytes.subarray(split))).toBe('a🦔␛b');
    }
  });

  test('bytes that are no text are shown as such', () => {
    expect(show(Uint8Array.of(0x61, 0xff, 0x62))).toBe('a\ufffdb');
    expect(show(Uint8Array.of(0x61, 0xf0, 0x9f))).toBe('a\ufffd');
  });
});
