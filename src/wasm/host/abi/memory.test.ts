/** Goal: no pointer and no length of a guest reaches beyond its memory or makes the host hold much. */

import { describe, expect, it } from 'vitest';
import { FakeGuest, type FakeGuestOptions } from './fixtures/fake-guest.ts';
import { liftBigUint64Array, liftFloat32Array, liftUint8Array, storeNumbers } from './lists.ts';
import { GuestMemory, HELD_BYTES_MAX, LIST_ELEMENTS_MAX, REGION_BYTES_MAX } from './memory.ts';
import { AbiViolation } from './violation.ts';

const PAGE = 65_536;

function open(options: FakeGuestOptions = {}): { guest: FakeGuest; memory: GuestMemory } {
  const guest = new FakeGuest(options);
  const memory = new GuestMemory(guest, guest.access);
  memory.open();
  return { guest, memory };
}

describe('a place', () => {
  it('may touch the end of memory', () => {
    const { memory } = open();
    expect(memory.place(PAGE - 8, 8, 8)).toBe(PAGE - 8);
    expect(() => memory.place(PAGE - 4, 8, 4)).toThrow('do not lie in memory');
  });

  it('must be aligned', () => {
    const { memory } = open();
    expect(memory.place(12, 4, 4)).toBe(12);
    expect(() => memory.place(12, 8, 8)).toThrow('is not aligned to 8');
  });

  it.each([-8, -(2 ** 31), 2 ** 31 - 8])('at %i is refused', (pointer) => {
    const { memory } = open();
    expect(() => memory.place(pointer, 8, 8)).toThrow(AbiViolation);
  });

  it('may lie in pages that were added since', () => {
    const { guest, memory } = open();
    expect(() => memory.place(PAGE, 4, 4)).toThrow(AbiViolation);
    guest.memory.grow(1);
    memory.open();
    expect(memory.place(PAGE, 4, 4)).toBe(PAGE);
  });

  it('is none where there is no memory', () => {
    const { memory } = open({ pages: 0 });
    expect(memory.place(0, 0, 1)).toBe(0);
    expect(() => memory.place(0, 1, 1)).toThrow(AbiViolation);
  });
});

describe('a list', () => {
  it('must lie in memory to its last element', () => {
    const { memory } = open();
    expect(memory.list(0, PAGE / 16, 16, 8, 8)).toBe(0);
    expect(() => memory.list(16, PAGE / 16, 16, 8, 8)).toThrow('do not lie in memory');
  });

  it('whose length in bytes is beyond 32 bits is refused', () => {
    const { memory } = open();
    expect(() => memory.list(0, 0x1000_0001, 16, 8, 8)).toThrow(AbiViolation);
    expect(() => liftBigUint64Array(memory, 0, 0x2000_0001)).toThrow(AbiViolation);
    expect(() => liftBigUint64Array(memory, 0, 0x2000_0000)).toThrow(AbiViolation);
    expect(() => liftUint8Array(memory, 0, -1)).toThrow(AbiViolation);
  });

  it('has no more elements than it may, also where they take no memory', () => {
    const { memory } = open();
    expect(memory.list(0, LIST_ELEMENTS_MAX, 0, 1, 8)).toBe(0);
    memory.open();
    expect(() => memory.list(0, LIST_ELEMENTS_MAX + 1, 0, 1, 8)).toThrow('is longer than');
    expect(() => memory.list(0, -1, 0, 1, 8)).toThrow('is longer than');
  });

  it('of large elements is refused by what it makes the host hold', () => {
    const { memory } = open({ pages: 16 });
    const count = LIST_ELEMENTS_MAX / 2;
    expect(memory.list(0, count, 2, 2, 8)).toBe(0);
    memory.open();
    expect(() => memory.list(0, count, 2, 2, 64)).toThrow(`more than ${HELD_BYTES_MAX} bytes`);
  });

  it('of numbers is a copy', () => {
    const { guest, memory } = open();
    guest.poke(8, [1, 2, 3, 4, 5, 6, 7, 8]);
    const bytes = liftUint8Array(memory, 8, 4);
    const words = liftBigUint64Array(memory, 8, 1);
    guest.poke(8, [9, 9, 9, 9, 9, 9, 9, 9]);
    expect([...bytes]).toEqual([1, 2, 3, 4]);
    expect(bytes.buffer.byteLength).toBe(4);
    expect([...words]).toEqual([0x0807_0605_0403_0201n]);
  });

  it('of numbers must be aligned', () => {
    const { memory } = open();
    expect(() => liftFloat32Array(memory, 2, 1)).toThrow('is not aligned to 4');
    expect(liftFloat32Array(memory, 4, 1)).toEqual(new Float32Array(1));
  });

  it('of numbers that is empty may point to the end of memory, and not behind it', () => {
    const { memory } = open();
    expect(liftUint8Array(memory, PAGE, 0)).toHaveLength(0);
    expect(() => liftUint8Array(memory, PAGE + 1, 0)).toThrow(AbiViolation);
  });
});

describe('what a realloc answers', () => {
  it('is a place in memory', () => {
    const { memory } = open();
    storeNumbers(memory, 16, new Uint16Array([1, 2]), 2);
    expect(memory.view.getUint32(20, true)).toBe(2);
  });

  it.each([
    ['beyond memory', PAGE - 2],
    ['wild', -4],
    ['not aligned', 4097],
  ])('is refused where it is %s', (_, pointer) => {
    const { guest, memory } = open({ allocate: () => pointer });
    guest.bytes.fill(7);
    expect(() => storeNumbers(memory, 16, new Uint32Array([1]), 4)).toThrow(AbiViolation);
    expect(guest.bytes.every((byte) => byte === 7)).toBe(true);
  });

  it('may overlap what was written: the guest harms itself alone', () => {
    const { guest, memory } = open({ allocate: () => 16 });
    storeNumbers(memory, 16, new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]), 1);
    expect(guest.view.getUint32(16, true)).toBe(16);
    expect(guest.view.getUint32(20, true)).toBe(8);
  });

  it('is used in the memory as it is then', () => {
    const { guest, memory } = open({
      allocate: (self, _align, _bytes) => {
        self.memory.grow(1);
        return PAGE;
      },
    });
    storeNumbers(memory, 16, new Uint8Array([5]), 1);
    expect(guest.bytes[PAGE]).toBe(5);
    expect(guest.view.getUint32(16, true)).toBe(PAGE);
  });

  it('is not asked for more than the canonical ABI allows', () => {
    const { guest, memory } = open();
    expect(() => memory.allocate(1, REGION_BYTES_MAX + 1)).toThrow(RangeError);
    expect(guest.allocations).toEqual([]);
  });
});

describe('fuel', () => {
  it('is charged for what was lifted and lowered, when the call is settled', () => {
    const { guest, memory } = open();
    liftUint8Array(memory, 0, 100);
    storeNumbers(memory, 16, new Uint32Array(5), 4);
    expect(guest.charged).toBe(0);
    memory.settle();
    expect(guest.charged).toBe(120);
    memory.settle();
    expect(guest.charged).toBe(120);
  });

  it('is charged for elements that take no memory', () => {
    const { guest, memory } = open();
    memory.list(0, 1000, 0, 1, 8);
    memory.settle();
    expect(guest.charged).toBe(1000);
  });
});

describe('a host that answers an array of another kind', () => {
  it.each([[new Uint8Array(4)], [[1, 2]], [new DataView(new ArrayBuffer(4))]])(
    'is told so before the guest is asked for memory',
    (value) => {
      const { guest, memory } = open();
      expect(() => storeNumbers(memory, 16, value as never, 4)).toThrow(TypeError);
      expect(guest.allocations).toEqual([]);
    },
  );
});
