/**
 * Goal: generated bindings move every type both ways, as a parameter and as a result, in memory and
 * flat. Method: a guest that hands each value on to the host and answers what comes back is compiled,
 * made a component and run by jco's glue, which lifts and lowers on its own; values must come back.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { componentFromCore } from '../build/make-component.ts';
import { resolveWorld } from '../wit/resolve-world.ts';
import { compileAssemblyScript } from './compile.ts';

/** A type by its name in WIT, how AssemblyScript writes it, and values as jco gives and takes them. */
const CASES: readonly (readonly [name: string, wit: string, as: string, values: unknown[]])[] = [
  ['bool', 'bool', 'bool', [true, false]],
  ['s8', 's8', 'i8', [-128, 127]],
  ['u8', 'u8', 'u8', [0, 255]],
  ['s16', 's16', 'i16', [-32768, 32767]],
  ['u16', 'u16', 'u16', [0, 65535]],
  ['s32', 's32', 'i32', [-(2 ** 31), 2 ** 31 - 1]],
  ['u32', 'u32', 'u32', [0, 2 ** 32 - 1]],
  ['s64', 's64', 'i64', [-(2n ** 63n), 2n ** 63n - 1n]],
  ['u64', 'u64', 'u64', [0n, 2n ** 64n - 1n]],
  ['float32', 'f32', 'f32', [0.5, -1.5]],
  ['float64', 'f64', 'f64', [0.1, -1e300]],
  ['letter', 'char', 'u32', ['a', '🦀']],
  ['text', 'string', 'string', ['', 'zażółć 🦀', 'x'.repeat(70_000)]],
  ['bytes', 'list<u8>', 'Uint8Array', [new Uint8Array(0), Uint8Array.of(1, 2, 255)]],
  ['longs', 'list<u64>', 'Uint64Array', [BigUint64Array.of(1n, 2n ** 64n - 1n)]],
  ['texts', 'list<string>', 'Array<string>', [[], ['a', '', 'ü']]],
  ['matrix', 'list<list<u16>>', 'Array<Uint16Array>', [[Uint16Array.of(1), Uint16Array.of()]]],
  ['maybe-number', 'option<u32>', 'Option<u32>', [undefined, 0, 7]],
  ['maybe-text', 'option<string>', 'string | null', [undefined, '', 'some']],
  ['maybe-texts', 'list<option<string>>', 'Array<string | null>', [['a', undefined]]],
  ['pair', 'tuple<u8, string>', 'Tuple2<u8, string>', [[1, 'one']]],
  ['color', 'color', 'Color', ['red', 'dark-blue']],
  ['access', 'access', 'u32', [{ read: true, writeAll: false, execute: true }]],
  ['point', 'point', 'Point', [{ x: 1, yValue: 2n, label: 'here' }]],
  [
    'shape',
    'shape',
    'Shape',
    [
      { tag: 'nothing' },
      { tag: 'circle', val: 1.5 },
      { tag: 'named', val: { x: 3, yValue: 4n, label: 'there' } },
      { tag: 'weight', val: 2n ** 40n },
      { tag: 'many', val: [{ tag: 'circle', val: 0.25 }, { tag: 'empty' }] },
    ],
  ],
  [
    'nested',
    'option<option<string>>',
    'Option<string | null>',
    [{ tag: 'none' }, { tag: 'some', val: undefined }, { tag: 'some', val: 'deep' }],
  ],
];

const NAMES_WITH_NESTED_FORM = new Set(['nested']);

const WIT = `package test:values;

interface types {
  enum color { red, green, dark-blue }
  flags access { read, write-all, execute }
  record point { x: u8, y-value: u64, label: string }
  variant leaf { empty, circle(f32) }
  variant shape { nothing, circle(f32), named(point), weight(u64), many(list<leaf>) }
  resource counter {
    constructor(start: u32);
    add: func(by: u32) -> u32;
    sum: static func(counters: list<borrow<counter>>) -> u32;
  }
}

interface back {
  use types.{color, access, point, shape};
${CASES.map(([name, wit]) => `  pass-${name}: func(value: ${wit}) -> ${wit};`).join('\n')}
  many: func(a: string, b: string, c: string, d: string, e: string, f: string, g: string, h: string, i: u8) -> string;
  check: func(good: bool) -> result<u32, string>;
}

world guest {
  use types.{color, access, point, shape};
  import types;
  import back;
  import ringfence:agent/log;
${CASES.map(([name, wit]) => `  export pass-${name}: func(value: ${wit}) -> ${wit};`).join('\n')}
  export many: func(a: string, b: string, c: string, d: string, e: string, f: string, g: string, h: string, i: u8) -> string;
  export check: func(good: bool) -> result<u32, string>;
  export count: func() -> u32;
  export pages: func() -> u32;
}

package ringfence:agent {
  interface log {
    enum level { trace, debug, info, warn, error }
    log: func(level: level, message: string);
  }
}
`;

/** The function that passes a type on, as JavaScript and AssemblyScript name it. */
const pass = (name: string) =>
  `pass-${name}`.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

const GUEST = `
import * as back from 'test/values/back';
import { Color, Counter, Point, Shape } from 'test/values/types';
import { Tuple2 } from 'wit/tuples';
import { Option, Result } from 'wit/values';

${CASES.map(
  ([name, , type]) =>
    `export function ${pass(name)}(value: ${type}): ${type} { return back.${pass(name)}(value); }`,
).join('\n')}

export function many(
  a: string, b: string, c: string, d: string, e: string, f: string, g: string, h: string, i: u8,
): string {
  return back.many(a, b, c, d, e, f, g, h, i);
}

export function check(good: bool): Result<u32, string> {
  return back.check(good);
}

export function pages(): u32 {
  return memory.size();
}

export function count(): u32 {
  const one = Counter.create(1);
  const two = Counter.create(10);
  const sum = one.add(1) + Counter.sum([one, two]);
  one.drop();
  two.drop();
  return sum;
}
`;

class Counter {
  value: number;

  constructor(start: number) {
    this.value = start;
  }

  add(by: number): number {
    this.value += by;
    return this.value;
  }

  static sum(counters: Counter[]): number {
    return counters.reduce((sum, each) => sum + each.value, 0);
  }
}

type Exports = Record<string, (...args: unknown[]) => unknown>;

let folder: string;
let guest: Exports;
let dropped = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-round-trip-'));
  const file = join(folder, 'guest.ts');
  writeFileSync(file, GUEST);
  const { core } = await compileAssemblyScript({
    file,
    base: folder,
    world: await resolveWorld({ root: [{ name: 'guest.wit', text: WIT }], deps: [] }),
    folder: join(folder, 'bindings'),
  });
  const component = await componentFromCore(core, {
    world: 'guest',
    stringEncoding: 'utf16',
    witSource: WIT,
    file,
  });
  guest = await instantiate(component);
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Instantiates by jco's glue, with a host that answers what it is given. */
async function instantiate(component: Uint8Array): Promise<Exports> {
  const { files } = await transpile(component, {
    name: 'guest',
    instantiation: 'async',
    noTypescript: true,
  });
  const glue = join(folder, 'guest.mjs');
  writeFileSync(glue, files['guest.js'] as Uint8Array);
  const { instantiate: run } = await import(pathToFileURL(glue).href);
  const answers = CASES.map(([name]) => [pass(name), (value: unknown) => value]);
  class Dropped extends Counter {
    [Symbol.dispose]() {
      dropped += 1;
    }
  }
  return run((name: string) => new WebAssembly.Module(new Uint8Array(files[name] ?? [])), {
    'test:values/types': { Counter: Dropped },
    'test:values/back': {
      ...Object.fromEntries(answers),
      many: (...values: unknown[]) => values.join('|'),
      check: (good: boolean) => {
        if (good) return 7;
        throw { payload: 'not good' };
      },
    },
    'ringfence:agent/log': { log: () => {} },
  });
}

test.each(CASES)('%s comes back as it went in', (name, _wit, _as, values) => {
  for (const value of values) {
    const answer = guest[pass(name)]?.(value);
    expect(NAMES_WITH_NESTED_FORM.has(name) ? answer : (answer ?? undefined)).toEqual(value);
  }
});

test('arguments that travel in memory arrive in order', () => {
  const values = ['a', 'bb', '', 'd', 'é', '🦀', 'g', 'h', 9];
  expect(guest.many?.(...values)).toBe(values.join('|'));
});

test('a result is ok or an error', () => {
  expect(guest.check?.(true)).toBe(7);
  expect(() => guest.check?.(false)).toThrow(expect.objectContaining({ payload: 'not good' }));
});

test('a resource of the host is made, used, lent and dropped', () => {
  expect(guest.count?.()).toBe(2 + 12);
  expect(dropped).toBe(2);
});

test('strings and lists that crossed leave no garbage behind', () => {
  const cross = () => guest[pass('texts')]?.(['x'.repeat(1000), 'y'.repeat(1000)]);
  for (let round = 0; round < 100; round += 1) cross();
  const pages = guest.pages?.();
  // Without collection each round would keep 8,000 bytes: more than a thousand pages in all.
  for (let round = 0; round < 10_000; round += 1) cross();
  expect(guest.pages?.()).toBe(pages);
});
