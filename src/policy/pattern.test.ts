import * as fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, test } from 'vitest';
import { fitsPath, pathPattern, whyNoPattern } from './pattern.ts';

const fits = (pattern: string, relative: string, absolute = `/there/${relative}`) =>
  fitsPath(pathPattern(pattern), absolute, relative);

describe('what fits', () => {
  test.each<[string, string[], string[]]>([
    ['a.wasm', ['a.wasm'], ['b.wasm', 'x/a.wasm', '../a.wasm', 'A.wasm', 'a.wasmx']],
    ['./a.wasm', ['a.wasm'], ['x/a.wasm']],
    ['plugins/*.wasm', ['plugins/a.wasm', 'plugins/.a.wasm'], ['plugins/x/a.wasm', 'a.wasm']],
    ['plugins/?.wasm', ['plugins/a.wasm', 'plugins/😀.wasm'], ['plugins/ab.wasm', 'plugins/.wasm']],
    ['**', ['a', 'x/y/z'], ['../a']],
    ['**/a', ['a', 'x/a', 'x/y/a'], ['x/ab', '../a', 'a/x']],
    ['x/**/a', ['x/a', 'x/y/a', 'x/y/z/a'], ['y/x/a', 'x']],
    ['../*.wasm', ['../a.wasm'], ['a.wasm', '../../a.wasm', '../x/a.wasm']],
    ['*', ['a', '...'], ['..', '../a', 'a/b']],
    ['a*b*c', ['abc', 'aXbYc', 'abbcc'], ['ab', 'acb', 'abcX']],
    ['x (1)/a+b.wasm', ['x (1)/a+b.wasm'], ['x 1/aab.wasm']],
  ])('%s', (pattern, inside, outside) => {
    expect(inside.filter((path) => !fits(pattern, path))).toEqual([]);
    expect(outside.filter((path) => fits(pattern, path))).toEqual([]);
  });

  test('an absolute pattern looks at the whole path, a relative one from the directory on', () => {
    expect(fits('/opt/*.wasm', '../opt/a.wasm', '/opt/a.wasm')).toBe(true);
    expect(fits('opt/*.wasm', '../opt/a.wasm', '/opt/a.wasm')).toBe(false);
    expect(fits('/a.wasm', 'a.wasm', '/there/a.wasm')).toBe(false);
    // As on another drive, to which no relative path leads.
    expect(fits('**', '/other/a.wasm', '/other/a.wasm')).toBe(false);
  });

  test('a path without wildcards is exact', () => {
    expect(pathPattern('x/a.wasm').isExact).toBe(true);
    for (const pattern of ['x/*.wasm', '?', '**']) {
      expect(pathPattern(pattern).isExact).toBe(false);
    }
  });
});

test.each([
  'a[bc]',
  '{a,b}',
  '!a',
  'a|b',
  'a\\*',
  '',
  '/',
  'a/',
  'a//b',
  'a/../b',
  'a/./b',
  '..',
  'a**',
  '**b/c',
])('%j is no pattern', (text) => {
  expect(whyNoPattern(text)).toEqual(expect.any(String));
});

test.each(['a', './a', '../a', '../../**/a', '/a/**', '*', 'a b/(c)+@'])('%j is one', (text) => {
  expect(whyNoPattern(text)).toBeNull();
});

test('it fits what the library fits', () => {
  const names = fc.stringMatching(/^[ab.]{1,4}$/).filter((name) => !/^\.{1,2}$/.test(name));
  const parts = fc.oneof(fc.constant('**'), fc.stringMatching(/^[ab.?*]{1,4}$/));
  const paths = fc.array(names, { minLength: 1, maxLength: 5 }).map((path) => path.join('/'));
  const patterns = fc
    .array(parts, { minLength: 1, maxLength: 4 })
    .map((segments) => segments.join('/'))
    .filter((pattern) => whyNoPattern(pattern) === null)
    // There `a/**` fits `a` itself, which is a directory and no module.
    .filter((pattern) => !pattern.endsWith('/**'))
    // There a star behind a dot is at least one character.
    .filter((pattern) => !pattern.includes('.*'));
  let fitting = 0;
  fc.assert(
    fc.property(patterns, paths, (pattern, path) => {
      const expected = picomatch(pattern, { dot: true, nonegate: true, noextglob: true })(path);
      fitting += Number(expected);
      expect(fits(pattern, path)).toBe(expected);
    }),
    { numRuns: 5_000 },
  );
  expect(fitting).toBeGreaterThan(100);
});

test('no name takes long, whatever the pattern', () => {
  // Regular expressions made of these take minutes: no clock is needed to see that this ends.
  expect(fits(`${'*a'.repeat(60)}*b`, 'a'.repeat(4_096))).toBe(false);
  expect(fits('**/*a*/'.repeat(40).concat('b'), 'a/'.repeat(2_000).concat('c'))).toBe(false);
  expect(fits(`${'*a'.repeat(60)}*b`, `${'a'.repeat(4_095)}b`)).toBe(true);
});
