import { describe, expect, test } from 'vitest';
import { MemoryPool } from './memory-pool.ts';
import { KeptSeats, ModuleSeats } from './seats.ts';

const IMAGE = { memories: [], globals: [], started: { units: 0, boundary: 0 }, bytes: 0 };

const storeOf = (furnished: KeptSeats, bare = new KeptSeats(0)) => ({
  furnished,
  bare,
  memories: new MemoryPool(),
});

function seatsOf(kept: KeptSeats): ModuleSeats {
  const seats = new ModuleSeats(storeOf(kept), true);
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

  test('are kept without instances where something of them can not be put back', () => {
    const kept = new KeptSeats();
    for (const restorable of [false, true]) {
      const bare = new KeptSeats();
      const seats = new ModuleSeats(storeOf(kept, bare), restorable);
      seats.noteImage(() => null);
      const seat = seats.take();
      seats.giveBack(seat);
      expect([kept.size, bare.size]).toEqual([0, 1]);
      expect(seats.take()).toBe(seat);
      expect(bare.size).toBe(0);
    }
  });

  test('are no more than as many as are kept where they have no instances, either', () => {
    const bare = new KeptSeats(2);
    const seats = new ModuleSeats(storeOf(new KeptSeats(), bare), false);
    const taken = [seats.take(), seats.take(), seats.take()];
    for (const seat of taken) seats.drop(seat);
    expect(bare.size).toBe(2);
    expect([seats.take(), seats.take()]).toEqual([taken[2], taken[1]]);
    expect(taken).not.toContain(seats.take());
  });
});
