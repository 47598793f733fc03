/** Goal: the rules of naming that docs/authoring.md states. Method: names that clash, beside some that don't. */

import { expect, test } from 'vitest';
import {
  caseName,
  distinct,
  guestNames,
  memberName,
  modulePaths,
  parameterNames,
  typeName,
  valueName,
} from './names.ts';

test('names are in the habit of the language, and words of it get a mark', () => {
  expect(['link-count', 'DNS-name', 'type', 'get'].map(valueName)).toEqual([
    'linkCount',
    'dnsName',
    'type_',
    'get_',
  ]);
  expect(['input-stream', 'error', 'map', 'tuple2'].map(typeName)).toEqual([
    'InputStream',
    'WitError',
    'WitMap',
    'WitTuple2',
  ]);
  expect(['get', 'drop', 'dispose', 'create'].map(memberName)).toEqual([
    'get',
    'drop_',
    'dispose_',
    'create_',
  ]);
  expect(['circle', 'tag', 'new', 'get'].map(caseName)).toEqual(['circle', 'tag_', 'new_', 'get']);
});

test('of names that would be written alike the later get a mark each', () => {
  expect(distinct(['a-b1', 'a-b-1', 'a-b1c', 'aB1'], valueName)).toEqual([
    'aB1',
    'aB1_',
    'aB1c',
    'ab1',
  ]);
});

test('no parameter hides what generated code calls', () => {
  expect(parameterNames(['load', 'memory', 'from', 'guest', 'x'])).toEqual([
    'load_',
    'memory_',
    'from_',
    'guest_',
    'x',
  ]);
});

test('a version is in the path of a module only where there are two', () => {
  const paths = (...names: string[]) => [...modulePaths(names).values()];
  expect(paths('wasi:io/streams@0.2.12', 'a:b/c', 'inline')).toEqual([
    'wasi/io/streams',
    'a/b/c',
    'wit/world/inline',
  ]);
  expect(paths('wasi:io/streams@0.2.12', 'wasi:io/poll@0.2.0')).toEqual([
    'wasi/io-0.2.12/streams',
    'wasi/io-0.2.0/poll',
  ]);
});

test('exports of one name have their interface, package and version before it, as far as it takes', () => {
  const names = (...list: [name: string, interfaceName: string | null][]) => {
    const exports = list.map(([name, interfaceName]) => ({ name, interfaceName }));
    return [...guestNames(exports, valueName).values()];
  };
  expect(names(['run', null], ['stop', 'a:b/left'])).toEqual(['run', 'stop']);
  expect(names(['run', null], ['run', 'a:b/left'])).toEqual(['run', 'leftRun']);
  expect(names(['get', 'a:b/left'], ['get', 'a:b/right'])).toEqual(['leftGet', 'rightGet']);
  expect(names(['go', 'a:b/left'], ['go', 'c:d/left'])).toEqual(['aBLeftGo', 'cDLeftGo']);
  expect(names(['go', 'a:b/left@1.0.0'], ['go', 'a:b/left@2.0.0'])).toEqual([
    'aB100LeftGo',
    'aB200LeftGo',
  ]);
  // A name that the rule makes and another export has already.
  const clashing = names(['get', 'a:b/left'], ['get', 'a:b/right'], ['left-get', null]);
  expect(new Set(clashing).size).toBe(3);
});
