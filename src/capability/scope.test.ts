import { describe, expect, test } from 'vitest';
import type { FilesScope, IpcScope } from './grant.ts';
import { covers, intersect, reachesPid, reachesTool, reachesTopic } from './scope.ts';

describe('the scope of messages', () => {
  const parent = 3;
  const none: IpcScope = { pids: new Set(), parent: false, topics: new Set() };
  test.each<[string, IpcScope, [boolean, boolean]]>([
    ['all', { pids: 'all', parent: true, topics: 'all' }, [true, true]],
    ['the parent', { ...none, parent: true }, [true, false]],
    ['a pid', { ...none, pids: new Set([9]) }, [false, true]],
    ['a topic', { ...none, topics: new Set(['t']) }, [false, false]],
    ['nobody', none, [false, false]],
  ])('%s: whether it reaches the parent, and pid 9', (_, scope, expected) => {
    expect([reachesPid(scope, parent, parent), reachesPid(scope, 9, parent)]).toEqual(expected);
  });

  test('topics are reached by their whole name', () => {
    const scope = { ...none, topics: new Set(['news', '*']) };
    const topics = ['news', '*', 'new', 'news/today', 'News'];
    expect(topics.filter((topic) => reachesTopic(scope, topic))).toEqual(['news', '*']);
  });
});

test('of tools the denied are not reached, whatever is allowed', () => {
  const deny = new Set(['rm']);
  expect(reachesTool({ allow: 'all', deny }, 'add')).toBe(true);
  expect(reachesTool({ allow: 'all', deny }, 'rm')).toBe(false);
  expect(reachesTool({ allow: new Set(['rm']), deny }, 'rm')).toBe(false);
});

describe('directories', () => {
  const at = (path: string, rest: Partial<FilesScope> = {}): FilesScope => ({
    guest: '/',
    source: { kind: 'host', path },
    modes: { write: false, create: false },
    quota: { bytes: 0, files: 0 },
    ...rest,
  });

  test.each([
    ['/data', '/data', true],
    ['/data', '/data/a/b', true],
    ['/', '/data', true],
    ['/', '/', true],
    ['/data', '/data2', false],
    ['/data', '/dat', false],
    ['/data', '/', false],
    ['/data/a', '/data', false],
    // What is not normal is within nothing, and nothing is within it.
    ['/data', '/data/../etc', false],
    ['/data', '/data/./a', false],
    ['/data', '/data//a', false],
    ['/data', '/data/', false],
    ['/data/', '/data/a', false],
    ['/data/..', '/data/..', false],
    ['data', 'data/a', false],
    ['', '/data', false],
  ])('%s covers %s: %s', (wide, narrow, expected) => {
    expect(covers('files', at(wide), at(narrow))).toBe(expected);
  });

  test('are intersected to the inner one, with the modes and quotas of both', () => {
    const outer = at('/data', {
      guest: '/outer',
      modes: { write: true, create: false },
      quota: { bytes: 0, files: 5 },
    });
    const inner = at('/data/a', {
      guest: '/inner',
      modes: { write: true, create: true },
      quota: { bytes: 10, files: 7 },
    });
    const both = {
      ...inner,
      modes: { write: true, create: false },
      quota: { bytes: 10, files: 5 },
    };
    expect(intersect('files', outer, inner)).toEqual(both);
    expect(intersect('files', inner, outer)).toEqual(both);
    expect(intersect('files', outer, { ...outer, guest: '/there' })?.guest).toBe('/there');
    expect(intersect('files', at('/data'), at('/data2'))).toBeNull();
    expect(intersect('files', at('/data'), at('/', { source: { kind: 'memory' } }))).toBeNull();
  });
});

test('two sequences of random numbers have nothing in common, the system’s has all', () => {
  expect(intersect('random', { seed: 'a' }, { seed: 'b' })).toBeNull();
  expect(intersect('random', { seed: null }, { seed: 'b' })).toEqual({ seed: 'b' });
  expect(intersect('random', { seed: 'a' }, { seed: null })).toEqual({ seed: 'a' });
});
