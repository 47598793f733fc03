/**
 * Goal: a schema that is taken never makes a value cost more than its length times the schema's, and what is
 * not taken is refused in a sentence. Method: schemas and values that are known to blow others up.
 */

import { describe, expect, test } from 'vitest';
import { canonicalJson, hasPrototypeField, isLongerThan, readJson } from './text.ts';
import { compileSchema } from './validator.ts';

describe('a schema is refused', () => {
  const nested = (levels: number): unknown => (levels === 0 ? {} : { not: nested(levels - 1) });
  const laughs = Object.fromEntries(
    Array.from({ length: 10 }, (_, level) => [
      `d${level}`,
      level === 0 ? {} : { allOf: Array(10).fill({ $ref: `#/$defs/d${level - 1}` }) },
    ]),
  );
  test.each<[string, unknown, RegExp]>([
    ['that is no object', true, /no object/],
    ['that is a list', [], /no object/],
    ['that is no JSON', { const: () => 1 }, /no JSON/],
    ['that is too deep', nested(40), /32 levels/],
    ['that is too long', { const: 'x'.repeat(70_000) }, /65536 characters/],
    ['of too many parts', { allOf: Array(3_000).fill({}) }, /2000 parts/],
    ['that refers ten to the tenth times', { $defs: laughs, $ref: '#/$defs/d9' }, /2000 parts/],
    ['that nobody uses and that does', { $defs: laughs }, /2000 parts/],
    ['that refers to itself', { $ref: '#' }, /refers to itself/],
    [
      'that refers around',
      { $defs: { a: { $ref: '#/$defs/b' }, b: { items: { $ref: '#/$defs/a' } } } },
      /itself/,
    ],
    ['that refers elsewhere', { $ref: 'https://example.org/' }, /names no part/],
    ['that refers to nothing', { $ref: '#/$defs/none' }, /names no part/],
    ['that refers to what it inherits', { $ref: '#/constructor' }, /names no part/],
    [
      'that refers by an escape, which others undo',
      { $defs: { 'a%25': true, 'a%': { not: {} } }, $ref: '#/$defs/a%25' },
      /names no part/,
    ],
    ['that refers to itself by an empty name', { '': true, $ref: '#/' }, /names no part/],
    ['that has a name', { $id: 'https://example.org/' }, /'\$id'/],
    ['that refers later', { $dynamicRef: '#a' }, /'\$dynamicRef'/],
    ['of another draft', { $schema: 'http://json-schema.org/draft-04/schema#' }, /draft 7/],
    ['that is asynchronous', { $async: true }, /\$async/],
    ['with a keyword that nobody knows', { typ: 'string' }, /typ/],
    ['of a type that nobody knows', { type: 'text' }, /type/],
    ['with a pattern that is none', { pattern: '(' }, /regexp/],
    ['with a pattern that looks behind', { pattern: '(?<=a)b' }, /regexp/],
    ['with a pattern that refers back', { pattern: '(a)\\1' }, /regexp/],
  ])('%s', (_, schema, message) => {
    expect(() => compileSchema(schema)).toThrow(
      expect.objectContaining({ code: 'RF_USAGE', message: expect.stringMatching(message) }),
    );
  });

  test('that refers into what has a name, so that others find other parts there', () => {
    const inner = { $ref: '#/$defs/a' };
    const named = { $id: 'https://example.org/', $defs: { a: { not: {} } }, inner };
    const schema = (part: object) => ({
      $defs: { a: true },
      'x-part': part,
      $ref: '#/x-part/inner',
    });
    expect(() => compileSchema(schema(named), { strict: false })).toThrow(/names no part/);
    const { $id: _, ...plain } = named;
    expect(compileSchema(schema(plain), { strict: false })({})).toBeNull();
  });

  test('and others like them are taken', () => {
    const schemas = [
      nested(20),
      { $defs: { name: { type: 'string' } }, properties: { $id: { $ref: '#/$defs/name' } } },
      { $schema: 'http://json-schema.org/draft-07/schema#', items: [{}], additionalItems: false },
      { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{}] },
      { const: { $ref: 'is data here' } },
      { format: 'email', pattern: '^(a+)+$' },
    ];
    for (const schema of schemas) {
      expect(compileSchema(schema)).toBeTypeOf('function');
    }
  });
});

describe('a value', () => {
  test('that makes patterns of others take for ever is answered', () => {
    const validate = compileSchema({ pattern: '^(a|a)*(a+)+$' });
    expect(validate('a'.repeat(50_000))).toBeNull();
    expect(validate(`${'a'.repeat(50_000)}!`)?.message).toMatch(/pattern/);
  });

  test('that is too long for a pattern fits no schema that tries it, not even by not fitting', () => {
    const long = 'a'.repeat(70_000);
    for (const schema of [{ pattern: 'b' }, { not: { pattern: 'b' } }, { pattern: 'a' }]) {
      expect(compileSchema(schema)(long)?.message).toMatch(/more than 65536 characters/);
    }
    expect(compileSchema({ not: { pattern: 'b' } })('aa')).toBeNull();
  });

  describe('that would make more work than is done fits no schema, not even by not fitting', () => {
    const many = (count: number, item: unknown): unknown[] => Array(count).fill(item);
    const choices = Array.from({ length: 5_000 }, (_, index) => index);
    test.each<[string, Record<string, unknown>, unknown, unknown]>([
      [
        'by patterns of its texts',
        { items: { pattern: '.*a.{900}' } },
        many(20, 'a'.repeat(9_000)),
        ['a'.repeat(9_000)],
      ],
      [
        'by patterns of its names',
        {
          patternProperties: Object.fromEntries(
            choices.slice(0, 500).map((each) => [`^a.*${each}$`, true]),
          ),
        },
        Object.fromEntries(choices.map((each) => [`a${each}`, 1])),
        { a0: 1 },
      ],
      [
        'by items that must not be there twice',
        { allOf: many(100, { uniqueItems: true }) },
        choices.map((each) => `${each}`.padEnd(80)),
        [1, 2],
      ],
      ['by choices', { items: { enum: choices } }, many(20_000, 1), [1]],
      [
        'by parts of the schema',
        { allOf: many(600, { maxLength: 1e9 }) },
        'a'.repeat(2_000_000),
        'a',
      ],
    ])('%s', (_, schema, value, control) => {
      const tooMuch = /more in it than is checked/;
      expect(compileSchema(schema)(value)?.message).toMatch(tooMuch);
      expect(compileSchema({ not: schema })(value)?.message).toMatch(tooMuch);
      expect(compileSchema(schema)(control)).toBeNull();
    });
  });

  test('of 10^5 items is compared in one pass', () => {
    const validate = compileSchema({ uniqueItems: true });
    const items = Array.from({ length: 100_000 }, (_, index) => ({ index, more: [index] }));
    expect(validate(items)).toBeNull();
    expect(validate([...items, { more: [7], index: 7 }])).toEqual({
      path: '',
      message: 'must not have an item twice',
    });
  });

  test('is tried on each pattern of a schema, and on no other', () => {
    const validate = compileSchema({
      properties: { a: { pattern: '^a$' }, b: { pattern: '^b$' } },
      patternProperties: { '^c': { pattern: '^c$' } },
    });
    expect(validate({ a: 'a', b: 'b', c1: 'c' })).toBeNull();
    expect(validate({ b: 'a' })?.path).toBe('/b');
    expect(validate({ a: 'b' })?.path).toBe('/a');
    expect(validate({ c1: 'a' })?.path).toBe('/c1');
    expect(compileSchema({ pattern: '^a$' })('b')).not.toBeNull();
    expect(compileSchema({ pattern: '^b$' })('b')).toBeNull();
  });

  test('has only the fields that it has itself', () => {
    const validate = compileSchema({ required: ['toString'] });
    expect(validate({})).toEqual({ path: '/toString', message: 'is missing' });
    expect(validate({ toString: 1 })).toBeNull();
  });

  test('is told of by names of its own and of the schema, cut', () => {
    const validate = compileSchema({ additionalProperties: false });
    expect(validate({ ['x'.repeat(1_000)]: 1 })?.path.length).toBe(200);
  });

  test('is not checked by what became of the schema later', () => {
    const schema = { type: 'string' };
    const validate = compileSchema(schema);
    schema.type = 'number';
    expect(validate('x')).toBeNull();
  });
});

test('the canonical form is the same whatever the order', () => {
  const one = { b: [1, { d: 'x', c: null }], a: '\u2028"', __proto__: null };
  const other = { a: '\u2028"', b: [1, { c: null, d: 'x' }] };
  expect(canonicalJson(one)).toBe(canonicalJson(other));
  expect(JSON.parse(canonicalJson(other))).toEqual(other);
  expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
});

test('a number that is too large to be one is not read: it would be written as null', () => {
  for (const text of ['1e400', '{"a":[-1e999]}', `[1${'0'.repeat(400)}]`]) {
    expect(readJson(text)).toEqual({ tag: 'err', why: 'not JSON' });
  }
  expect(readJson('[1e308,-0,1e-400]')).toEqual({ tag: 'ok', val: [1e308, -0, 0] });
});

test('a field __proto__ is found wherever it is', () => {
  const has = (json: string) => hasPrototypeField(JSON.parse(json));
  expect(
    ['{"__proto__":1}', '[[{"a":{"__proto__":null}}]]', '{"a":1,"b":{"__proto__":{}}}'].map(has),
  ).toEqual([true, true, true]);
  expect(['{}', '"__proto__"', '["__proto__"]', '{"proto":1}', '0', 'null'].map(has)).toEqual([
    false,
    false,
    false,
    false,
    false,
    false,
  ]);
});

test('10^5 records are looked through', () => {
  const many = `[${'{},'.repeat(300_000)}{"a":1}]`;
  expect(hasPrototypeField(JSON.parse(many))).toBe(false);
  expect(hasPrototypeField(JSON.parse(many.replace('"a"', '"__proto__"')))).toBe(true);
});

test('what would be long is known before it is written', () => {
  const values: unknown[] = ['xxxx', ['xxx', 1], { a: 'xx', b: null }, [[], {}, 1, true], 12];
  for (const value of values) {
    const { length } = JSON.stringify(value);
    expect(isLongerThan(value, length)).toBe(false);
  }
  expect(isLongerThan(['x'.repeat(100)], 50)).toBe(true);
  expect(isLongerThan({ ['x'.repeat(100)]: 1 }, 50)).toBe(true);
  expect(isLongerThan(Array(100).fill(0), 50)).toBe(true);
});
