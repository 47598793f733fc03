/**
 * Goal: strings cross unchanged in each encoding, and what is no string ends the guest. Method: lift
 * from and store to a memory that the test writes and reads itself.
 */

import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import type { StringEncoding } from './binding.ts';
import { FakeGuest, type FakeGuestOptions, HEAP_START } from './fixtures/fake-guest.ts';
import { GuestMemory, HELD_BYTES_MAX } from './memory.ts';
import { liftString, loadString, storeString } from './strings.ts';
import { AbiViolation } from './violation.ts';

const LONG = 'long enough to be copied by the engine: ';
const TEXTS = [
  '',
  'a',
  'nul\0inside',
  '\u{feff}a mark is text, too',
  'façade',
  `${LONG}äöü`,
  'Ωμέγα',
  `${LONG}Ωμέγα`,
  '\u{1f600}',
  `${LONG}\u{1f600}\u{10ffff}`,
  '\ud7ff\ue000\uffff',
  '\u00ff\u0100',
];
const ENCODINGS: readonly StringEncoding[] = ['utf8', 'utf16', 'latin1+utf16'];
const UTF16_TAG = 0x8000_0000;

function open(options: FakeGuestOptions = {}): { guest: FakeGuest; memory: GuestMemory } {
  const guest = new FakeGuest(options);
  const memory = new GuestMemory(guest, guest.access);
  memory.open();
  return { guest, memory };
}

describe.each(ENCODINGS)('in %s', (encoding) => {
  it('what was stored is loaded again', () => {
    const { memory } = open({ encoding });
    for (const text of TEXTS) {
      storeString(memory, 16, text);
      expect(loadString(memory, 16)).toBe(text);
    }
  });

  it('a lone surrogate of the host becomes U+FFFD', () => {
    const { memory } = open({ encoding });
    for (const text of ['\ud800', 'a\udc00b', `${LONG}\ud800 and on`]) {
      storeString(memory, 16, text);
      expect(loadString(memory, 16)).toBe(text.toWellFormed());
    }
  });

  it('the guest is asked for memory once, for exactly what is needed', () => {
    for (const text of TEXTS) {
      const { guest, memory } = open({ encoding });
      storeString(memory, 16, text);
      const latin1 =
        encoding === 'latin1+utf16' && Buffer.from(text, 'latin1').toString('latin1') === text;
      const bytes =
        encoding === 'utf8'
          ? Buffer.byteLength(text, 'utf8')
          : latin1
            ? text.length
            : 2 * text.length;
      expect(guest.allocations).toEqual([{ align: encoding === 'utf8' ? 1 : 2, bytes }]);
    }
  });

  it('a string that grows the memory is stored in the grown one', () => {
    const { guest, memory } = open({ encoding });
    const text = 'ä'.repeat(80_000);
    storeString(memory, 16, text);
    expect(guest.memory.buffer.byteLength).toBeGreaterThan(65_536);
    expect(guest.view.getUint32(16, true)).toBe(HEAP_START);
    expect(loadString(memory, 16)).toBe(text);
  });

  it('a string must lie in memory to its last byte', () => {
    const unit = encoding === 'utf16' ? 2 : 1;
    const { memory } = open({ encoding });
    expect(liftString(memory, 65_530, 6 / unit)).toHaveLength(6 / unit);
    expect(liftString(memory, 65_536, 0)).toBe('');
    expect(() => liftString(memory, 65_532, 6 / unit)).toThrow('do not lie in memory');
    expect(() => liftString(memory, 65_538, 0)).toThrow('do not lie in memory');
  });

  it.each([0x0fff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, -1, -(2 ** 31)])(
    'a length of %i is refused before anything is allocated',
    (length) => {
      const { memory } = open({ encoding });
      if (encoding === 'latin1+utf16' && length >>> 0 === UTF16_TAG) {
        expect(liftString(memory, 0, length)).toBe('');
      } else {
        expect(() => liftString(memory, 0, length)).toThrow(AbiViolation);
      }
    },
  );

  it.each([-1, -2, 0x7fff_fffe])('a pointer of %i is refused', (pointer) => {
    const { memory } = open({ encoding });
    expect(() => liftString(memory, pointer, 2)).toThrow(AbiViolation);
  });
});

describe('UTF-8', () => {
  it.each([
    ['a continuation byte alone', [0x80]],
    ['an overlong form', [0xc0, 0x80]],
    ['an overlong form of three bytes', [0xe0, 0x80, 0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a scalar that is too large', [0xf4, 0x90, 0x80, 0x80]],
    ['a byte that never occurs', [0xff]],
    ['a sequence that ends early', [0x61, 0xe2, 0x82]],
  ])('with %s is refused', (_, bytes) => {
    for (const before of ['', LONG]) {
      const { guest, memory } = open();
      const all = [...Buffer.from(before), ...bytes];
      guest.poke(64, all);
      expect(() => liftString(memory, 64, all.length)).toThrow('is not valid UTF-8');
    }
  });

  it('that is well-formed is taken', () => {
    const { guest, memory } = open();
    guest.poke(64, [0x61, 0xe2, 0x82, 0xac]);
    expect(liftString(memory, 64, 4)).toBe('a€');
  });

  it('that begins with a byte order mark keeps it', () => {
    const { guest, memory } = open();
    guest.poke(64, [0xef, 0xbb, 0xbf, 0x61]);
    expect(liftString(memory, 64, 4)).toBe('\u{feff}a');
  });
});

describe('UTF-16', () => {
  it.each([
    ['a high surrogate at the end', [0x61, 0xd800]],
    ['a low surrogate alone', [0xdc00, 0x61]],
    ['two high surrogates', [0xd800, 0xd800, 0xdc00]],
  ])('with %s is refused', (_, units) => {
    for (const [encoding, tag] of [
      ['utf16', 0],
      ['latin1+utf16', UTF16_TAG],
    ] as const) {
      const { guest, memory } = open({ encoding });
      units.forEach((unit, index) => {
        guest.view.setUint16(64 + 2 * index, unit, true);
      });
      expect(() => liftString(memory, 64, units.length + tag)).toThrow('is not valid UTF-16');
    }
  });

  it('at an odd address is refused', () => {
    const { memory } = open({ encoding: 'utf16' });
    expect(() => liftString(memory, 65, 1)).toThrow('is not aligned to 2');
    expect(liftString(memory, 66, 1)).toBe('\0');
  });
});

describe('latin1+utf16', () => {
  it('says by the highest bit of the length which of the two it is', () => {
    const { guest, memory } = open({ encoding: 'latin1+utf16' });
    storeString(memory, 16, 'ÿ');
    expect(guest.view.getUint32(20, true)).toBe(1);
    storeString(memory, 16, 'ÿΩ');
    expect(guest.view.getUint32(20, true)).toBe(UTF16_TAG + 2);
  });

  it('must be aligned to 2 in Latin-1, too', () => {
    const { memory } = open({ encoding: 'latin1+utf16' });
    expect(() => liftString(memory, 65, 1)).toThrow('is not aligned to 2');
    expect(() => liftString(memory, 65, UTF16_TAG + 1)).toThrow('is not aligned to 2');
    expect(liftString(memory, 64, 1)).toBe('\0');
  });
});

describe('what a call makes the host hold', () => {
  it('is bounded over all of its strings', () => {
    const pages = HELD_BYTES_MAX / 65_536;
    const { memory } = open({ pages });
    const bytes = HELD_BYTES_MAX / 8;
    // UTF-8 can double: four such strings would pass the limit with what each costs besides.
    for (let count = 0; count < 3; count += 1) {
      expect(liftString(memory, 0, bytes)).toHaveLength(bytes);
    }
    expect(() => liftString(memory, 0, bytes)).toThrow('take more than');
    memory.open();
    expect(liftString(memory, 0, bytes)).toHaveLength(bytes);
  });
});

describe('a host that answers something else than a string', () => {
  it('is told so before the guest is asked for memory', () => {
    const { guest, memory } = open();
    expect(() => storeString(memory, 16, 5 as never)).toThrow(TypeError);
    expect(guest.allocations).toEqual([]);
  });
});
