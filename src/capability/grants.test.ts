import { describe, expect, test } from 'vitest';
import { NO_GRANTS, parseGrants, reaches, reachesPid } from './grants.ts';

describe('grants as a caller writes them', () => {
  test.each([
    ['undefined', undefined],
    ['null', null],
    ['an empty object', {}],
    ['null fields', { ipc: null, network: null, tools: null, spawn: null }],
    ['the preset none', { preset: 'none' }],
  ])('%s grants nothing', (_, input) => {
    expect(parseGrants(input)).toEqual(NO_GRANTS);
  });

  test('an empty list grants nothing', () => {
    const grants = parseGrants({ tools: [], network: [], spawn: 0, ipc: 'none' });
    expect([grants.can_exec_tools, grants.can_network, grants.can_spawn, grants.can_ipc]).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  test('a scope grants what it names', () => {
    const grants = parseGrants({
      tools: ['add'],
      ipc: { pids: [7] },
      network: ['example.org:443'],
    });
    expect(grants).toMatchObject({ can_exec_tools: true, can_ipc: true, can_network: true });
    expect([reaches(grants.tool_scope, 'add'), reaches(grants.tool_scope, 'rm')]).toEqual([
      true,
      false,
    ]);
  });

  test.each([
    [{ ipcs: 'all' }],
    [{ ipc: 'ALL' }],
    [{ ipc: true }],
    [{ ipc: { pids: ['7'] } }],
    [{ ipc: { pids: [0] } }],
    [{ ipc: { pids: [1], topics: [] } }],
    [{ tools: 'add' }],
    [{ tools: [''] }],
    [{ tools: 'false' }],
    [{ spawn: '3' }],
    [{ spawn: -1 }],
    [{ preset: 'root' }],
    [[]],
    ['all'],
  ])('%j is refused', (input) => {
    expect(() => parseGrants(input)).toThrow(/Cannot use the grant/);
  });

  test('a wildcard in a list is a name like any other', () => {
    expect(reaches(parseGrants({ tools: ['*'] }).tool_scope, 'add')).toBe(false);
  });

  test('names of the language reach nothing by themselves', () => {
    const { tool_scope: scope } = parseGrants({ tools: ['add'] });
    expect(['__proto__', 'constructor', 'toString'].filter((name) => reaches(scope, name))).toEqual(
      [],
    );
  });

  test('presets are the reference’s, narrowed by what stands beside them', () => {
    expect(parseGrants({ preset: 'standard' })).toMatchObject({
      can_spawn: true,
      can_ipc: true,
      can_exec_tools: true,
      can_network: false,
    });
    expect(parseGrants({ preset: 'browser' })).toMatchObject({ can_spawn: false, can_ipc: true });
    expect(parseGrants({ preset: 'standard', tools: [] }).can_exec_tools).toBe(false);
  });
});

describe('the scope of messages', () => {
  const parent = 3;
  test.each([
    ['all', { kind: 'all' } as const, [true, true]],
    ['parent_only', { kind: 'parent_only' } as const, [true, false]],
    ['restricted', { kind: 'restricted', pids: new Set([9]) } as const, [false, true]],
    ['topic', { kind: 'topic', topics: new Set(['t']) } as const, [false, false]],
    ['none', { kind: 'none' } as const, [false, false]],
  ])('%s', (_, scope, expected) => {
    expect([reachesPid(scope, parent, parent), reachesPid(scope, 9, parent)]).toEqual(expected);
  });
});
