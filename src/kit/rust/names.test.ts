/** Goal: every name of WIT has one name in Rust that compiles, and hides nothing that generated code uses. */

import { expect, test } from 'vitest';
import { Docs } from '../wit/docs.ts';
import type { Place } from '../wit/places.ts';
import { distinct, memberName, modulePaths, typeName, valueName } from './names.ts';

const place = (name: string, exported = false): Place => ({
  name,
  exported,
  instance: { kind: 'instance', exports: new Map() },
  docs: new Docs(),
});

test('words of Rust get a _, types of the prelude a Wit', () => {
  expect(['self', 'type', 'get-it'].map(valueName)).toEqual(['self_', 'type_', 'get_it']);
  expect(['result', 'DNS-error', 'self'].map(typeName)).toEqual([
    'WitResult',
    'DnsError',
    'WitSelf',
  ]);
  expect(memberName('handle')).toBe('handle_');
});

test('names alike get a _', () => {
  expect(distinct(['a1', 'a-1'], typeName)).toEqual(['A1', 'A1_']);
});

test('modules of places', () => {
  const places = [
    place('wasi:io/streams@0.2.12'),
    place('a:b/type@1.0.0'),
    place('a:b/c@2.0.0-rc.1', true),
    place('inline', true),
    place(''),
  ];
  expect([...modulePaths(places).values()]).toEqual([
    ['wasi', 'io', 'streams'],
    ['a', 'b1_0_0', 'type_'],
    ['exports', 'a', 'b2_0_0_rc_1', 'c'],
    ['exports', 'inline'],
    [],
  ]);
});
