import { describe, expect, test } from 'vitest';
import { isFieldName, isMethod, METHOD_LENGTH_MAX } from '../../../../http/syntax.ts';
import {
  AUTHORITY_LENGTH_MAX,
  isAuthority,
  isFieldValue,
  isPathWithQuery,
  isScheme,
  PATH_LENGTH_MAX,
  SCHEME_LENGTH_MAX,
} from './syntax.ts';

function accepts(check: (text: string) => boolean, good: string[], bad: string[]): void {
  test.each(good)('takes %j', (text) => expect(check(text)).toBe(true));
  test.each(bad)('refuses %j', (text) => expect(check(text)).toBe(false));
}

describe('a field name', () => {
  accepts(
    isFieldName,
    ['accept', 'X-1', '__proto__', 'constructor', "!#$%&'*+-.^_`|~"],
    ['', ' ', 'a b', 'a:', 'a\n', 'a\r\nb', 'é', 'a\0', '(a)', '"a"'],
  );
});

describe('a field value', () => {
  const check = (text: string): boolean => isFieldValue(Buffer.from(text, 'latin1'));
  accepts(check, ['', 'text', 'a\tb', '\xff', ' x '], ['a\nb', 'a\rb', '\0', '\x7f', '\x1b[31m']);
});

describe('a method', () => {
  accepts(
    isMethod,
    ['PROPFIND', 'x', 'm'.repeat(METHOD_LENGTH_MAX)],
    ['', 'GET /', 'A\r\nB', 'm'.repeat(METHOD_LENGTH_MAX + 1)],
  );
});

describe('a scheme', () => {
  accepts(
    isScheme,
    ['ws', 'a+b-c.9', 's'.repeat(SCHEME_LENGTH_MAX)],
    ['', '1a', 'a:', 'a/b', 'a\n', 's'.repeat(SCHEME_LENGTH_MAX + 1)],
  );
});

describe('an authority', () => {
  accepts(
    isAuthority,
    [
      'example.org',
      'example.org:443',
      'example.org:',
      'a_b.c',
      '127.0.0.1:65535',
      '[::1]:80',
      '[::ffff:1.2.3.4]',
      'xn--bcher-kva.example',
      'a%20b',
      'h'.repeat(AUTHORITY_LENGTH_MAX),
    ],
    [
      '',
      'good@evil',
      'user:password@host',
      'host:65536',
      'host:-1',
      'host:80:80',
      'host/path',
      'host?x',
      'host#x',
      'ho st',
      'bücher.example',
      'a%2',
      '[::1',
      '[fe80::1%25eth0]',
      'host\r\nX: y',
      'host\n',
      'h'.repeat(AUTHORITY_LENGTH_MAX + 1),
    ],
  );
});

describe('a path with query', () => {
  accepts(
    isPathWithQuery,
    [
      '',
      '/',
      '*',
      '/a/b;c=d?x=1&y=%20',
      '?only=query',
      '/?q={"a":[1]}',
      `/${'p'.repeat(PATH_LENGTH_MAX - 1)}`,
    ],
    [
      'relative',
      'http://example.org/',
      '/a b',
      '/a#fragment',
      '/a\\b',
      '/a%',
      '/a%2',
      '/a%zz',
      '/é',
      '/a\r\nHost: evil',
      '/\0',
      '/<a>',
      '**',
      '/a\n',
      `/${'p'.repeat(PATH_LENGTH_MAX)}`,
    ],
  );
});
