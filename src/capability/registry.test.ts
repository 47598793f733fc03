import { describe, expect, test } from 'vitest';
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

/** What an agent has in force, kind by kind. */
const inForce = (registry: GrantRegistry, owner: number): Grant[] =>
  registry.of(owner).filter(({ id }) => registry.isInForce(id));

describe('issuing', () => {
  test('gives ids that were never given before, in the order of granting', () => {
    const registry = new GrantRegistry();
    const issued = registry.issue(ROOT, [tools('a'), tools('b')], null);
    registry.exited(ROOT);
    expect(issued.map(({ id, owner, parent }) => [id, owner, parent])).toEqual([
      [1, ROOT, null],
      [2, ROOT, null],
    ]);
    expect(registry.issue(CHILD, [tools('a')], null).map(({ id }) => id)).toEqual([3]);
  });

  test('leaves out what is empty, and what only says where it comes from', () => {
    const registry = new GrantRegistry();
    const issued = registry.issue(ROOT, [tools(), ...parseGrants({})], null);
    expect(issued).toEqual([
      {
        id: 1,
        owner: ROOT,
        parent: null,
        kind: 'clocks',
        scope: { precision: 'coarse' },
        expiresAtMs: null,
      },
      {
        id: 2,
        owner: ROOT,
        parent: null,
        kind: 'random',
        scope: { seed: null },
        expiresAtMs: null,
      },
    ]);
  });

  test('gives a child what its parent has, and never more', () => {
    const registry = new GrantRegistry();
    registry.issue(ROOT, [tools('a', 'b')], null);
    expect(() => registry.issue(CHILD, [tools('a', 'rm')], ROOT)).toThrow(
      expect.objectContaining({
        code: 'RF_CAPABILITY_DENIED',
        message: expect.stringMatching(/can_exec_tools .*tools "rm"\./),
        fields: { kind: 'tools', capability: 'can_exec_tools' },
      }),
    );
    expect(registry.of(CHILD)).toEqual([]);
    expect(registry.issue(CHILD, [tools('a')], ROOT)).toMatchObject([{ parent: 1 }]);
  });

  test('gives all or nothing', () => {
    const registry = new GrantRegistry();
    registry.issue(ROOT, [tools('a')], null);
    expect(() => registry.issue(CHILD, [tools('a'), tools('rm')], ROOT)).toThrow(/rm/);
    expect([registry.of(CHILD), registry.size]).toEqual([[], 1]);
  });

  test('gives an agent no more than 256 grants in its life, revoked ones included', () => {
    const registry = new GrantRegistry();
    for (let index = 0; index < 256; index += 1) {
      const [grant] = registry.issue(ROOT, [tools(`tool ${index}`)], null);
      registry.revoke(grant?.id ?? 0);
    }
    expect(() => registry.issue(ROOT, [tools('one more')], null)).toThrow(
      expect.objectContaining({ code: 'RF_LIMIT_EXCEEDED' }),
    );
    expect(registry.size).toBe(256);
    // The control: another agent is given it.
    expect(registry.issue(CHILD, [tools('one more')], null)).toHaveLength(1);
  });

  test('gives nothing of what is revoked, expired, or another’s', () => {
    let now = 0;
    const registry = new GrantRegistry(() => now);
    const [revoked] = registry.issue(ROOT, [tools('a')], null);
    registry.issue(ROOT, [{ ...tools('b'), expiresAtMs: 10 }], null);
    registry.issue(GRANDCHILD, [tools('c')], null);
    expect(registry.issue(CHILD, [tools('a'), tools('b')], ROOT)).toHaveLength(2);
    registry.revoke(revoked?.id ?? 0);
    now = 10;
    for (const name of ['a', 'b', 'c']) {
      expect(() => registry.issue(CHILD, [tools(name)], ROOT)).toThrow(/Cannot hand down/);
    }
  });
});

describe('revoking', () => {
  function family(): GrantRegistry {
    const registry = new GrantRegistry(() => 0);
    registry.issue(ROOT, [tools('a'), tools('b')], null);
    registry.issue(CHILD, [tools('a'), tools('b')], ROOT);
    registry.issue(GRANDCHILD, [tools('a'), tools('b')], CHILD);
    return registry;
  }
  const names = (grants: readonly Grant[]) =>
    grants.flatMap(({ owner, scope }) =>
      [...(scope as GrantSpec<'tools'>['scope']).allow].map((name) => `${owner} ${name}`),
    );

  test('takes back what was derived, too, and nothing else', () => {
    const registry = family();
    expect(names(registry.revoke(1))).toEqual(['1 a', '2 a', '3 a']);
    expect([ROOT, CHILD, GRANDCHILD].flatMap((owner) => names(inForce(registry, owner)))).toEqual([
      '1 b',
      '2 b',
      '3 b',
    ]);
  });

  test('leaves what is above it', () => {
    const registry = family();
    expect(names(registry.revoke(3))).toEqual(['2 a', '3 a']);
    expect(registry.isInForce(1)).toBe(true);
  });

  test('answers what is revoked by it, not what was before', () => {
    const registry = family();
    registry.revoke(5);
    expect(names(registry.revoke(1))).toEqual(['1 a', '2 a']);
    expect(registry.revoke(1)).toEqual([]);
  });

  test('reaches through agents that have exited', () => {
    const registry = family();
    registry.exited(ROOT);
    registry.exited(CHILD);
    expect(names(inForce(registry, GRANDCHILD))).toEqual(['3 a', '3 b']);
    expect(registry.of(CHILD)).toEqual([]);
    expect(names(registry.revoke(1))).toEqual(['3 a']);
    expect(names(inForce(registry, GRANDCHILD))).toEqual(['3 b']);
    registry.exited(GRANDCHILD);
    expect([registry.size, registry.get(1)]).toEqual([0, undefined]);
    // They were given once: nothing is left to revoke.
    expect(registry.revoke(1)).toEqual([]);
  });

  test.each([0, 7, -1, 1.5, Number.NaN, '1', undefined])('%s was never given', (id) => {
    expect(() => family().revoke(id as number)).toThrow(
      expect.objectContaining({ code: 'RF_USAGE' }),
    );
  });
});

test('a grant is in force until its expiry, and not at it', () => {
  let now = 9;
  const registry = new GrantRegistry(() => now);
  const [grant] = registry.issue(ROOT, [{ ...tools('a'), expiresAtMs: 10 }], null);
  expect(registry.isInForce(grant?.id ?? 0)).toBe(true);
  now = 10;
  expect(registry.isInForce(grant?.id ?? 0)).toBe(false);
  expect(registry.of(ROOT)).toHaveLength(1);
});
