/** Goal: every name of WIT has one name in C that compiles, and no two share one. */

import { expect, test } from 'vitest';
import { Identifiers } from '../bindings/naming.ts';
import { Docs } from '../wit/docs.ts';
import type { Place } from '../wit/places.ts';
import { fieldNames, parameterNames, prefixes } from './names.ts';

const place = (name: string, exported = false): Place => ({
  name,
  exported,
  instance: { kind: 'instance', exports: new Map() },
  docs: new Docs(),
});

const prefixesOf = (...places: Place[]) => [...prefixes(places, 'my-world').values()];

test('what places begin with', () => {
  expect(
    prefixesOf(
      place('wasi:io/input-streams@0.2.12'),
      place(''),
      place('inline'),
      place('a:b/c', true),
      place('inline', true),
    ),
  ).toEqual([
    'wasi_io_input_streams_',
    'my_world_',
    'my_world_inline_',
    'exports_a_b_c_',
    'exports_my_world_inline_',
  ]);
});

test('a package that is there in several versions has them in its names, and no other has', () => {
  expect(prefixesOf(place('a:b/c@1.0.0'), place('a:b/d@2.0.0-rc.1'), place('e:f/g@1.0.0'))).toEqual(
    ['a_b1_0_0_c_', 'a_b2_0_0_rc_1_d_', 'e_f_g_'],
  );
});

test('words of C and C++, names of types and names alike get a _', () => {
  expect(fieldNames(['int', 'class', 'size-t', 'a-1', 'A-1', 'fine'])).toEqual([
    'int_',
    'class_',
    'size_t_',
    'a_1',
    'a_1_',
    'fine',
  ]);
});

test('parameters do not hide what a function answers in', () => {
  expect(
    parameterNames([
      { name: 'ret', optional: false },
      { name: 'err', optional: true },
      { name: 'maybe-err', optional: false },
    ]),
  ).toEqual(['ret_', 'maybe_err', 'maybe_err_']);
});

test('of names that are taken the later one gets a _ more', () => {
  const identifiers = new Identifiers();
  expect(['x', 'x', 'x_', 'x'].map((each) => identifiers.take(each))).toEqual([
    'x',
    'x_',
    'x__',
    'x___',
  ]);
});
