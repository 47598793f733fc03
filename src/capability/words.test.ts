import { describe, expect, test } from 'vitest';
import type { GrantSpec, Scopes } from './grant.ts';
import { specOfWords, wordsOf } from './words.ts';

const MOUNT: Scopes['files'] = {
  guest: '/data',
  source: { kind: 'host', path: '/srv/secret-place' },
  modes: { write: true, create: true },
  quota: { bytes: 0, files: 0 },
};

const read = (kind: string, ...scope: string[]): GrantSpec => specOfWords({ kind, scope }, [MOUNT]);

describe('scopes in words', () => {
  const forms: [string, string[]][] = [
    ['ipc', ['all']],
    ['ipc', ['parent', '3', '12', 'topic:news', 'topic:a b']],
    ['ipc', ['7', 'topic:*']],
    ['ipc', ['pid:*', 'topic:a']],
    ['ipc', ['receive']],
    ['network', ['*']],
    ['network', ['example.org', 'example.org:443']],
    ['network', ['* loopback', '*.example.org:80', 'https://a.org/v1 GET', '[::1]:53 udp']],
    ['network', ['https://a.org/v1 GET secret:TOKEN:authorization']],
    ['network', ['0.0.0.0:80 tcp listen', 'localhost', 'a.org public private', 'a.org/v1']],
    ['tools', ['add', 'sub']],
    ['tools', ['*', '!shell']],
    ['services', ['clock']],
    ['spawn', ['*', 'count:3', 'depth:2']],
    ['spawn', [`sha256:${'a'.repeat(64)}`, 'count:1', 'depth:1']],
    ['files', ['/data:rw']],
    ['files', ['/data:write']],
    ['files', ['/data:ro']],
    ['clocks', ['coarse']],
    ['clocks', ['exact']],
    ['random', ['system']],
  ];
  test.each(forms)('%s %j is read, and written as it was', (kind, words) => {
    const spec = read(kind, ...words);
    expect(spec.kind).toBe(kind);
    expect(wordsOf(spec)).toEqual(words);
  });

  test('a directory keeps its modes where none is named, and never shows where it is', () => {
    const spec = read('files', '/data');
    expect(spec.scope).toEqual(MOUNT);
    expect(wordsOf(spec).join()).not.toContain('secret');
    expect(wordsOf({ kind: 'random', scope: { seed: 'hidden' } })).toEqual(['seeded']);
  });

  const refused: [string, string[]][] = [
    ['anything', ['x']],
    ['__proto__', ['x']],
    ['constructor', ['x']],
    ['tools', []],
    ['tools', ['']],
    ['tools', ['x'.repeat(257)]],
    ['tools', Array.from({ length: 1001 }, (_, index) => `t${index}`)],
    ['ipc', ['everybody']],
    ['ipc', ['0']],
    ['ipc', ['-1']],
    ['ipc', ['topic:']],
    ['spawn', ['count:-1']],
    ['spawn', ['count:1e9']],
    ['spawn', ['depth:65']],
    ['network', ['*.*.example.org']],
    ['network', Array.from({ length: 65 }, (_, index) => `h${index}`)],
    ['network', ['http://good@evil']],
    ['files', ['/etc']],
    ['files', ['/srv/secret-place']],
    ['files', ['/data/..']],
    ['files', ['/data', '/data']],
    ['clocks', ['coarse', 'exact']],
    ['random', ['seeded']],
  ];
  test.each(refused)('%s %j is refused', (kind, words) => {
    expect(() => read(kind, ...words)).toThrow(expect.objectContaining({ code: 'RF_USAGE' }));
  });

  test('the name of a property of every object is a name like others', () => {
    const spec = read('tools', '__proto__', 'constructor') as GrantSpec<'tools'>;
    expect(spec.scope.allow).toEqual(new Set(['__proto__', 'constructor']));
  });
});
