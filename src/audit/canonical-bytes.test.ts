/** Goal: bytes are found canonical exactly where parsing them and writing them anew gives the same ones. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical } from './canonical.ts';
import { valueEnd } from './canonical-bytes.ts';

const isCanonical = (text: string): boolean => {
  const bytes = Buffer.from(text);
  return valueEnd(bytes, 0) === bytes.length;
};

/** The same question, by parsing. */
function isWrittenTheSame(text: string): boolean {
  try {
    return canonical(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}

/** Numbers whose texts are not what one expects. */
const NUMBERS = [
  0,
  -1,
  1e21,
  1e-7,
  5e-324,
  1.7976931348623157e308,
  2 ** 53,
  -(2 ** 63),
  0.1,
  123456789012345680,
];

const values = fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 });

const letters = fc.constantFrom(
  ...'{}[]",:\\/ue+-.0123456789 \n\t\u0000\u001f\u007fé“\u{1f600}\ufb33Eabt',
);

describe('canonical JSON in bytes', () => {
  it('is what the library writes', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(isCanonical(canonical(value))).toBe(true);
      }),
    );
  });

  it('is found where the library finds it, and not where it does not: a letter changed, put in, taken out', () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.nat(1), letters, (value, place, taken, letter) => {
        const text = canonical(value);
        const at = place % (text.length + 1);
        const changed = (text.slice(0, at) + letter + text.slice(at + taken)).toWellFormed();
        expect([changed, isCanonical(changed)]).toEqual([changed, isWrittenTheSame(changed)]);
      }),
      { numRuns: 5000 },
    );
  });

  it('is found where the library finds it, of letters that make JSON', () => {
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 6 }), fc.boolean(), (parts, isNumber) => {
        const text = isNumber ? parts.join('') : `{"a${parts.join('')}":1,"a":2}`;
        expect([text, isCanonical(text)]).toEqual([text, isWrittenTheSame(text)]);
      }),
      { numRuns: 5000 },
    );
  });

  it.each(NUMBERS)('has numbers as JavaScript writes them: %s', (number) => {
    expect(isCanonical(String(number))).toBe(true);
    for (const other of [`${number}.0`, `${number}e0`, `+${number}`, `0${number}`, `${number}E1`]) {
      expect([other, isCanonical(other)]).toEqual([other, false]);
    }
  });

  it.each([
    ['minus zero', '-0', '0'],
    ['infinity', '1e999', '1e+308'],
    ['a number that is not exact', '12345678901234567890123', '1.2345678901234568e+22'],
    ['names in order of bytes', '{"\ufb33":1,"\u{1f600}":2}', '{"\u{1f600}":2,"\ufb33":1}'],
    ['escaped names out of order', '{"\\n":1,"\\t":2}', '{"\\t":2,"\\n":1}'],
    ['a name twice', '{"a":1,"a":2}', '{"a":1,"aa":2}'],
    ['a name before its beginning', '{"aa":1,"a":2}', '{"a":1,"aa":2}'],
    ['a name twice, not one after the other', '{"a":1,"b":2,"a":3}', '{"a":1,"b":2,"c":3}'],
    ['a letter escaped', '"\\u0078"', '"x"'],
    ['a solidus escaped', '"\\/"', '"/"'],
    ['a control character as it is', '"\n"', '"\\n"'],
    ['a control character in the long form', '"\\u000a"', '"\\n"'],
    ['large digits of an escape', '"\\u001F"', '"\\u001f"'],
    ['half a letter', '"\\ud800"', '"\\u001f"'],
    ['a space', '[1, 2]', '[1,2]'],
    ['a comma at the end', '[1,]', '[1]'],
    ['a literal cut off', 'tru', 'true'],
    ['an end of another kind', '[1}', '[1]'],
    ['more than one value', '1 2', '12'],
    ['nothing', '', '""'],
  ])('is not: %s', (_, wrong, right) => {
    expect(isWrittenTheSame(wrong)).toBe(false);
    expect(isCanonical(wrong)).toBe(false);
    expect(isWrittenTheSame(right)).toBe(true);
    expect(isCanonical(right)).toBe(true);
  });

  it('is read however deep it is', () => {
    const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(isCanonical(deep(30_000))).toBe(true);
    expect(isCanonical(`${deep(30_000)}]`)).toBe(false);
  });
});
