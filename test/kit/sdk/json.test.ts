/**
 * Goal: the SDK's JSON is JavaScript's: what it reads and writes, whatever the text. Method: a guest reads texts
 * and writes them again, in jco's glue; texts are random, and those that others get wrong are there by name.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { compileAssemblyScript } from '../../../src/kit/assemblyscript/compile.ts';
import { componentFromCore } from '../../../src/kit/build/make-component.ts';
import { resolveWorld } from '../../../src/kit/wit/resolve-world.ts';

const WIT = `package my:json;
world guest {
  /// Reads a text and writes it again.
  export rewrite: func(text: string) -> result<string, string>;
  /// The bits of a text's number.
  export float-of: func(text: string) -> result<u64, string>;
  /// The text of the number with these bits.
  export text-of: func(bits: u64) -> string;
  /// The text of a text.
  export quote: func(text: string) -> string;
  /// The field 'a' as what is asked for.
  export field: func(text: string, kind: string) -> string;
  /// An object with everything in it.
  export all: func() -> string;
  /// Writes lists in each other, or one that holds itself.
  export deep: func(levels: u32) -> result<string, string>;
  export cyclic: func() -> result<string, string>;
}`;

const GUEST = `
import { Json, Result } from 'ringfence/assemblyscript';

export function rewrite(text: string): Result<string, string> {
  const read = Json.parse(text);
  return read.isOk ? read.value.write() : Result.err<string, string>(read.error);
}
export function floatOf(text: string): Result<u64, string> {
  const read = Json.parse(text);
  if (!read.isOk) return Result.err<u64, string>(read.error);
  return Result.ok<u64, string>(reinterpret<u64>(read.value.asFloat()));
}
export function textOf(bits: u64): string {
  return Json.of(reinterpret<f64>(bits)).toString();
}
export function quote(text: string): string {
  return Json.of(text).toString();
}
export function field(text: string, kind: string): string {
  const json = Json.parse(text).value;
  if (kind == 'u8') return told(json.field<u8>('a'));
  if (kind == 'i32') return told(json.field<i32>('a'));
  if (kind == 'i64') return told(json.field<i64>('a'));
  if (kind == 'u64') return told(json.field<u64>('a'));
  if (kind == 'f64') return told(json.field<f64>('a'));
  if (kind == 'bool') return told(json.field<bool>('a'));
  if (kind == 'string') return told(json.field<string>('a'));
  if (kind == 'strings') return told(json.field<Array<string>>('a'));
  if (kind == 'grid') return told(json.field<Array<Array<i32>>>('a'));
  return told(json.field<Json>('a'));
}
function told<T>(read: Result<T, string>): string {
  return read.isOk ? Json.of<T>(read.value).toString() : read.error;
}
export function all(): string {
  const small: i8 = -5;
  const nobody: string | null = null;
  return Json.object()
    .with('small', small)
    .with('least', i64.MIN_VALUE)
    .with('most', u64.MAX_VALUE)
    .with('half', 0.5)
    .with('true', true)
    .with('text', 'a"b')
    .with('nobody', nobody)
    .with('list', [1, 2, 3])
    .with('texts', ['a', 'b'])
    .with('inner', Json.object().with('nothing', Json.nothing()))
    .with('pushed', Json.list().push(1).push('two').push(NaN))
    .toString();
}
export function deep(levels: u32): Result<string, string> {
  let json = Json.list();
  for (let level: u32 = 1; level < levels; level++) json = Json.list().push(json);
  return json.write();
}
export function cyclic(): Result<string, string> {
  const json = Json.object();
  json.with('self', json);
  return json.write();
}
`;

interface Guest {
  rewrite(text: string): string;
  floatOf(text: string): bigint;
  textOf(bits: bigint): string;
  quote(text: string): string;
  field(text: string, kind: string): string;
  all(): string;
  deep(levels: number): string;
  cyclic(): string;
}

// Random texts take their time where others compute too.
vi.setConfig({ testTimeout: 180_000 });

let folder: string;
let guest: Guest;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-json-'));
  const file = join(folder, 'guest.ts');
  writeFileSync(file, GUEST);
  const world = await resolveWorld({ root: [{ name: 'json.wit', text: WIT }], deps: [] });
  const bindings = join(folder, 'bindings');
  const { core } = await compileAssemblyScript({ file, world, folder: bindings, base: folder });
  const component = await componentFromCore(core, {
    world: world.worldName,
    stringEncoding: 'utf16',
    witSource: world.witSource,
    file,
  });
  const { files } = await transpile(component, { name: 'json', instantiation: 'async' });
  const glue = join(folder, 'json.mjs');
  writeFileSync(glue, files['json.js'] as Uint8Array);
  const { instantiate } = await import(pathToFileURL(glue).href);
  guest = await instantiate(
    (name: string) => new WebAssembly.Module(new Uint8Array(files[name] ?? [])),
    {},
  );
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What went wrong, where something did. */
function told(call: () => string): { readonly value: string } | { readonly failure: string } {
  try {
    return { value: call() };
  } catch (error) {
    return { failure: (error as { payload: string }).payload };
  }
}

const bitsOf = (value: number) => new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n;

describe('what is read and written again', () => {
  test('is the same value, compact or with space', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), fc.nat(4), (text, indent) => {
        const value: unknown = JSON.parse(text);
        const written = guest.rewrite(JSON.stringify(value, null, indent));
        expect(JSON.stringify(JSON.parse(written))).toBe(JSON.stringify(value));
      }),
      { numRuns: 60 },
    );
  });

  test('is the same text where it was compact and its keys are texts', () => {
    const key = fc.string({ unit: 'binary' }).map((text) => `k${text}`);
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.boolean(),
      fc.constant(null),
      fc.integer(),
    );
    const value = fc.oneof(
      leaf,
      fc.array(leaf),
      fc.dictionary(key, fc.oneof(leaf, fc.array(leaf))),
    );
    fc.assert(
      fc.property(value, (value) => {
        const text = JSON.stringify(value);
        expect(guest.rewrite(text)).toBe(text);
      }),
      { numRuns: 150 },
    );
  });

  test('is the same object, whatever the number and the order of its keys', () => {
    const keys = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 3 }), {
      maxLength: 1_500,
      size: 'max',
    });
    fc.assert(
      fc.property(keys, fc.array(fc.nat()), (keys, again) => {
        const fields = keys.map((key, index) => [key, index] as const);
        const more = again.flatMap((each) => fields[each % fields.length] ?? []);
        for (let index = 0; index < more.length; index += 2) {
          fields.push([String(more[index]), -index]);
        }
        const text = fields.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',');
        expect(JSON.parse(guest.rewrite(`{${text}}`))).toEqual(JSON.parse(`{${text}}`));
      }),
      { numRuns: 15 },
    );
  });

  test('ten thousand keys are found, whatever their order', () => {
    const numbers = Array.from({ length: 10_000 }, (_, index) => (index * 7_919) % 10_000);
    for (const order of [numbers, numbers.toSorted(), numbers.toSorted().reverse()]) {
      const fields = [...order, ...order].map((key, index) => `"k${key}":${index}`);
      const written = order.map((key, index) => `"k${key}":${index + 10_000}`);
      expect(guest.rewrite(`{${fields.join(',')}}`)).toBe(`{${written.join(',')}}`);
    }
  });

  test.each([
    ['9007199254740993', '9007199254740993'],
    ['18446744073709551615', '18446744073709551615'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['18446744073709551616', '18446744073709552000'],
    ['-9223372036854775809', '-9223372036854776000'],
    ['1e3', '1000'],
    ['-0', '0'],
    ['1e999', 'null'],
    ['{"a":1,"a":2,"b":0}', '{"a":2,"b":0}'],
    ['{"__proto__":{"":[]}}', '{"__proto__":{"":[]}}'],
    [
      String.raw`"\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\\u0000"`,
      String.raw`"é😀/\b\f\n\r\t\"\\\u0000"`,
    ],
    [String.raw`"\ud83d \ude00"`, String.raw`"\ud83d \ude00"`],
  ])('%s', (text, written) => {
    expect(guest.rewrite(text)).toBe(written);
  });
});

describe('numbers', () => {
  const float = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => {
    return new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? 0;
  });
  const anyFloat = fc.oneof(fc.double(), float).filter(Number.isFinite);

  test('every float comes back as it was', () => {
    fc.assert(
      fc.property(anyFloat, (value) => {
        const wanted = bitsOf(value === 0 ? 0 : value);
        expect(guest.floatOf(guest.textOf(bitsOf(value)))).toBe(wanted);
        expect(guest.floatOf(JSON.stringify(value))).toBe(wanted);
      }),
      { numRuns: 150 },
    );
  });

  test('a decimal number is the float that is nearest, ties to even', () => {
    const digits = fc.string({
      unit: fc.constantFrom(...'0123456789'),
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(digits, digits, fc.integer({ min: -400, max: 400 }), (whole, part, exponent) => {
        const text = `${whole.replace(/^0+(?=.)/, '')}.${part}e${exponent}`;
        expect(guest.floatOf(text)).toBe(bitsOf(JSON.parse(text)));
      }),
      { numRuns: 150 },
    );
  });

  /** Exactly half way between a float and the next, and a hair to each side. */
  test('what is half way between two floats is rounded as it should', () => {
    const positive = anyFloat.map(Math.abs).filter((value) => value > 1e-300 && value < 1e300);
    fc.assert(
      fc.property(positive, (value) => {
        const bits = bitsOf(value);
        const mantissa = (bits & (2n ** 52n - 1n)) | (2n ** 52n);
        const exponent = Number(bits >> 52n) - 1075 - 1;
        const middle = mantissa * 2n + 1n;
        const [text, shift] =
          exponent >= 0
            ? [String(middle * 2n ** BigInt(exponent)), 0]
            : [String(middle * 5n ** BigInt(-exponent)), exponent];
        for (const each of [`${text}e${shift}`, `${text}.1e${shift}`]) {
          expect(guest.floatOf(each)).toBe(bitsOf(JSON.parse(each)));
        }
      }),
      { numRuns: 150 },
    );
  });

  test.each([
    '2.2250738585072012e-308',
    '2.2250738585072011e-308',
    '5e-324',
    '2.4703282292062327e-324',
    '2.4703282292062328e-324',
    '1.7976931348623157e308',
    '1.7976931348623158e308',
    '1.7976931348623159e308',
    '0.000e99999999999999999999',
    `0.${'0'.repeat(400)}1e400`,
    `1${'0'.repeat(900)}e-900`,
    `1.${'0'.repeat(900)}1`,
    `9007199254740993.${'0'.repeat(900)}1`,
    '1e-99999999999999999999',
  ])('%s', (text) => {
    expect(guest.floatOf(text)).toBe(bitsOf(JSON.parse(text)));
  });
});

describe('texts that are no JSON', () => {
  test('are refused where JSON.parse refuses them, and only there', () => {
    const piece = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"a"',
        '"',
        '\\',
        '\\u12',
        '1',
        '-',
        '.',
        'e',
        '+',
        '0',
        'true',
        'nul',
      ],
      ...[' ', '\n', '\u00a0', '\t', '\u0000'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('');
        const answer = told(() => guest.rewrite(text));
        let value: unknown;
        try {
          value = JSON.parse(text);
        } catch {
          expect(answer).toHaveProperty('failure');
          return;
        }
        // Written again, as -0 is 0 in JSON.
        expect(answer).toEqual({ value: JSON.stringify(value) });
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['', 'at character 0 it needs a value'],
    ['[1,]', 'at character 3 it needs a value'],
    ['{"a" 1}', "at character 5 it needs ':'"],
    ['{a:1}', 'at character 1 it needs a key in quotes'],
    ['[1] 2', 'at character 4 it needs its end'],
    ['01', 'at character 1 it needs its end'],
    ['tru', "at character 3 it needs 'true'"],
    ['"\u0007"', 'at character 1 it needs the end of a text, and no control character in it'],
    [String.raw`"\x"`, 'at character 2 it needs an escape that JSON has'],
  ])('%j: %s', (text, failure) => {
    expect(told(() => guest.rewrite(text))).toEqual({ failure });
  });
});

describe('bounds', () => {
  test('levels, read and written', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(guest.rewrite(nested(65))).toBe(nested(65));
    expect(told(() => guest.rewrite(nested(66)))).toEqual({
      failure: 'it is nested deeper than 64 levels',
    });
    expect(guest.deep(65)).toBe(nested(65));
    const failure = 'it is nested deeper than 64 levels';
    expect(told(() => guest.deep(66))).toEqual({ failure });
    expect(told(() => guest.cyclic())).toEqual({ failure });
  });

  test('values', () => {
    const list = (items: number) => `[${Array(items).fill(0).join(',')}]`;
    expect(guest.rewrite(list(24_999))).toBe(list(24_999));
    expect(told(() => guest.rewrite(list(25_000)))).toEqual({
      failure: 'it has more than 25000 values',
    });
  });

  test('characters', () => {
    const text = (length: number) => `"${'a'.repeat(length - 2)}"`;
    expect(guest.rewrite(text(4_000_000))).toBe(text(4_000_000));
    expect(told(() => guest.rewrite(text(4_194_305)))).toEqual({
      failure: 'it is longer than 4194304 characters',
    });
  });
});

test('values of the language become JSON', () => {
  expect(guest.all()).toBe(
    '{"small":-5,"least":-9223372036854775808,"most":18446744073709551615,"half":0.5,"true":true,' +
      String.raw`"text":"a\"b","nobody":null,"list":[1,2,3],"texts":["a","b"],"inner":{"nothing":null},` +
      '"pushed":[1,"two",null]}',
  );
});

describe('a field is a value of the type that is asked for, or says what is wrong', () => {
  test.each([
    ['{"a":255}', 'u8', '255'],
    ['{"a":256}', 'u8', "'a' is wrong: it is 256, not of the type u8"],
    ['{"a":-1}', 'u8', "'a' is wrong: it is -1, not of the type u8"],
    ['{"a":-2147483648}', 'i32', '-2147483648'],
    ['{"a":2147483648}', 'i32', "'a' is wrong: it is 2147483648, not of the type i32"],
    ['{"a":1e3}', 'i32', '1000'],
    ['{"a":1.5}', 'i32', "'a' is wrong: it is 1.5, not of the type i32"],
    ['{"a":1e300}', 'u64', "'a' is wrong: it is 1e+300, not of the type u64"],
    ['{"a":9223372036854775807}', 'i64', '9223372036854775807'],
    [
      '{"a":9223372036854775808}',
      'i64',
      "'a' is wrong: it is 9223372036854775808, not of the type i64",
    ],
    ['{"a":18446744073709551615}', 'u64', '18446744073709551615'],
    ['{"a":-9223372036854775808}', 'i64', '-9223372036854775808'],
    [
      '{"a":-9223372036854775808}',
      'u64',
      "'a' is wrong: it is -9223372036854775808, not of the type u64",
    ],
    ['{"a":7}', 'f64', '7'],
    ['{"a":"7"}', 'f64', "'a' is wrong: it is a text, not a number"],
    ['{"a":true}', 'bool', 'true'],
    ['{"a":1}', 'bool', "'a' is wrong: it is 1, not a boolean"],
    ['{"a":"b"}', 'string', '"b"'],
    ['{"a":null}', 'string', "'a' is wrong: it is null, not a text"],
    ['{"a":["b","c"]}', 'strings', '["b","c"]'],
    ['{"a":["b",3]}', 'strings', "'a' is wrong: item 1 is wrong: it is 3, not a text"],
    ['{"a":[[1],[2,3],[]]}', 'grid', '[[1],[2,3],[]]'],
    ['{"a":{}}', 'grid', "'a' is wrong: it is an object, not a list"],
    ['{"a":{"b":[]}}', 'json', '{"b":[]}'],
    ['{"b":1}', 'u8', "'a' is missing"],
    ['[]', 'u8', "'a' is missing"],
  ])('%s as %s', (text, kind, answer) => {
    expect(guest.field(text, kind)).toBe(answer);
  });
});
