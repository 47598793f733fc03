import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GrantKind, Scopes } from './grant.ts';
import { asked, parseGrants } from './input.ts';
import { reachesTool } from './scope.ts';

/** Read under the preset that it needs. */
const read = (json: object) => parseGrants({ preset: 'standard', ...json });
const kinds = (json: object) => asked(read(json)).map(({ kind }) => kind);
const scopes = <Kind extends GrantKind>(kind: Kind, json: object): Scopes[Kind][] =>
  read(json)
    .filter((grant) => grant.kind === kind)
    .map(({ scope }) => scope as Scopes[Kind]);
const callable = (json: object, names: string[]): string[] =>
  scopes('tools', json).flatMap((scope) => names.filter((name) => reachesTool(scope, name)));

describe('the reference’s defaults', () => {
  test('are those of the preset', () => {
    expect(read({ can_spawn: true })).toEqual(parseGrants({ preset: 'standard' }));
    expect(read({ ipc_scope: 'All', sandbox: {}, tool_permissions: {} })).toEqual(
      parseGrants({ preset: 'standard' }),
    );
  });

  test('are read under the preset standard only', () => {
    for (const preset of [{}, { preset: 'none' }, { preset: 'browser' }]) {
      expect(() => parseGrants({ ...preset, can_ipc: true })).toThrow(
        expect.objectContaining({
          code: 'RF_USAGE',
          message: expect.stringMatching(/can_ipc.*preset: 'standard'/),
        }),
      );
    }
  });
});

test.each([
  ['can_spawn', 'spawn'],
  ['can_ipc', 'ipc'],
  ['can_exec_tools', 'tools'],
])('%s: false takes %s away', (flag, kind) => {
  expect(kinds({ [flag]: false })).not.toContain(kind);
  expect(kinds({ [flag]: true })).toContain(kind);
});

test('the network needs the flag, and the sandbox where there is one', () => {
  expect(kinds({ can_network: true })).toContain('network');
  expect(kinds({ can_network: true, sandbox: { allow_network: true } })).toContain('network');
  expect(kinds({ can_network: true, sandbox: {} })).not.toContain('network');
  expect(kinds({ sandbox: { allow_network: true } })).not.toContain('network');
});

describe('ipc_scope', () => {
  test.each([
    ['All', { pids: 'all', parent: true, topics: 'all' }],
    ['all', { pids: 'all', parent: true, topics: 'all' }],
    ['ParentOnly', { pids: new Set(), parent: true, topics: 'all' }],
    ['parent_only', { pids: new Set(), parent: true, topics: 'all' }],
    ['parentOnly', { pids: new Set(), parent: true, topics: 'all' }],
    [{ Restricted: [1, 2] }, { pids: new Set([1, 2]), parent: false, topics: 'all' }],
    [{ restricted: [] }, { pids: new Set(), parent: false, topics: 'all' }],
    [{ Topic: ['t'] }, { pids: new Set(), parent: false, topics: new Set(['t']) }],
    [{ topic: [] }, { pids: new Set(), parent: false, topics: new Set() }],
  ])('%j', (ipc_scope, scope) => {
    expect(scopes('ipc', { ipc_scope })).toEqual([scope]);
    expect(scopes('ipc', { ipcScope: ipc_scope })).toEqual([scope]);
    expect(scopes('ipc', { ipc_scope, can_ipc: false })).toEqual([]);
  });

  test('None is nothing', () => {
    expect(scopes('ipc', { ipc_scope: 'None' })).toEqual([]);
  });
});

describe('tools', () => {
  const NAMES = ['add', 'rm', 'bash', 'shell_exec', 'exec_shell', 'command', 'run_command', 'Bash'];

  test('an empty list allows all, but what runs a shell', () => {
    expect(callable({ tool_permissions: { allow: [] } }, NAMES)).toEqual(['add', 'rm', 'Bash']);
    expect(callable({ sandbox: { allow_shell: true } }, NAMES)).toEqual(NAMES);
  });

  test('a list allows its names, and what is denied is not', () => {
    expect(
      callable({ tool_permissions: { allow: ['add', 'rm', 'bash'], deny: ['rm'] } }, NAMES),
    ).toEqual(['add']);
  });

  test('its fields have other names, too', () => {
    const permissions = { tools: ['add', 'rm'], denyTools: ['rm'], serviceAccess: ['cron'] };
    expect(callable({ toolPermissions: permissions }, NAMES)).toEqual(['add']);
    expect(scopes('services', { toolPermissions: permissions })).toEqual([
      { names: new Set(['cron']) },
    ]);
    expect(scopes('services', { tool_permissions: { service_access: [] } })).toEqual([
      { names: 'all' },
    ]);
  });
});

describe('paths', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringfence-reference-'));
    mkdirSync(join(folder, 'open', 'closed'), { recursive: true });
    mkdirSync(join(folder, 'beside'));
    symlinkSync(join(folder, 'open'), join(folder, 'link'));
    symlinkSync(join(folder, 'open', 'closed'), join(folder, 'way-in'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const mounted = (allowed: string[], denied: string[] = []) =>
    scopes('files', {
      sandbox: {
        allowed_paths: allowed.map((path) => join(folder, path)),
        denied_paths: denied.map((path) => join(folder, path)),
      },
    }).map(({ guest }) => guest.slice(folder.length + 1));

  test('that are allowed can be read at the same place in the guest', () => {
    expect(scopes('files', { sandbox: { allowedPaths: ['/data/'] } })).toEqual([
      {
        guest: '/data',
        source: { kind: 'host', path: '/data' },
        modes: { write: false, create: false },
        quota: { bytes: 0, files: 0 },
      },
    ]);
    expect(scopes('files', { sandbox: {} })).toEqual([]);
  });

  test('that are denied are not allowed by anything above or beside them', () => {
    expect(mounted(['open', 'beside', 'open'], ['beside'])).toEqual(['open']);
    expect(mounted(['open/closed', 'beside'], ['open'])).toEqual(['beside']);
    expect(mounted(['open'], ['opened', 'beside/open'])).toEqual(['open']);
  });

  test('that are denied are so by every name', () => {
    expect(mounted(['link', 'beside'], ['open'])).toEqual(['beside']);
    expect(mounted(['open', 'beside'], ['link'])).toEqual(['beside']);
  });

  test.each([
    ['inside', 'open', 'open/closed'],
    ['inside, by another name', 'open', 'way-in'],
    ['inside of another name', 'link', 'open/closed'],
    ['inside, and not there yet', 'open', 'open/later'],
  ])('that are denied %s of an allowed one can not be said', (_, allowed, denied) => {
    expect(() => mounted([allowed], [denied])).toThrow(
      expect.objectContaining({
        code: 'RF_USAGE',
        message: expect.stringMatching(/sandbox\.denied_paths.*mounted as a whole/),
      }),
    );
  });

  test('that are relative are refused', () => {
    expect(() => read({ sandbox: { allowed_paths: ['data'] } })).toThrow(/no absolute path/);
    expect(() => read({ sandbox: { denied_paths: ['data'] } })).toThrow(/no absolute path/);
  });
});

describe('what the reference would not read is refused', () => {
  test.each([
    [{ can_fly: true, can_ipc: true }, 'grants'],
    [{ can_ipc: 'yes' }, 'can_ipc'],
    [{ can_ipc: null }, 'can_ipc'],
    [{ canIpc: 1 }, 'can_ipc'],
    [{ can_ipc: true, canIpc: true }, 'canIpc'],
    [{ ipc_scope: 'Everybody' }, 'ipc_scope'],
    [{ ipc_scope: { Restricted: ['1'] } }, 'ipc_scope'],
    [{ ipc_scope: { Restricted: [1], Topic: ['t'] } }, 'ipc_scope'],
    [{ tool_permissions: { allow: 'all' } }, 'tool_permissions.allow'],
    [{ tool_permissions: { allow: [], tools: [] } }, 'tool_permissions.tools'],
    [{ tool_permissions: [] }, 'tool_permissions'],
    [{ sandbox: { allow_shell: 'no' } }, 'sandbox.allow_shell'],
    [{ sandbox: null }, 'sandbox'],
    [{ can_ipc: true, tools: 'all' }, 'grants'],
    [{ resource_limits: {} }, 'resource_limits'],
    [{ can_ipc: true, resourceLimits: {} }, 'resourceLimits'],
  ])('%j', (json, name) => {
    expect(() => read(json)).toThrow(
      expect.objectContaining({
        code: 'RF_USAGE',
        fields: { name: expect.stringMatching(new RegExp(`^${name}`)) },
      }),
    );
  });

  test('records of the language are no fields of it', () => {
    const json = JSON.parse(
      '{ "preset": "standard", "can_ipc": true, "__proto__": { "can_network": true } }',
    );
    expect(() => parseGrants(json)).toThrow(expect.objectContaining({ code: 'RF_USAGE' }));
  });
});
