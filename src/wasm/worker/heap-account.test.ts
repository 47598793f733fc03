/**
 * Goal: an agent's objects have what its limit leaves them beside its memories, garbage is collected before
 * anything is refused for it, and the heap never comes near where the engine ends the process. Method: a
 * heap whose live and dead bytes the test sets.
 */

import { describe, expect, test } from 'vitest';
import { ALLOCATED_BYTES_PER_UNIT_LOG2 } from '../metering/costs.ts';
import { HeapAccount } from './heap-account.ts';

const MIB = 1024 * 1024;

class FakeHeap {
  readonly bytesMax = 512 * MIB;
  live: number;
  garbage = 0;
  collections = 0;

  constructor(live: number) {
    this.live = live;
  }
  usedBytes(): number {
    return this.live + this.garbage;
  }
  collect(): void {
    this.collections += 1;
    this.garbage = 0;
  }
}

/** An account of a process that had 8 MiB before, and garbage. */
function accountOf(limitBytes: number) {
  const heap = new FakeHeap(8 * MIB);
  heap.garbage = 30 * MIB;
  const account = new HeapAccount(heap, limitBytes);
  const grow = (bytes: number) => {
    heap.live += bytes;
  };
  return { heap, account, grow };
}

describe('the account of a heap', () => {
  test('gives as much as the limit, what was there before not counted', () => {
    const { account, grow } = accountOf(64 * MIB);
    expect(account.hasRoom(0, 0)).toBe(true);
    grow(64 * MIB);
    expect(account.hasRoom(0, 0)).toBe(true);
    grow(1);
    expect(account.hasRoom(0, 0)).toBe(false);
  });

  test('counts memories and tables with it', () => {
    const { account, grow } = accountOf(64 * MIB);
    grow(32 * MIB);
    expect(account.hasRoom(32 * MIB, 0)).toBe(true);
    expect(account.hasRoom(32 * MIB + 1, 0)).toBe(false);
  });

  test('counts what a debt of fuel is about to allocate', () => {
    const { account } = accountOf(64 * MIB);
    const units = (64 * MIB) / 2 ** ALLOCATED_BYTES_PER_UNIT_LOG2;
    expect(account.hasRoom(0, units)).toBe(true);
    expect(account.hasRoom(0, units + 1)).toBe(false);
  });

  test('collects garbage before it refuses, and only then', () => {
    const { heap, account, grow } = accountOf(64 * MIB);
    expect(heap.collections).toBe(1);
    grow(16 * MIB);
    heap.garbage = 40 * MIB;
    expect(account.hasRoom(0, 0)).toBe(true);
    expect(heap.collections).toBe(1);
    heap.garbage = 100 * MIB;
    expect(account.hasRoom(0, 0)).toBe(true);
    expect(heap.collections).toBe(2);
  });

  test.each([
    ['no limit', 0],
    ['one that the process does not have', 4096 * MIB],
  ])('with %s stops at three quarters of the heap', (_, limitBytes) => {
    const { account, grow } = accountOf(limitBytes);
    grow((512 - 128 - 8) * MIB);
    expect(account.hasRoom(0, 0)).toBe(true);
    grow(1);
    expect(account.hasRoom(0, 0)).toBe(false);
  });
});
