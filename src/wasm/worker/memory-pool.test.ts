/** Goal: a memory of the pool is like a new one. Method: memories written all over, given back and taken. */

import { describe, expect, test } from 'vitest';
import {
  MemoryPool,
  POOLED_BYTES_MAX,
  POOLED_MEMORIES_MAX,
  POOLED_PAGES_MAX,
} from './memory-pool.ts';

const SHAPE = { initialPages: 2, maximumPages: 3 };

describe('a memory that is given back', () => {
  test('is taken again, with nothing in it', () => {
    const pool = new MemoryPool();
    const memory = pool.take(SHAPE);
    new Uint8Array(memory.buffer).fill(0xa5);
    pool.giveBack(memory, SHAPE);
    expect(pool.size).toBe(1);
    expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
    expect(pool.take(SHAPE)).toBe(memory);
    expect(pool.take(SHAPE)).not.toBe(memory);
    expect(pool.size).toBe(0);
  });

  test('goes to nobody who declares another one', () => {
    const pool = new MemoryPool();
    pool.giveBack(pool.take(SHAPE), SHAPE);
    for (const other of [
      { initialPages: 2, maximumPages: null },
      { initialPages: 2, maximumPages: 4 },
      { initialPages: 1, maximumPages: 3 },
    ]) {
      const memory = pool.take(other);
      expect(pool.size).toBe(1);
      expect(memory.buffer.byteLength).toBe(other.initialPages * 65_536);
    }
    // Its own maximum holds, too.
    expect(() => pool.take(SHAPE).grow(2)).toThrow(RangeError);
  });

  test('is not kept when it has grown, is large, or there are enough', () => {
    const pool = new MemoryPool();
    const grown = pool.take(SHAPE);
    grown.grow(1);
    pool.giveBack(grown, SHAPE);
    const large = { initialPages: POOLED_PAGES_MAX + 1, maximumPages: null };
    pool.giveBack(pool.take(large), large);
    expect(pool.size).toBe(0);
    const small = { initialPages: 0, maximumPages: 0 };
    const many = Array.from({ length: POOLED_MEMORIES_MAX + 1 }, () => pool.take(small));
    for (const memory of many) pool.giveBack(memory, small);
    expect(pool.size).toBe(POOLED_MEMORIES_MAX);
    const bytes = new MemoryPool();
    const largest = { initialPages: POOLED_PAGES_MAX, maximumPages: null };
    const fit = POOLED_BYTES_MAX / (POOLED_PAGES_MAX * 65_536);
    const larger = Array.from({ length: fit + 1 }, () => bytes.take(largest));
    for (const memory of larger) bytes.giveBack(memory, largest);
    expect(bytes.size).toBe(fit);
    const none = new MemoryPool(0);
    none.giveBack(none.take(small), small);
    expect(none.size).toBe(0);
  });
});
