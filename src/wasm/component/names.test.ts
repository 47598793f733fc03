/** Goal: no name that a component chose does harm where it is shown, nor passes for another. */

import { describe, expect, test } from 'vitest';
import { parseInterfaceName, showName } from './names.ts';

describe('showing names', () => {
  test('a plain name is quoted as it is', () => {
    expect(showName('[method]input-stream.read')).toBe('"[method]input-stream.read"');
    expect(showName('größe 名前')).toBe('"größe 名前"');
  });

  test('what a terminal or a log would act on is spelled out', () => {
    for (const hostile of [
      ...['a"b', 'a\\b', 'a\nb', 'a\r\u0000b', '\u001b[2J\u001b]0;x\u0007', '\u009b31m'],
      ...['\u2028', '\u2029', '\u202eabc', '\u200b', '\ufeff', '\u00ad', 'e\u0301\u0301\u0301'],
      ...['\ud800', '\u{e0041}', '\u{1d173}', '\u00a0', '\u3164'],
    ]) {
      const shown = showName(hostile);
      expect(shown).toMatch(/^"(?:[ !#-[\]-~]|\\["\\nrbft]|\\u[0-9a-f]{4}|\\u\{[0-9a-f]+\})*"$/);
    }
  });

  test('a name of a megabyte is cut', () => {
    expect(showName('x'.repeat(1_000_000))).toHaveLength(103);
    expect(showName('x'.repeat(100))).toHaveLength(102);
    expect(showName('\u202e'.repeat(1_000_000)).length).toBeLessThan(1000);
  });
});

describe('names of interfaces', () => {
  test('are taken apart', () => {
    expect(parseInterfaceName('wasi:io/streams@0.2.12')).toEqual({
      interface: 'wasi:io/streams',
      package: 'wasi:io',
      version: '0.2.12',
    });
    expect(parseInterfaceName('wasi:io/streams')?.version).toBeNull();
    expect(parseInterfaceName('a:b:c/d/e@1.0.0-rc.1+b')?.package).toBe('a:b:c');
  });

  test.each([
    ...['', 'run', 'wasi:io', 'wasi:io/', 'wasi:io/Streams', 'wasi:io/streams@', 'wasi:io/s@1 '],
    ...['wasi:io/streams@0.2.0\n', '__proto__', 'url=<https://x>', 'wasi:io/streams@0.2.0@0.2.1'],
    `wasi:io/${'a'.repeat(300)}`,
  ])('%j is none', (name) => {
    expect(parseInterfaceName(name)).toBeNull();
  });
});
