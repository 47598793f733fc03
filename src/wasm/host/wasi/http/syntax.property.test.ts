/**
 * Goal: what passes as an authority, a path or a host of a grant means to a parser of URLs what it says,
 * and nothing else. Method: random texts of the characters that such parsers disagree about, against
 * the platform's own parser.
 */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRule } from '../../../../capability/network-rule.ts';
import { isAuthority, isPathWithQuery, isScheme } from './syntax.ts';

const RUNS = { numRuns: 4_000 };

/** Pieces of URLs, sound and not. */
const piece = fc.constantFrom(
  ...['example.org', 'evil', '127.0.0.1', '0x7f.1', '[::1]', 'xn--e1afmkfd', 'EXAMPLE', 'a', '%41'],
  ...[
    '@',
    ':',
    ':80',
    ':65536',
    '/',
    '//',
    '\\',
    '?',
    '#',
    '.',
    '..',
    '/../',
    ' ',
    '\t',
    '\n',
    '\0',
  ],
  ...[
    '%2f',
    '%00',
    '*',
    '{}',
    '"',
    "'",
    '<',
    '\u212a',
    '\ud800',
    '\u3002',
    ';',
    '&',
    '=',
    '[',
    ']',
  ],
);
const text = fc.oneof(
  fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

test('an authority has no user, path, query or fragment, and its port is its own', () => {
  let passed = 0;
  fc.assert(
    fc.property(text, (authority) => {
      if (!isAuthority(authority)) {
        return;
      }
      const url = URL.parse(`foo://${authority}/path`);
      // What the platform can't parse reaches nobody.
      if (url === null) {
        return;
      }
      passed += 1;
      expect(url.username + url.password + url.search + url.hash).toBe('');
      expect(url.pathname).toBe('/path');
      expect(authority.toLowerCase()).toContain(url.port);
    }),
    RUNS,
  );
  expect(passed).toBeGreaterThan(20);
});

test('a path stays behind the host that stands before it', () => {
  let passed = 0;
  fc.assert(
    fc.property(text, (path) => {
      if (!isPathWithQuery(path) || path === '*') {
        return;
      }
      passed += 1;
      const url = new URL(`http://example.org${path}`);
      expect(url.host).toBe('example.org');
      expect(url.username + url.password + url.hash).toBe('');
    }),
    RUNS,
  );
  expect(passed).toBeGreaterThan(20);
});

test('a scheme is one', () => {
  fc.assert(
    fc.property(text, (scheme) => {
      if (isScheme(scheme)) {
        expect(new URL(`${scheme}://a/`).protocol).toBe(`${scheme.toLowerCase()}:`);
      }
    }),
    RUNS,
  );
});

test('a host of a grant is a host and a port, and nothing else', () => {
  let passed = 0;
  fc.assert(
    fc.property(text, (written) => {
      const read = readRule(written);
      if ('problem' in read || read.rule.host.startsWith('*')) {
        return;
      }
      passed += 1;
      const { host, path } = read.rule;
      const url = new URL(`http://${host}${path}`);
      expect(url.username + url.password + url.search + url.hash + url.port).toBe('');
      expect([url.hostname, url.pathname]).toEqual([host, path]);
    }),
    RUNS,
  );
  expect(passed).toBeGreaterThan(10);
});
