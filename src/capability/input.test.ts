import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { GrantKind, Scopes } from './grant.ts';
import { asked, grantsSchema, parseGrants, readGrants } from './input.ts';
import { reachesTool } from './scope.ts';

/** Scopes of a kind, of what was written. */
const scopes = <Kind extends GrantKind>(kind: Kind, input: unknown): Scopes[Kind][] =>
  parseGrants(input)
    .filter((grant) => grant.kind === kind)
    .map(({ scope }) => scope as Scopes[Kind]);

/** Kinds that somebody asked for. */
const kinds = (input: unknown) => asked(parseGrants(input)).map(({ kind }) => kind);

const EVERYBODYS = [
  { kind: 'clocks', scope: { precision: 'coarse' }, expiresAtMs: null, implied: 'scope' },
  { kind: 'random', scope: { seed: null }, expiresAtMs: null, implied: 'scope' },
];

describe('nothing', () => {
  test.each([
    ['undefined', undefined],
    ['null', null],
    ['an empty object', {}],
    ['the preset none', { preset: 'none' }],
    [
      'null fields',
      { ipc: null, network: null, tools: null, services: null, spawn: null, files: null },
    ],
    [
      'empty lists',
      { ipc: { pids: [], topics: [] }, network: [], tools: [], services: [], files: [] },
    ],
    ['empty objects', { ipc: {}, tools: {} }],
    ['words for nothing', { ipc: 'none', spawn: 0 }],
    ['an allowed tool that is denied', { tools: { allow: ['add'], deny: ['add'] } }],
    ['children of no module', { spawn: { count: 3, modules: [] } }],
    ['a directory without modes', { files: [{ host: '/data', modes: [] }] }],
    ['ipc with nobody', { ipc: { parent: false } }],
  ])('is granted by %s, but for what everybody has', (_, input) => {
    expect(parseGrants(input)).toEqual(EVERYBODYS);
  });

  test.each([
    ['{ clocks: false }', { clocks: false }, ['random']],
    ['{ random: false }', { random: false }, ['clocks']],
    ['both', { random: false, clocks: false }, []],
  ])('is left of what everybody has with %s', (_, input, left) => {
    expect(parseGrants(input).map(({ kind }) => kind)).toEqual(left);
  });

  test('is left of a preset where null or an empty list stands beside it', () => {
    expect(kinds({ preset: 'standard' })).toEqual(['ipc', 'tools', 'services', 'spawn']);
    expect(kinds({ preset: 'standard', tools: null, ipc: 'none', services: [] })).toEqual([
      'spawn',
    ]);
  });
});

test('who asks for nothing has the same as all others, and nobody can change it', () => {
  const grants = readGrants(undefined);
  expect(grants).toEqual(parseGrants({}));
  expect(readGrants(undefined)).toBe(grants);
  for (const empty of [{}, Object.create(null)]) {
    expect(readGrants(empty)).toBe(grants);
  }
  // What has fields, and what is no record, is read as it is otherwise.
  expect(readGrants({ tools: ['add'] }).map(({ kind }) => kind)).toEqual([
    'tools',
    'clocks',
    'random',
  ]);
  expect(() => readGrants(new Map([['tools', 'all']]) as never)).toThrow('grants');
  expect(readGrants([])).toEqual([]);
  expect(() => (grants as unknown[]).push({})).toThrow(TypeError);
  for (const grant of grants) {
    expect(() => Object.assign(grant, { kind: 'files' })).toThrow(TypeError);
    expect(() => Object.assign(grant.scope, { precision: 'exact', seed: '' })).toThrow(TypeError);
  }
});

describe('scopes', () => {
  test.each([
    ['all', { pids: 'all', parent: true, topics: 'all' }],
    ['parent_only', { pids: new Set(), parent: true, topics: new Set() }],
    ['receive_only', { pids: new Set(), parent: false, topics: new Set() }],
    [
      { pids: [7, 8], topics: ['news'] },
      { pids: new Set([7, 8]), parent: false, topics: new Set(['news']) },
    ],
    [{ pids: 'all' }, { pids: 'all', parent: false, topics: new Set() }],
    [
      { parent: true, topics: 'all' },
      { pids: new Set(), parent: true, topics: 'all' },
    ],
  ])('ipc: %j', (ipc, scope) => {
    expect(scopes('ipc', { ipc })).toEqual([scope]);
  });

  test('names: all, or those that are listed; a wildcard is a name like any other', () => {
    expect(scopes('services', { services: 'all' })).toEqual([{ names: 'all' }]);
    expect(scopes('services', { services: ['all', '*'] })).toEqual([
      { names: new Set(['all', '*']) },
    ]);
    expect(scopes('tools', { tools: ['*'] }).map((scope) => reachesTool(scope, 'add'))).toEqual([
      false,
    ]);
  });

  test('tools: allowed, and of these not the denied', () => {
    const [scope] = scopes('tools', { tools: { allow: 'all', deny: ['rm'] } });
    expect(scope && ['add', 'rm'].map((name) => reachesTool(scope, name))).toEqual([true, false]);
  });

  test('names of the language reach nothing by themselves', () => {
    const [scope] = scopes('tools', { tools: ['add'] });
    const names = ['add', '__proto__', 'constructor', 'toString'];
    expect(names.filter((name) => scope && reachesTool(scope, name))).toEqual(['add']);
  });

  test('children: how many, of which modules, how deep', () => {
    const digest = `sha256:${'0f'.repeat(32)}`;
    expect(scopes('spawn', { spawn: 3 })).toEqual([{ count: 3, modules: 'all', depth: 1 }]);
    expect(scopes('spawn', { spawn: { count: 2, modules: [digest, 'worker'], depth: 4 } })).toEqual(
      [{ count: 2, modules: new Set([digest, 'worker']), depth: 4 }],
    );
  });

  test('directories: to be read, unless more is said, at the root of the guest', () => {
    const files = [
      { host: '/srv/../data/' },
      { host: '/out', guest: '/out/', modes: ['read', 'create', 'write'], quota: { bytes: 10 } },
    ];
    expect(scopes('files', { files })).toEqual([
      {
        guest: '/',
        source: { kind: 'host', path: '/data' },
        modes: { write: false, create: false },
        quota: { bytes: 0, files: 0 },
      },
      {
        guest: '/out',
        source: { kind: 'host', path: '/out' },
        modes: { write: true, create: true },
        quota: { bytes: 10, files: 0 },
      },
    ]);
  });

  test('directories in memory are bounded, and can be written', () => {
    expect(scopes('files', { files: [{ memory: true, guest: '/tmp' }] })).toEqual([
      {
        guest: '/tmp',
        source: { kind: 'memory' },
        modes: { write: true, create: true },
        quota: { bytes: 16 * 1024 * 1024, files: 10_000 },
      },
    ]);
  });

  test('a relative path of the host is made absolute', () => {
    const [scope] = scopes('files', { files: [{ host: 'data' }] });
    expect(scope?.source).toEqual({ kind: 'host', path: `${process.cwd()}/data` });
  });

  test('clocks and random numbers', () => {
    expect(scopes('clocks', { clocks: 'exact' })).toEqual([{ precision: 'exact' }]);
    expect(scopes('random', { random: { seed: 'x' } })).toEqual([{ seed: 'x' }]);
    expect(kinds({ clocks: true, random: 'system' })).toEqual(['clocks', 'random']);
  });
});

describe('an expiry', () => {
  test.each([
    ['2030-01-31T12:00:00Z', Date.UTC(2030, 0, 31, 12)],
    ['2030-01-31T12:00:00.5+02:00', Date.UTC(2030, 0, 31, 10, 0, 0, 500)],
    [1_900_000_000_000, 1_900_000_000_000],
  ])('%s is of all that was asked for', (expires, expiresAtMs) => {
    expect(
      parseGrants({ tools: ['add'], clocks: true, expires }).map((grant) => grant.expiresAtMs),
    ).toEqual([expiresAtMs, expiresAtMs, null]);
  });
});

describe('presets', () => {
  test('stay what they are, whatever a caller does to what was made of one', () => {
    for (const input of [{ preset: 'browser' }, { preset: 'standard' }, { ipc: 'receive_only' }]) {
      const before = structuredClone(parseGrants(input));
      for (const { scope } of parseGrants(input)) {
        for (const field of Object.values(scope) as unknown[]) {
          if (field instanceof Set) {
            field.clear();
            field.add(5);
          }
        }
      }
      expect(parseGrants(input)).toEqual(before);
    }
  });

  test('standard has the reference’s defaults: messages, tools but the shell, services, children', () => {
    const input = { preset: 'standard' };
    expect(scopes('ipc', input)).toEqual([{ pids: 'all', parent: true, topics: 'all' }]);
    const [tools] = scopes('tools', input);
    expect(tools && ['add', 'bash'].map((name) => reachesTool(tools, name))).toEqual([true, false]);
    expect(scopes('spawn', input)).toEqual([{ count: 64, modules: 'all', depth: 8 }]);
    expect(kinds(input)).not.toContain('network');
  });

  test('browser has tools, and receives', () => {
    expect(kinds({ preset: 'browser' })).toEqual(['ipc', 'tools']);
    expect(scopes('ipc', { preset: 'browser' })).toEqual(scopes('ipc', { ipc: 'receive_only' }));
  });

  test('what stands beside one is instead of its own', () => {
    expect(scopes('tools', { preset: 'standard', tools: ['bash'] })).toEqual([
      { allow: new Set(['bash']), deny: new Set() },
    ]);
    expect(kinds({ preset: 'browser', network: 'all' })).toEqual(['ipc', 'network', 'tools']);
  });
});

describe('what can not be understood is refused, and its place is named', () => {
  test.each([
    [[], 'grants'],
    ['all', 'grants'],
    [{ ipcs: 'all' }, 'grants'],
    [{ preset: 'root' }, 'preset'],
    [{ ipc: 'ALL' }, 'ipc'],
    [{ ipc: true }, 'ipc'],
    [{ ipc: { pids: ['7'] } }, 'ipc.pids.0'],
    [{ ipc: { pids: [0] } }, 'ipc.pids.0'],
    [{ ipc: { pids: [1.5] } }, 'ipc.pids.0'],
    [{ ipc: { peers: [1] } }, 'ipc'],
    [{ network: ['ftp://example.org'] }, 'network.0'],
    [{ network: [{ host: 'a', ports: [0] }] }, 'network.0.ports.0'],
    [{ network: [{ host: 'a', path: 'v1' }] }, 'network.0.path'],
    [{ network: ['user@example.org'] }, 'network.0'],
    [{ network: ['a.*.example.org'] }, 'network.0'],
    [{ network: ['example.org:0'] }, 'network.0'],
    [{ network: ['example.org:65536'] }, 'network.0'],
    [{ network: ['example.org.'] }, 'network.0'],
    [{ network: ['a', 'b c'] }, 'network.1'],
    [{ tools: 'add' }, 'tools'],
    [{ tools: [''] }, 'tools.0'],
    [{ tools: 'false' }, 'tools'],
    [{ tools: false }, 'tools'],
    [{ tools: ['x'.repeat(257)] }, 'tools.0'],
    [{ tools: new Set(['add']) }, 'tools'],
    [new Map([['tools', 'all']]), 'grants'],
    [{ tools: { deny: ['rm'] } }, 'tools'],
    [{ tools: { allow: 'none' } }, 'tools.allow'],
    [{ services: { allow: 'all' } }, 'services'],
    [{ spawn: '3' }, 'spawn'],
    [{ spawn: -1 }, 'spawn'],
    [{ spawn: 10_001 }, 'spawn'],
    [{ spawn: { count: 1, modules: ['sha256:12'] } }, 'spawn.modules.0'],
    [{ spawn: { count: 1, depth: 0 } }, 'spawn.depth'],
    [{ spawn: { count: 1, depth: 65 } }, 'spawn.depth'],
    [{ files: [{}] }, 'files.0.host'],
    [{ files: '/data' }, 'files'],
    [{ files: [{ host: '' }] }, 'files.0.host'],
    [{ files: [{ host: 'a\0b' }] }, 'files.0.host'],
    [{ files: [{ host: '/data', memory: true, guest: '/' }] }, 'files.0'],
    [{ files: [{ host: '/data', guest: 'data' }] }, 'files.0.guest'],
    [{ files: [{ host: '/data', guest: '/a/../b' }] }, 'files.0.guest'],
    [{ files: [{ host: '/data', guest: '/..' }] }, 'files.0.guest'],
    [{ files: [{ host: '/data', guest: '/./a' }] }, 'files.0.guest'],
    [{ files: [{ host: '/data', guest: '//a' }] }, 'files.0.guest'],
    [{ files: [{ host: '/data', guest: '/a\0' }] }, 'files.0.guest'],
    [{ files: [{ host: '/data', guest: '/\ud800' }] }, 'files.0.guest'],
    [{ files: [{ host: '/data', guest: `/${'a'.repeat(1024)}` }] }, 'files.0.guest'],
    [{ files: [{ host: '/data', modes: ['write'] }] }, 'files.0.modes'],
    [{ files: [{ host: '/data', modes: ['read', 'rw'] }] }, 'files.0.modes.1'],
    [{ files: [{ host: '/data', quota: { bytes: 0 } }] }, 'files.0.quota.bytes'],
    [{ files: [{ memory: true }] }, 'files.0.guest'],
    [{ files: [{ host: '/a' }, { memory: true, guest: '/' }] }, 'files.1.guest'],
    [
      {
        files: [
          { host: '/a', guest: '/x' },
          { host: '/b', guest: '/x/' },
        ],
      },
      'files.1.guest',
    ],
    [{ clocks: null }, 'clocks'],
    [{ clocks: 'fine' }, 'clocks'],
    [{ random: { seed: '' } }, 'random.seed'],
    [{ expires: 'tomorrow' }, 'expires'],
    [{ expires: '2030-01-31' }, 'expires'],
    [{ expires: -1 }, 'expires'],
    [{ expires: Number.POSITIVE_INFINITY }, 'expires'],
    [JSON.parse('{ "__proto__": { "tools": "all" } }'), 'grants'],
  ])('%j', (input, name) => {
    expect(() => parseGrants(input)).toThrow(
      expect.objectContaining({
        code: 'RF_USAGE',
        message: expect.stringContaining(`Cannot use the grant '${name}'`),
        fields: { name },
      }),
    );
  });

  test('what an object inherits is not looked at', () => {
    const inherited = Object.create({ deny: [], quota: {}, tools: 'all' });
    expect(kinds(inherited)).toEqual([]);
    expect(kinds({ tools: Object.assign(Object.create({ allow: 'all' })) })).toEqual([]);
    expect(kinds({ tools: { allow: 'all' } })).toEqual(['tools']);
  });

  test('what refers to itself is refused', () => {
    const input: Record<string, unknown> = {};
    input.tools = input;
    expect(() => parseGrants(input)).toThrow(expect.objectContaining({ code: 'RF_USAGE' }));
  });

  test('dots in names are no dots in paths', () => {
    const files = [{ host: '/data', guest: '/..a/.b/c..' }];
    expect(scopes('files', { files }).map(({ guest }) => guest)).toEqual(['/..a/.b/c..']);
  });
});

test('the schema has a JSON Schema', () => {
  const schema = z.toJSONSchema(grantsSchema, { io: 'input' });
  expect(Object.keys(schema.properties ?? {})).toEqual([
    'preset',
    'ipc',
    'network',
    'tools',
    'services',
    'spawn',
    'files',
    'clocks',
    'random',
    'expires',
  ]);
  expect(schema.additionalProperties).toBe(false);
});
