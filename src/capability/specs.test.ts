import { describe, expect, test } from 'vitest';
import { parseGrants, readGrants } from './input.ts';

describe('a list of grants', () => {
  const given = parseGrants({
    preset: 'standard',
    network: ['a:1'],
    files: [{ host: '/data' }, { memory: true, guest: '/tmp' }],
    expires: 5,
  });

  test('is taken as it is, with who held them left out', () => {
    expect(readGrants(given)).toEqual(given);
    const held = given.map((spec) => ({ ...spec, id: 3, owner: 4, parent: null }));
    expect(readGrants(held)).toEqual(given);
    expect(readGrants([])).toEqual([]);
  });

  test('is copied: what its writer adds later is not granted', () => {
    const hosts = new Set(['a']);
    const [read] = readGrants([{ kind: 'network', scope: { hosts }, expiresAtMs: null }]);
    hosts.add('b');
    expect(read?.scope).toEqual({ hosts: new Set(['a']) });
  });

  test.each([
    [[{ kind: 'root', scope: {}, expiresAtMs: null }]],
    [[{ kind: 'network', scope: 'all', expiresAtMs: null }]],
    [[{ kind: 'network', scope: { hosts: ['a'] }, expiresAtMs: null }]],
    [[{ kind: 'clocks', scope: { precision: 'coarse' } }]],
    [[...given.filter(({ kind }) => kind === 'files'), ...given]],
    [
      given.map((grant) =>
        grant.kind === 'files'
          ? { ...grant, scope: { ...grant.scope, source: { kind: 'host', path: '/a/../b' } } }
          : grant,
      ),
    ],
  ])('is refused when it is none: %j', (list) => {
    expect(() => readGrants(list as never)).toThrow(expect.objectContaining({ code: 'RF_USAGE' }));
  });
});
