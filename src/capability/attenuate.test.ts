import { describe, expect, test } from 'vitest';
import { attenuate } from './attenuate.ts';
import type { Grant, GrantSpec } from './grant.ts';
import { parseGrants } from './input.ts';
import { GrantRegistry } from './registry.ts';

const ROOT = 1;
const CHILD = 2;
const GRANDCHILD = 3;

const tools = (...names: string[]): GrantSpec => ({
  kind: 'tools',
  scope: { allow: new Set(names), deny: new Set() },
  expiresAtMs: null,
});

describe('handing down', () => {
  const issueTo = (parent: unknown, child: unknown): Grant[] => {
    const registry = new GrantRegistry(() => 0);
    registry.issue(ROOT, parseGrants(parent), null);
    return registry.issue(CHILD, parseGrants(child), ROOT);
  };
  const scopesOf = (grants: readonly Grant[]) => grants.map(({ kind, scope }) => [kind, scope]);

  test('what everybody has is what the parent has of it', () => {
    expect(issueTo({ clocks: false, random: { seed: 's' } }, {})).toMatchObject([
      { kind: 'random', scope: { seed: 's' } },
    ]);
    expect(issueTo({ clocks: 'exact' }, {})).toMatchObject([
      { kind: 'clocks', scope: { precision: 'coarse' } },
      { kind: 'random', scope: { seed: null } },
    ]);
  });

  test.each([
    [{ clocks: false }, { clocks: true }, 'coarse clocks'],
    [{}, { clocks: 'exact' }, 'exact clocks'],
    [{ random: { seed: 's' } }, { random: true }, "the system's random numbers"],
    [{ random: { seed: 's' } }, { random: { seed: 't' } }, 'of this seed'],
    [{ ipc: { pids: [1] } }, { ipc: { pids: [1, 7] } }, 'pids 7'],
    [{ ipc: { topics: ['a'] } }, { ipc: { topics: 'all' } }, 'topics all'],
    [{}, { ipc: 'parent_only' }, 'its parent'],
    [{}, { ipc: 'receive_only' }, 'receiving'],
    [{ network: ['a:443'] }, { network: ['a'] }, 'hosts "a"'],
    [{ tools: { allow: 'all', deny: ['rm'] } }, { tools: 'all' }, 'tools "rm"'],
    [{ tools: ['a'] }, { tools: { allow: 'all', deny: ['b'] } }, 'all tools but "b"'],
    [{ services: ['a'] }, { services: ['a', 'b', 'c', 'd', 'e'] }, 'services "b", "c", "d", …'],
    [{ spawn: { count: 2, depth: 2 } }, { spawn: 3 }, '3 children'],
    [{ spawn: 2 }, { spawn: 1 }, '1 generations'],
    [{ spawn: { count: 2, depth: 2, modules: ['m'] } }, { spawn: 1 }, 'modules all'],
    [{ files: [{ host: '/data' }] }, { files: [{ host: '/data2' }] }, "'/' to be read"],
    [
      { files: [{ host: '/data' }] },
      { files: [{ host: '/data', guest: '/g', modes: ['read', 'write'] }] },
      "'/g' to be written",
    ],
    [{ files: [{ host: '/data' }] }, { files: [{ memory: true, guest: '/m' }] }, "'/m'"],
  ])('of %j not %j: the error names %s', (parent, child, named) => {
    expect(() => issueTo(parent, child)).toThrow(
      expect.objectContaining({
        code: 'RF_CAPABILITY_DENIED',
        message: expect.stringContaining(named),
      }),
    );
  });

  test('no path of the host is in an error', () => {
    try {
      issueTo(
        { files: [{ host: '/srv/secret' }] },
        { files: [{ host: '/srv/other', guest: '/g' }] },
      );
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify([String(error), error])).not.toMatch(/srv|secret|other/);
    }
  });

  test('a child may write to its parent where the parent has any ipc', () => {
    const child = { ipc: 'parent_only' };
    const scope = { pids: new Set(), parent: true, topics: new Set() };
    for (const parent of [{ ipc: 'receive_only' }, { ipc: { pids: [9] } }, { ipc: 'all' }]) {
      expect(scopesOf(issueTo(parent, child))).toContainEqual(['ipc', scope]);
    }
  });

  test('each generation spawns one less deep, down to none', () => {
    const registry = new GrantRegistry(() => 0);
    registry.issue(ROOT, parseGrants({ spawn: { count: 2, depth: 3 } }), null);
    registry.issue(CHILD, parseGrants({ spawn: { count: 2, depth: 2 } }), ROOT);
    registry.issue(GRANDCHILD, parseGrants({ spawn: { count: 2, depth: 1 } }), CHILD);
    expect(() => registry.issue(4, parseGrants({ spawn: 1 }), GRANDCHILD)).toThrow(/can_spawn/);
  });

  test('a depth that nobody wrote is what is left of it', () => {
    const registry = new GrantRegistry(() => 0);
    const standard = parseGrants({ preset: 'standard' });
    registry.issue(1, standard, null);
    for (let pid = 2; pid <= 8; pid += 1) {
      const spawn = registry.issue(pid, standard, pid - 1).find(({ kind }) => kind === 'spawn');
      expect(spawn?.scope).toMatchObject({ depth: 9 - pid });
    }
    expect(() => registry.issue(9, standard, 8)).toThrow(/can_spawn/);
  });

  test('sets are divided over several grants of the parent', () => {
    const registry = new GrantRegistry(() => 0);
    registry.issue(ROOT, [tools('a', 'b'), { ...tools('b', 'c'), expiresAtMs: 9 }], null);
    expect(registry.issue(CHILD, [tools('a', 'b', 'c')], ROOT)).toMatchObject([
      { scope: { allow: new Set(['a', 'b']) }, parent: 1, expiresAtMs: null },
      { scope: { allow: new Set(['c']) }, parent: 2, expiresAtMs: 9 },
    ]);
  });

  test('rules of the network are divided over several grants of the parent', () => {
    const registry = new GrantRegistry(() => 0);
    const network = (...rules: string[]) => parseGrants({ network: rules });
    const ofNetwork = (specs: readonly GrantSpec[]) =>
      specs.filter(({ kind }) => kind === 'network');
    registry.issue(ROOT, [...ofNetwork(network('a')), ...ofNetwork(network('b'))], null);
    const given = registry.issue(CHILD, network('a:443', 'b:80'), ROOT);
    expect(ofNetwork(given)).toMatchObject([
      { scope: { rules: [{ host: 'a', ports: new Set([443]) }] }, parent: 1 },
      { scope: { rules: [{ host: 'b', ports: new Set([80]) }] }, parent: 2 },
    ]);
  });

  test('what has no part in it is not derived from', () => {
    const ipc = (...pids: number[]): GrantSpec => ({
      kind: 'ipc',
      scope: { pids: new Set(pids), parent: false, topics: new Set() },
      expiresAtMs: null,
    });
    const registry = new GrantRegistry(() => 0);
    registry.issue(ROOT, [ipc(9), ipc(1), ipc(2)], null);
    expect(registry.issue(CHILD, [ipc(1, 2)], ROOT).map(({ parent }) => parent)).toEqual([2, 3]);
  });

  test('modules are divided where each grant has the children and the depth', () => {
    const spawn = (count: number, depth: number, ...modules: string[]): GrantSpec => ({
      kind: 'spawn',
      scope: { count, depth, modules: new Set(modules) },
      expiresAtMs: null,
    });
    const registry = new GrantRegistry(() => 0);
    registry.issue(ROOT, [spawn(2, 3, 'm'), spawn(3, 2, 'n')], null);
    expect(registry.issue(CHILD, [spawn(2, 1, 'm', 'n')], ROOT)).toMatchObject([
      { scope: { count: 2, depth: 1, modules: new Set(['m']) }, parent: 1 },
      { scope: { count: 2, depth: 1, modules: new Set(['n']) }, parent: 2 },
    ]);
    expect(() => registry.issue(CHILD, [spawn(2, 2, 'm', 'n')], ROOT)).toThrow(/modules "n"/);
    expect(() => registry.issue(CHILD, [spawn(3, 1, 'm', 'n')], ROOT)).toThrow(/modules "m"/);
  });

  test('the grant that lasts longest is taken, and none lasts longer than it', () => {
    const lasting = (expiresAtMs: number | null) => ({ ...tools('a'), expiresAtMs });
    const held = [10, 30, 20].map((until, index) => ({
      ...(lasting(until) as GrantSpec<'tools'>),
      id: index + 1,
      owner: ROOT,
      parent: null,
    }));
    expect(attenuate(held, [lasting(null)])).toMatchObject([
      { parent: 2, spec: { expiresAtMs: 30 } },
    ]);
    expect(attenuate(held, [lasting(15)])).toMatchObject([
      { parent: 2, spec: { expiresAtMs: 15 } },
    ]);
  });
});
