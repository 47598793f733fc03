import { describe, expect, test } from 'vitest';
import { type GrantsInput, parseGrants } from '../index.ts';
import { EVERYTHING, type GrantOptions, parseGrantOptions } from './grants.ts';

const grants = (options: GrantOptions) => parseGrantOptions(options).grants;

describe('scopes', () => {
  test('without an option nothing is granted', () => {
    expect(grants({})).toEqual({});
  });

  test('without a scope all of the kind is', () => {
    expect(
      grants({
        allowIpc: [EVERYTHING],
        allowNet: [EVERYTHING],
        allowTools: [EVERYTHING],
        allowSpawn: EVERYTHING,
      }),
    ).toEqual({ ipc: 'all', network: 'all', tools: 'all', spawn: 64 });
  });

  test('with an empty scope nothing is, also over a preset', () => {
    const given = grants({
      preset: 'standard',
      allowIpc: [''],
      allowNet: [''],
      allowTools: [''],
      allowSpawn: '',
    });
    const kinds = (given: GrantsInput) => parseGrants(given).map(({ kind }) => kind);
    expect(kinds(given)).toEqual(['services', 'clocks', 'random']);
    // The control: the preset alone grants.
    expect(kinds(grants({ preset: 'standard' }))).toEqual([
      'ipc',
      'tools',
      'services',
      'spawn',
      'clocks',
      'random',
    ]);
  });

  test('several uses of an option add up', () => {
    expect(grants({ allowIpc: ['3,4', '4', '5'], allowTools: ['add', 'sub'] })).toEqual({
      ipc: { pids: [3, 4, 5] },
      tools: ['add', 'sub'],
    });
  });

  test('messages: all, the parent, pids, topics', () => {
    expect(grants({ allowIpc: ['all'] })).toEqual({ ipc: 'all' });
    expect(grants({ allowIpc: ['parent'] })).toEqual({ ipc: 'parent_only' });
    expect(grants({ allowIpc: ['topic:news,topic:a:b'] })).toEqual({
      ipc: { topics: ['news', 'a:b'] },
    });
  });

  test('the network: hosts with and without ports', () => {
    expect(grants({ allowNet: ['Example.org:443,10.0.0.1,[::1]:8080'] })).toEqual({
      network: ['Example.org:443', '10.0.0.1', '[::1]:8080'],
    });
  });

  test('spawning: a number, 0 is none', () => {
    expect(grants({ allowSpawn: '3' })).toEqual({ spawn: 3 });
    expect(grants({ allowSpawn: '0' })).toEqual({ spawn: 0 });
  });
});

describe('scopes that can not be understood are refused, naming option and scope', () => {
  test.each<[string, GrantOptions]>([
    ['--allow-ipc', { allowIpc: ['everybody'] }],
    ['--allow-ipc', { allowIpc: ['0'] }],
    ['--allow-ipc', { allowIpc: ['-1'] }],
    ['--allow-ipc', { allowIpc: ['1.5'] }],
    ['--allow-ipc', { allowIpc: ['9'.repeat(16)] }],
    ['--allow-ipc', { allowIpc: ['all,3'] }],
    ['--allow-ipc', { allowIpc: ['parent', 'all'] }],
    ['--allow-ipc', { allowIpc: ['3,topic:news'] }],
    ['--allow-ipc', { allowIpc: ['topic:'] }],
    ['--allow-ipc', { allowIpc: [','] }],
    ['--allow-net', { allowNet: ['example.org:'] }],
    ['--allow-net', { allowNet: ['example.org:0'] }],
    ['--allow-net', { allowNet: ['example.org:65536'] }],
    ['--allow-net', { allowNet: ['ftp://example.org'] }],
    ['--allow-net', { allowNet: ['*.*.example.org'] }],
    ['--allow-net', { allowNet: ['a b'] }],
    ['--allow-tools', { allowTools: ['a,'] }],
    ['--allow-tools', { allowTools: ['x'.repeat(257)] }],
    ['--allow-spawn', { allowSpawn: 'many' }],
    ['--allow-spawn', { allowSpawn: '10001' }],
    ['--allow-spawn', { allowSpawn: '-1' }],
  ])('%s %j', (option, options) => {
    expect(() => parseGrantOptions(options)).toThrow(
      expect.objectContaining({ code: 'RF_USAGE', message: expect.stringContaining(option) }),
    );
  });
});

describe('grants that no call can use are warned of', () => {
  test('tools that are not there, and neither topics nor the network', () => {
    const { warnings } = parseGrantOptions({
      allowIpc: ['topic:a,topic:b'],
      allowNet: ['a', 'b'],
      allowTools: ['a'],
      allowSpawn: '1',
    });
    expect(warnings.map((warning) => warning.split(':')[0])).toEqual(['--allow-tools']);
  });

  test('not where the tools are there', () => {
    expect(parseGrantOptions({ allowTools: ['time.now'] })).toMatchObject({ warnings: [] });
  });

  test('not where nothing was granted', () => {
    expect(
      parseGrantOptions({ allowIpc: ['3'], allowNet: [''], allowTools: [''], allowSpawn: '0' }),
    ).toMatchObject({ warnings: [] });
  });
});
