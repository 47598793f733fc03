/**
 * Goal: whatever the bytes are, the reader answers with a component or a RingfenceError that names the
 * place, in bounded time. Method: texts turned to binary by jco, and bytes put together by hand; beside
 * each refusal the same thing in a form that is read.
 */

import { describe, expect, test } from 'vitest';
import {
  agentComponent,
  binaryOf,
  leb,
  nameBytes,
  refusalOf,
  sectionsOf,
} from '../../../test/support/components.ts';
import { RingfenceError } from '../../errors.ts';
import { fileKind, readComponent } from './reader.ts';

const EVERYTHING = `(component
  (core module $m
    (import "x" "ready" (func (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "f") (result i32) i32.const 0)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 8)
    (func (export "post") (param i32)))
  (core type (func (param i32) (result i64)))
  (core type (module (import "a" "b" (func (param i32))) (export "m" (memory 1))))
  (type $record (record (field "a" u8) (field "b" (list string))))
  (type $component (component
    (import "a" (func))
    (export "b" (instance (export "c" (type (sub resource)))))))
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.ready" (func (param "self" (borrow $pollable)) (result bool)))))
  (alias export $poll "pollable" (type $pollable))
  (alias export $poll "[method]pollable.ready" (func $ready))
  (core func $lowered (canon lower (func $ready)))
  (core instance $i (instantiate $m (with "x" (instance (export "ready" (func $lowered))))))
  (core func $drop (canon resource.drop $pollable))
  (core func $new (canon resource.new $pollable))
  (core func $rep (canon resource.rep $pollable))
  (func $f (result string)
    (canon lift (core func $i "f") (memory (core memory $i "memory"))
      (realloc (core func $i "realloc")) (post-return (core func $i "post"))
      string-encoding=utf16))
  (component $inner
    (alias outer 1 $record (type))
    (import "f" (func $f (result string)))
    (export "g" (func $f)))
  (instance $made (instantiate $inner (with "f" (func $f))))
  (alias export $made "g" (func $g))
  (instance $inline (export "g" (func $g)))
  (export "all" (instance $inline)))`;

describe('what is in a component', () => {
  test('every kind of definition is read, in order', async () => {
    const { definitions, modules } = readComponent(await binaryOf(EVERYTHING));
    const kinds = new Set(definitions.map(({ kind }) => kind));
    for (const kind of [
      ...[
        'core-module',
        'core-instantiate',
        'core-inline',
        'core-type',
        'component',
        'instantiate',
      ],
      ...['inline', 'alias', 'type', 'lift', 'lower', 'resource-drop', 'resource-new'],
      ...['resource-rep', 'import', 'export'],
    ]) {
      expect(kinds).toContain(kind);
    }
    expect(modules).toHaveLength(1);
    const lift = definitions.find((each) => each.kind === 'lift');
    expect(lift?.options.encoding).toBe('utf16');
    expect(lift?.options.postReturn).not.toBeNull();
  });

  test('a custom section means nothing', () => {
    const bytes = sectionsOf([0, [...nameBytes('anything'), 1, 2, 3]], [0, nameBytes('')]);
    expect(readComponent(bytes).definitions).toEqual([]);
  });

  test('a component is told from a core module and from anything else', async () => {
    expect(fileKind(await binaryOf('(component)'))).toBe('component');
    expect(fileKind(await binaryOf('(module)'))).toBe('core-module');
    for (const other of [[], [0x7f, 0x45, 0x4c, 0x46], [0, 0x61, 0x73, 0x6d, 13, 0, 1]]) {
      expect(fileKind(Uint8Array.from(other))).toBe('other');
    }
  });

  test('a byte order mark is a part of a name', () => {
    const bytes = sectionsOf([7, [1, 0x72, 1, ...nameBytes('\ufeffa'), 0x7f]]);
    const [definition] = readComponent(bytes).definitions;
    expect(definition).toMatchObject({ type: { fields: [{ name: '\ufeffa' }] } });
  });
});

const CORE = '(core module $m (func (export "f"))) (core instance $i (instantiate $m))';
const LIFTED = `${CORE} (func (canon lift (core func $i "f")))`;

/** What it is, a text with it, what the refusal says, and the same without. */
const NOT_OFFERED: readonly (readonly [string, string, RegExp, string])[] = [
  ['async functions', '(type (func async))', /async functions of the 0\.3/, '(type (func))'],
  ['streams', '(type (stream u8))', /streams of the 0\.3/, '(type (list u8))'],
  ['futures', '(type (future u8))', /futures of the 0\.3/, '(type (option u8))'],
  ['error contexts', '(type error-context)', /error-context' of the 0\.3/, '(type string)'],
  ['fixed lists', '(type (list u8 4))', /lists of a fixed length/, '(type (list u8))'],
  ['maps', '(type (map string u8))', /maps/, '(type (tuple string u8))'],
  ['async lifts', LIFTED.replace('$i "f")', '$i "f") async'), /'async' of the 0\.3/, LIFTED],
  ['tasks', '(core func (canon task.return))', /tasks.* of the 0\.3/, LIFTED],
  ['waitables', '(core func (canon waitable-set.new))', /waitables of the 0\.3/, LIFTED],
  ['contexts', '(core func (canon context.get i32 0))', /tasks.* of the 0\.3/, LIFTED],
  ['stream functions', '(core func (canon stream.new 0))', /streams of the 0\.3/, LIFTED],
  ['threads', '(core func (canon thread.index))', /threads/, LIFTED],
  ['values', '(import "v" (value string))', /component values/, '(import "v" (func))'],
  ['GC types', '(core type (struct))', /garbage collection/, '(core type (func))'],
  [
    'attributes of names',
    '(import "a" (implements "b:c/d") (instance))',
    /attributes of names/,
    '(import "a" (instance))',
  ],
  ['wide resources', '(type (resource (rep i64)))', /not an i32/, '(type (resource (rep i32)))'],
];

describe('what is valid but not offered is refused by name, with its offset', () => {
  test.each(NOT_OFFERED)('%s', async (_name, text, message, control) => {
    const bytes = await binaryOf(`(component ${text})`);
    const error = refusalOf(() => readComponent(bytes));
    expect(error.code).toBe('RF_MODULE_REFUSED');
    expect(error.message).toMatch(message);
    expect(error.fields.offset).toBeGreaterThan(8);
    const { definitions } = readComponent(await binaryOf(`(component ${control})`));
    expect(definitions.length).toBeGreaterThan(0);
  });

  test('a start function and values of its own', () => {
    for (const id of [9, 12]) {
      expect(refusalOf(() => readComponent(sectionsOf([id, [0]]))).code).toBe('RF_MODULE_REFUSED');
    }
    expect(readComponent(sectionsOf([7, [1, 0x7f]])).definitions).toHaveLength(1);
  });
});

describe('broken bytes', () => {
  const broken: readonly (readonly [string, readonly (readonly [number, readonly number[]])[]])[] =
    [
      ['an unknown section', [[13, []]]],
      ['an unknown type', [[7, [1, 0x50]]]],
      ['an unknown sort', [[11, [1, 0x00, 1, 0x61, 0x06, 0, 0]]]],
      ['an unknown canonical function', [[8, [1, 0x3f]]]],
      ['an unknown canonical option', [[8, [1, 0, 0, 0, 1, 0x0a, 0]]]],
      ['a canonical option twice', [[8, [1, 1, 0, 0, 2, 0x03, 0, 0x03, 0]]]],
      ['a post-return of a lowered function', [[8, [1, 1, 0, 0, 1, 0x05, 0]]]],
      ['a number of more than 32 bits', [[7, [0xff, 0xff, 0xff, 0xff, 0x1f]]]],
      ['a number without end', [[7, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]]]],
      ['a negative index', [[7, [1, 0x70, 0xff, 0x7f]]]],
      ['a name that is no UTF-8', [[7, [1, 0x6e, 1, 2, 0xc3, 0x28]]]],
      ['a surrogate in a name', [[7, [1, 0x6e, 1, 3, 0xed, 0xa0, 0x80]]]],
      ['a name longer than the file', [[7, [1, 0x6e, 1, 0xff, 0x7f]]]],
      ['more elements than bytes', [[7, [0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f]]]],
      ['bytes behind the last element', [[7, [1, 0x7f, 0x7f]]]],
      ['a record without fields', [[7, [1, 0x72, 0]]]],
      ['33 flags', [[7, [1, 0x6e, 33, ...Array.from({ length: 33 }, () => [1, 0x61]).flat()]]]],
      ['an import inside of an instance type', [[7, [1, 0x42, 1, 0x03, 0, 1, 0x61, 0x01, 0]]]],
      ['a core module that is none', [[1, [0, 0x61, 0x73, 0x6d]]]],
      ['a component that is none', [[4, [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]]]],
    ];
  test.each(broken)('%s', (_name, sections) => {
    const error = refusalOf(() => readComponent(sectionsOf(...sections)));
    expect(error.code).toBe('RF_MODULE_INVALID');
    expect(error.message).toMatch(/^The component is broken at byte \d+: .*\.$/);
  });

  test('a file that ends anywhere is read or refused, and nothing else', async () => {
    const bytes = await smallAgent();
    for (let length = 0; length < bytes.length; length++) {
      const error = thrownBy(() => readComponent(bytes.subarray(0, length)));
      if (error !== null) expect(error.code).toBe('RF_MODULE_INVALID');
    }
    expect(thrownBy(() => readComponent(bytes))).toBeNull();
  });

  test('a section that says it is longer than the file', () => {
    const bytes = sectionsOf([7, [1, 0x7f]]);
    bytes[9] = 0x7f;
    expect(thrownBy(() => readComponent(bytes))?.code).toBe('RF_MODULE_INVALID');
  });
});

async function smallAgent(): Promise<Uint8Array> {
  return agentComponent(`(module
    (import "ringfence:agent/log@0.1.0" "log" (func $log (param i32 i32 i32)))
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 64)
    (func (export "run") (result i32) i32.const 16))`);
}

function thrownBy(act: () => unknown): RingfenceError | null {
  try {
    act();
  } catch (error) {
    if (error instanceof RingfenceError) return error;
    throw error;
  }
  return null;
}

describe('caps', () => {
  const imports = (count: number): Uint8Array => {
    const one = [0x00, ...nameBytes('a'), 0x01, 0];
    const content = [...leb(count)];
    for (let index = 0; index < count; index++) content.push(...one);
    return sectionsOf([10, content]);
  };

  test('a hundred thousand imports are refused, a thousand are read', () => {
    expect(refusalOf(() => readComponent(imports(100_000))).message).toMatch(/more imports/);
    expect(readComponent(imports(1000)).definitions).toHaveLength(1000);
  });

  test('imports are counted over all sections', () => {
    const one = [1, 0x00, ...nameBytes('a'), 0x01, 0];
    const sections = Array.from({ length: 1001 }, () => [10, one] as const);
    expect(refusalOf(() => readComponent(sectionsOf(...sections))).message).toMatch(/more imports/);
    expect(readComponent(sectionsOf(...sections.slice(1))).definitions).toHaveLength(1000);
  });

  test('each cap refuses what passes it and nothing less', async () => {
    const record = await binaryOf('(component (type (record (field "abcd" u8) (field "b" u8))))');
    const nested = await binaryOf('(component (component (component)))');
    const types = await binaryOf('(component (type (instance (type (instance)))))');
    const module = await binaryOf('(component (core module) (core module))');
    const cases = [
      [record, 'nameBytes', 4],
      [record, 'listItems', 2],
      [nested, 'nesting', 2],
      [nested, 'components', 2],
      [types, 'nesting', 2],
      [module, 'modules', 2],
    ] as const;
    for (const [bytes, cap, enough] of cases) {
      expect(() => readComponent(bytes, { [cap]: enough })).not.toThrow();
      const error = refusalOf(() => readComponent(bytes, { [cap]: enough - 1 }));
      expect(error.code).toBe('RF_MODULE_REFUSED');
      expect(error.fields.most).toBe(enough - 1);
    }
  });

  test('components a thousand deep, and a hundred thousand types, are refused', () => {
    let inner = sectionsOf();
    for (let depth = 0; depth < 1000; depth++) inner = sectionsOf([4, [...inner]]);
    expect(refusalOf(() => readComponent(inner)).message).toMatch(/inside of each other/);
    const types = sectionsOf([7, [...leb(200_000), ...new Array(200_000).fill(0x7f)]]);
    expect(refusalOf(() => readComponent(types)).message).toMatch(/more types/);
    const sections = Array.from({ length: 100_001 }, () => [7, [0]] as const);
    expect(refusalOf(() => readComponent(sectionsOf(...sections))).message).toMatch(/more parts/);
  });
});
