import { describe, expect, it } from 'vitest';
import { ByteReader } from './reader.ts';

const over = (...bytes: number[]) => new ByteReader(Uint8Array.from(bytes), 0, bytes.length);
const failure = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return null;
};
const invalidAt = (offset: number) =>
  expect.objectContaining({
    code: 'RF_MODULE_INVALID',
    fields: expect.objectContaining({ offset }),
  });

describe('ByteReader', () => {
  it('reads unsigned numbers up to 32 bits, padded ones too', () => {
    expect(over(0x7f).u32()).toBe(127);
    expect(over(0x80, 0x80, 0x00).u32()).toBe(0);
    expect(over(0xff, 0xff, 0xff, 0xff, 0x0f).u32()).toBe(0xffff_ffff);
  });

  it('refuses unsigned numbers of more than 32 bits', () => {
    expect(failure(() => over(0xff, 0xff, 0xff, 0xff, 0x1f).u32())).toEqual(invalidAt(0));
    expect(failure(() => over(0x80, 0x80, 0x80, 0x80, 0x80, 0x00).u32())).toEqual(invalidAt(0));
  });

  it.each([
    { bits: 32, good: [0x80, 0x80, 0x80, 0x80, 0x78], bad: [0x80, 0x80, 0x80, 0x80, 0x70] },
    { bits: 33, good: [0xff, 0xff, 0xff, 0xff, 0x0f], bad: [0xff, 0xff, 0xff, 0xff, 0x1f] },
    {
      bits: 64,
      good: [...new Array<number>(9).fill(0x80), 0x7f],
      bad: [...new Array<number>(9).fill(0x80), 0x01],
    },
  ] as const)('passes signed numbers of $bits bits and no longer ones', ({ bits, good, bad }) => {
    const reader = over(...good);
    reader.skipSigned(bits);
    expect(reader.atEnd).toBe(true);
    expect(failure(() => over(...bad).skipSigned(bits))).toEqual(invalidAt(0));
    const endless = new Array<number>(32).fill(0x80);
    expect(failure(() => over(...endless).skipSigned(bits))).toEqual(invalidAt(0));
  });

  it('never reads past its end', () => {
    expect(failure(() => over().u8())).toEqual(invalidAt(0));
    expect(failure(() => over(0x80).u32())).toEqual(invalidAt(1));
    expect(failure(() => over(1, 2).skip(3))).toEqual(invalidAt(0));
    const inner = new ByteReader(Uint8Array.of(1, 2, 3), 0, 2);
    inner.skip(2);
    expect(failure(() => inner.u8())).toEqual(invalidAt(2));
  });

  it('believes no count that is longer than what is left', () => {
    expect(failure(() => over(0xff, 0xff, 0xff, 0xff, 0x0f, 1).count())).toEqual(invalidAt(0));
    expect(over(2, 1, 1).count()).toBe(2);
  });

  it('reads names and refuses those that are not UTF-8', () => {
    expect(over(3, 0xe2, 0x82, 0xac).name()).toBe('€');
    expect(failure(() => over(2, 0xff, 0xff).name())).toEqual(invalidAt(1));
    expect(failure(() => over(9, 0x61).name())).toEqual(invalidAt(0));
  });
});
