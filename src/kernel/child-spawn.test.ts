import { describe, expect, test } from 'vitest';
import type { ChildRequest } from '../backend/backend.ts';
import { parseGrants } from '../capability/input.ts';
import { DEFAULT_LIMITS } from '../resource/limits.ts';
import { readChild, requireBounded } from './child-spawn.ts';

const NONE: ChildRequest['limits'] = {
  fuel: undefined,
  memoryBytes: undefined,
  cpuTimeMs: undefined,
  wallTimeMs: undefined,
  messages: undefined,
  toolCalls: undefined,
  diskBytes: undefined,
};

const request = (changes: Partial<ChildRequest> = {}): ChildRequest => ({
  agentId: 'child',
  module: { tag: 'digest', val: 'a'.repeat(64) },
  arguments: ['child'],
  environment: [['NAME', 'value']],
  grants: [{ kind: 'tools', scope: ['add'] }],
  limits: NONE,
  restart: 'temporary',
  linked: false,
  ...changes,
});

const named = (val: string): ChildRequest['module'] => ({ tag: 'name', val });

const parent = { limits: { ...DEFAULT_LIMITS, fuel: 1000, hostBytes: 5 }, files: [], tools: [] };

describe('a child as an agent asks for it', () => {
  test('has what it asks for, and the limits of its parent where it asks for none', () => {
    const read = readChild(request({ limits: { ...NONE, fuel: 10n } }), parent);
    expect(read.specs.map(({ kind }) => kind)).toEqual(['tools']);
    expect(read.limits).toEqual({ ...parent.limits, fuel: 10 });
    expect(readChild(request(), parent).limits).toEqual(parent.limits);
  });

  const refused: [string, Partial<ChildRequest>, string][] = [
    ['an empty name', { agentId: '' }, 'RF_USAGE'],
    ['a name without end', { agentId: 'x'.repeat(257) }, 'RF_USAGE'],
    ['too many grants', { grants: Array(65).fill({ kind: 'tools', scope: ['add'] }) }, 'RF_USAGE'],
    ['too many arguments', { arguments: Array(1001).fill('') }, 'RF_USAGE'],
    ['arguments without end', { arguments: ['x'.repeat(64 * 1024)] }, 'RF_USAGE'],
    ['a module whose name has no end', { module: named('x'.repeat(64 * 1024)) }, 'RF_USAGE'],
    ['a variable that is none', { environment: [['A=B', '']] }, 'RF_USAGE'],
    ['an unknown kind', { grants: [{ kind: 'root', scope: ['*'] }] }, 'RF_USAGE'],
    ['a directory that it has not', { grants: [{ kind: 'files', scope: ['/'] }] }, 'RF_USAGE'],
    ['a limit of 2^64-1', { limits: { ...NONE, fuel: 2n ** 64n - 1n } }, 'RF_USAGE'],
  ];
  test('has each directory of its parent once', () => {
    const files = parseGrants({ files: [{ host: '/srv', guest: '/' }] }).flatMap((spec) =>
      spec.kind === 'files' ? [spec.scope] : [],
    );
    const mounts = (...scopes: string[]) =>
      readChild(request({ grants: scopes.map((word) => ({ kind: 'files', scope: [word] })) }), {
        ...parent,
        files,
      }).specs.length;
    expect(mounts('/')).toBe(1);
    // One that is opened twice under one name is closed once.
    expect(() => mounts('/', '/:ro')).toThrow(expect.objectContaining({ code: 'RF_USAGE' }));
  });

  test.each(refused)('is refused with %s', (_, changes, code) => {
    expect(() => readChild(request(changes), parent)).toThrow(expect.objectContaining({ code }));
  });
});

test('what a request says is bounded before it waits for its turn', () => {
  expect(() => requireBounded(request())).not.toThrow();
  for (const changes of [
    { module: named('x'.repeat(64 * 1024)) },
    { arguments: ['x'.repeat(64 * 1024)] },
    { environment: Array<[string, string]>(1001).fill(['A', 'B']) },
  ]) {
    expect(() => requireBounded(request(changes))).toThrow(
      expect.objectContaining({ code: 'RF_USAGE' }),
    );
  }
});
