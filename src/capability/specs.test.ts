import { describe, expect, test } from 'vitest';
import type { GrantSpec, NetworkRule } from './grant.ts';
import { parseGrants, readGrants } from './input.ts';
import { anyPublicHost } from './network-rule.ts';

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
    const names = new Set(['a']);
    const [read] = readGrants([{ kind: 'services', scope: { names }, expiresAtMs: null }]);
    names.add('b');
    expect(read?.scope).toEqual({ names: new Set(['a']) });
    const [hosts] = parseGrants({ network: ['a:1'] }) as [GrantSpec<'network'>];
    const [copy] = readGrants([hosts]) as [GrantSpec<'network'>];
    const [rule] = hosts.scope.rules as [NetworkRule];
    (rule.ports as Set<number>).add(2);
    (hosts.scope.rules as NetworkRule[]).push(rule);
    expect(copy).toEqual(parseGrants({ network: ['a:1'] })[0]);
  });

  test.each<unknown[][]>([
    [[{ kind: 'root', scope: {}, expiresAtMs: null }]],
    [[{ kind: 'network', scope: 'all', expiresAtMs: null }]],
    [[{ kind: 'services', scope: { names: ['a'] }, expiresAtMs: null }]],
    ...[
      { host: 'A' },
      { host: '127.0.0.1' },
      { host: '*.127.0.0.1' },
      { methods: new Set(['GET']) },
      { path: 'v1' },
      { ports: [80] },
      { port: 80 },
    ].map((change) => [
      [
        {
          kind: 'network',
          scope: { rules: [{ ...anyPublicHost(), ...change }] },
          expiresAtMs: null,
        },
      ],
    ]),
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
