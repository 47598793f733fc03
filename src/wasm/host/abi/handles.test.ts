/** Goal: a handle names one object of one type, of this agent, until it is given away or dropped. */

import { describe, expect, it } from 'vitest';
import { HANDLE_COUNT_MAX, HandleTable } from './handles.ts';
import { AbiViolation } from './violation.ts';

const STREAM = 'test:io/streams/stream';
const POLL = 'test:io/poll/pollable';

describe('a handle', () => {
  it('is never 0 and never negative, and names its object', () => {
    const table = new HandleTable();
    const rep = { name: 'one' };
    const handle = table.add(STREAM, rep);
    expect(handle).toBeGreaterThan(0);
    expect(table.borrow(STREAM, handle)).toBe(rep);
    expect(table.borrow(STREAM, handle)).toBe(rep);
    expect(table.count).toBe(1);
  });

  it('is gone once it was given away', () => {
    const table = new HandleTable();
    const rep = {};
    const handle = table.add(STREAM, rep);
    expect(table.own(STREAM, handle)).toBe(rep);
    expect(table.count).toBe(0);
    expect(() => table.own(STREAM, handle)).toThrow(AbiViolation);
    expect(() => table.borrow(STREAM, handle)).toThrow(AbiViolation);
  });

  it('can be dropped once', () => {
    const table = new HandleTable();
    const rep = {};
    const handle = table.add(STREAM, rep);
    expect(table.drop(STREAM, handle)).toBe(rep);
    expect(() => table.drop(STREAM, handle)).toThrow(AbiViolation);
  });

  it('of one resource is refused as another, and stays', () => {
    const table = new HandleTable();
    const handle = table.add(STREAM, {});
    for (const use of ['own', 'borrow', 'lend', 'drop'] as const) {
      expect(() => table[use](POLL, handle)).toThrow(`is a ${STREAM}, not a ${POLL}`);
    }
    expect(table.count).toBe(1);
  });

  it('that is stale is refused though its slot is in use again', () => {
    const table = new HandleTable();
    const stale = table.add(STREAM, { name: 'old' });
    table.drop(STREAM, stale);
    const rep = { name: 'new' };
    const fresh = table.add(STREAM, rep);
    expect(fresh & 0xf_ffff).toBe(stale & 0xf_ffff);
    expect(fresh).not.toBe(stale);
    expect(() => table.borrow(STREAM, stale)).toThrow(AbiViolation);
    expect(table.borrow(STREAM, fresh)).toBe(rep);
  });

  it('stays positive when the generations of its slot begin again', () => {
    const table = new HandleTable();
    for (let count = 0; count < 3000; count += 1) {
      const handle = table.add(STREAM, {});
      expect(handle).toBeGreaterThan(0);
      expect(handle).toBeLessThan(2 ** 30);
      table.drop(STREAM, handle);
    }
  });

  it.each([0, -1, 2, 0xf_ffff, 2 ** 31 - 1, -(2 ** 31), 2 ** 32 - 1, (1 << 20) | 1])(
    'made up (%i) is refused',
    (handle) => {
      const table = new HandleTable();
      table.add(STREAM, {});
      expect(() => table.borrow(STREAM, handle)).toThrow(AbiViolation);
      expect(() => table.own(STREAM, handle)).toThrow(AbiViolation);
    },
  );

  it('of another table names nothing of that table here', () => {
    const mine = new HandleTable();
    const theirs = new HandleTable();
    const rep = {};
    mine.add(POLL, rep);
    const foreign = theirs.add(STREAM, {});
    const second = theirs.add(STREAM, {});
    expect(() => mine.borrow(STREAM, foreign)).toThrow(AbiViolation);
    expect(() => mine.borrow(STREAM, second)).toThrow(AbiViolation);
    expect(mine.borrow(POLL, 1)).toBe(rep);
  });
});

describe('freed slots', () => {
  it('are taken again in the order in which they were freed', () => {
    const table = new HandleTable();
    const [one, two, three] = [{}, {}, {}].map((rep) => table.add(STREAM, rep));
    table.drop(STREAM, two!);
    table.drop(STREAM, one!);
    const index = (handle: number) => handle & 0xf_ffff;
    expect(index(table.add(STREAM, {}))).toBe(index(two!));
    expect(index(table.add(STREAM, {}))).toBe(index(one!));
    expect(index(table.add(STREAM, {}))).toBe(4);
    expect(table.borrow(STREAM, three!)).toBeTypeOf('object');
  });
});

describe('a lent handle', () => {
  it('can not be given away in the same call', () => {
    const table = new HandleTable();
    const handle = table.add(STREAM, {});
    table.lend(STREAM, handle);
    table.lend(STREAM, handle);
    expect(() => table.own(STREAM, handle)).toThrow('while it is lent');
    expect(() => table.drop(STREAM, handle)).toThrow('while it is lent');
  });

  it('can be given away in the next one', () => {
    const table = new HandleTable();
    const rep = {};
    const handle = table.add(STREAM, rep);
    table.lend(STREAM, handle);
    table.endLending();
    expect(table.own(STREAM, handle)).toBe(rep);
  });
});

describe('the table', () => {
  it('holds as many handles as it may, and no more', () => {
    const table = new HandleTable(3);
    const handles = [1, 2, 3].map((name) => table.add(STREAM, { name }));
    table.drop(STREAM, handles[1]!);
    table.add(STREAM, { name: 4 });
    expect(() => table.add(STREAM, { name: 5 })).toThrow('the agent holds 3 handles');
    // The one too many is not lost: whoever ends the agent releases it.
    expect(
      table
        .drain()
        .map(({ rep }) => (rep as { name: number }).name)
        .sort(),
    ).toEqual([1, 3, 4, 5]);
  });

  it('has room for 4096 handles if nothing else is said', () => {
    const table = new HandleTable();
    for (let count = 0; count < HANDLE_COUNT_MAX; count += 1) {
      table.add(STREAM, {});
    }
    expect(table.count).toBe(4096);
    expect(() => table.add(STREAM, {})).toThrow(AbiViolation);
  });

  it('is empty after it was drained', () => {
    const table = new HandleTable();
    const rep = {};
    const handle = table.add(POLL, rep);
    expect(table.drain()).toEqual([{ resource: POLL, rep }]);
    expect(table.drain()).toEqual([]);
    expect(table.count).toBe(0);
    expect(() => table.borrow(POLL, handle)).toThrow(AbiViolation);
  });

  it.each([0, -1, 1.5, 2 ** 20])('can not be made for %d handles', (countMax) => {
    expect(() => new HandleTable(countMax)).toThrow(RangeError);
  });

  it('refuses what is no object', () => {
    const table = new HandleTable();
    expect(() => table.add(STREAM, undefined as never)).toThrow(TypeError);
    expect(table.count).toBe(0);
  });
});
