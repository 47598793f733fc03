import { describe, expect, test } from 'vitest';
import { MemoryPool } from './memory-pool.ts';
import { KeptSeats, ModuleSeats } from './seats.ts';

const IMAGE = { memories: [], globals: [], started: { units: 0, boundary: 0 }, bytes: 0 };

function seatsOf(kept: KeptSeats): ModuleSeats {
  const seats = new ModuleSeats(kept, true, new MemoryPool());
  seats.noteImage(() => IMAGE);
  return seats;
}

describe('seats that nobody sits in', () => {
  test('are taken again, and kept for their own module', () => {
    const kept = new KeptSeats();
    const [one, other] = [seatsOf(kept), seatsOf(kept)];
    const seat = one.take();
    one.giveBack(seat);
    expect(kept.size).toBe(1);
    expect(other.take()).not.toBe(seat);
    expect(one.take()).toBe(seat);
    expect(one.take()).not.toBe(seat);
    expect(kept.size).toBe(0);
  });

  test('are no more than as many as are kept: those that were left first go first', () => {
    const kept = new KeptSeats(2);
    const [one, other] = [seatsOf(kept), seatsOf(kept)];
    const first = one.take();
    const rest = [other.take(), other.take()];
    one.giveBack(first);
    for (const seat of rest) other.giveBack(seat);
    expect(kept.size).toBe(2);
    expect(one.take()).not.toBe(first);
    expect(rest).toContain(other.take());
  });

  test('are not kept where something of them can not be put back', () => {
    const kept = new KeptSeats();
    for (const seats of [
      new ModuleSeats(kept, false, new MemoryPool()),
      new ModuleSeats(kept, true, new MemoryPool()),
    ]) {
      seats.noteImage(() => null);
      seats.giveBack(seats.take());
      expect(kept.size).toBe(0);
    }
  });
});
