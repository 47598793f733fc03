import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonical,
  digestOf,
  JSON_BYTES_MAX,
  JSON_DEPTH_MAX,
  shapeWriter,
  TEXT_CHARACTERS_MAX,
} from './canonical.ts';

/** A double from its 16 hexadecimal digits. */
const double = (hex: string): number => Buffer.from(hex, 'hex').readDoubleBE();

describe('canonical JSON', () => {
  it('writes what RFC 8785, 3.2.2 shows', () => {
    const value = JSON.parse(String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`);
    expect(canonical(value)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('sorts names as RFC 8785, 3.2.3 shows', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    const written = Array.from(canonical(value).matchAll(/:"([^"]*)"/g), ([, text]) => text);
    expect(written).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
  });

  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('writes the number %s of RFC 8785, appendix B', (hex, text) => {
    expect(canonical(double(hex))).toBe(text);
  });

  it.each([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a lone surrogate', '\ud83d'],
    ['undefined', undefined],
  ])('refuses %s', (_, value) => {
    expect(() => canonical(value)).toThrow(expect.objectContaining({ code: 'RF_USAGE' }));
  });
});

describe('a shape', () => {
  const write = shapeWriter('test', {
    zeta: 'text',
    alpha: 'integer?',
    Ä: 'texts',
    digest: 'digest',
    isOn: 'boolean',
    data: 'json',
  });
  const values = { zeta: 'z', alpha: 1, Ä: ['a'], digest: digestOf(''), isOn: true, data: {} };

  it('is written as the library writes it', () => {
    fc.assert(
      fc.property(
        fc.record({
          zeta: fc.string({ unit: 'grapheme', maxLength: 40 }),
          alpha: fc.option(fc.maxSafeInteger()),
          Ä: fc.array(fc.string({ unit: 'grapheme', maxLength: 9 }), { maxLength: 9 }),
          digest: fc.constant(digestOf('x')),
          isOn: fc.boolean(),
          data: fc.jsonValue({ maxDepth: 2 }),
        }),
        (record) => {
          fc.pre(canonical(record.data).length < 1000);
          expect(write(record)).toBe(canonical(record));
        },
      ),
    );
  });

  it('cuts long texts and lists, and has the hash of long JSON in its place', () => {
    const long = 'x'.repeat(JSON_BYTES_MAX);
    const written = JSON.parse(
      write({ ...values, zeta: long, Ä: Array(100).fill('a'), data: { long } }),
    );
    expect(written.zeta).toHaveLength(TEXT_CHARACTERS_MAX);
    expect(written.zeta.endsWith('…')).toBe(true);
    expect(written.Ä).toHaveLength(64);
    expect(written.Ä.at(-1)).toBe('… 37 more');
    expect(written.data).toEqual({
      bytes: JSON_BYTES_MAX + 11,
      sha256: digestOf(canonical({ long })),
    });
  });

  it('makes text well-formed, and says where JSON has no word', () => {
    const written = write({ ...values, zeta: 'a\ud800b', data: Number.NaN });
    expect(JSON.parse(written)).toMatchObject({
      zeta: 'a\ufffdb',
      data: { omitted: 'not canonical JSON' },
    });
  });

  it.each([
    ['alpha', 1.5],
    ['alpha', '1'],
    ['zeta', null],
    ['digest', 'ABC'],
    ['isOn', 1],
    ['Ä', [1]],
    ['Ä', null],
  ])('refuses another type: %s', (name, value) => {
    expect(write(values)).toContain('"zeta":"z"');
    expect(() => write({ ...values, [name]: value })).toThrow(
      expect.objectContaining({ code: 'RF_USAGE', fields: { kind: 'test', field: name } }),
    );
  });
});

describe('free JSON', () => {
  const write = shapeWriter('test', { data: 'json' });
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

  it('is there as it is down to a depth that readers in other languages take', () => {
    expect(write({ data: nested(JSON_DEPTH_MAX) })).toBe(
      `{"data":${'['.repeat(JSON_DEPTH_MAX)}${']'.repeat(JSON_DEPTH_MAX)}}`,
    );
    expect(write({ data: nested(JSON_DEPTH_MAX + 1) })).toMatch(/^\{"data":\{"bytes":130,"sha256"/);
    // Brackets in a text are none.
    const text = '["\\'.repeat(100);
    expect(write({ data: { [text]: text } })).toBe(canonical({ data: { [text]: text } }));
  });
});
