/**
 * Goal: timers ring when they are due and as often as they should, are bounded, and hold nothing once they
 * are over. Method: a clock in the test's hands, and an owner that counts what it holds.
 */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { heldBytes, type Payload, type Signal } from '../../ipc/message.ts';
import { TIMERS_MAX, Timers } from './timers.ts';

const TEA: Payload = { tag: 'text', val: 'tea' };

class Owner {
  held = 0;
  readonly max: number;
  readonly rung: number[] = [];
  constructor(max = Number.POSITIVE_INFINITY) {
    this.max = max;
  }
  hold(bytes: number): boolean {
    if (this.held + bytes > this.max) {
      return false;
    }
    this.held += bytes;
    return true;
  }
  release(bytes: number): void {
    this.held -= bytes;
  }
  signal(signal: Signal): void {
    if (signal.tag === 'timer') {
      expect(signal.payload).toEqual(TEA);
      this.rung.push(signal.timer);
    }
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test('one that rings once does so when it is due, and is held until that was taken', () => {
  const owner = new Owner();
  const timers = new Timers(owner);
  const id = timers.set(50, TEA, false) as number;
  expect(owner.held).toBe(heldBytes(TEA));
  vi.advanceTimersByTime(49);
  expect(owner.rung).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(owner.rung).toEqual([id]);
  expect(timers.cancel(id)).toBe(false);
  expect(owner.held).toBe(heldBytes(TEA));
  timers.taken(id);
  expect(owner.held).toBe(0);
  vi.advanceTimersByTime(1_000);
  expect(owner.rung).toEqual([id]);
});

test('one that repeats rings again only when that was taken, and makes up for nothing', () => {
  const owner = new Owner();
  const timers = new Timers(owner);
  const id = timers.set(10, TEA, true) as number;
  vi.advanceTimersByTime(35);
  expect(owner.rung).toEqual([id]);
  timers.taken(id);
  // The rings at 20 and 30 are gone; the next is where it would have been.
  vi.advanceTimersByTime(4);
  expect(owner.rung).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(owner.rung).toHaveLength(2);
  expect(timers.cancel(id)).toBe(true);
  expect(timers.cancel(id)).toBe(false);
  // What it has rung stays, and is held until it is taken.
  expect(owner.held).toBe(heldBytes(TEA));
  timers.taken(id);
  timers.taken(id);
  expect(owner.held).toBe(0);
});

test('no period is shorter than a millisecond', () => {
  const owner = new Owner();
  const timers = new Timers(owner);
  const id = timers.set(0, TEA, true) as number;
  for (let turn = 1; turn <= 5; turn += 1) {
    vi.advanceTimersByTime(1);
    expect(owner.rung).toHaveLength(turn);
    timers.taken(id);
  }
  timers.close();
});

test('one that was cancelled before never rings, and one that never was is none', () => {
  const owner = new Owner();
  const timers = new Timers(owner);
  const id = timers.set(10, TEA, false) as number;
  expect(timers.cancel(id + 1)).toBe(false);
  expect(timers.cancel(id)).toBe(true);
  vi.advanceTimersByTime(100);
  expect(owner.rung).toEqual([]);
  expect(owner.held).toBe(0);
});

test('one that is weeks away does not ring at once', () => {
  const owner = new Owner();
  const timers = new Timers(owner);
  timers.set(2 ** 40, TEA, false);
  vi.advanceTimersByTime(2 ** 31);
  expect(owner.rung).toEqual([]);
  timers.close();
});

test('there are as many as there may be, also of those whose ring was not taken', () => {
  const owner = new Owner();
  const timers = new Timers(owner);
  const ids = Array.from({ length: TIMERS_MAX }, () => timers.set(5, TEA, false));
  expect(ids.every((id) => typeof id === 'number')).toBe(true);
  expect(timers.set(5, TEA, false)).toBe('too-many');
  vi.advanceTimersByTime(5);
  expect(owner.rung).toEqual(ids);
  expect(timers.set(5, TEA, true)).toBe('too-many');
  expect(owner.held).toBe(TIMERS_MAX * heldBytes(TEA));
  timers.taken(ids[0] as number);
  expect(timers.set(5, TEA, false)).toEqual(expect.any(Number));
  expect(timers.set(5, TEA, false)).toBe('too-many');
  timers.close();
  expect(owner.held).toBe(0);
});

test('what it holds for them has its limit', () => {
  const owner = new Owner(heldBytes(TEA));
  const timers = new Timers(owner);
  const id = timers.set(5, TEA, false) as number;
  expect(timers.set(5, TEA, false)).toBe('no-room');
  timers.cancel(id);
  expect(timers.set(5, TEA, false)).toEqual(expect.any(Number));
  timers.close();
});

test('at its owner’s end none rings any more, and nothing is held', () => {
  const owner = new Owner();
  const timers = new Timers(owner);
  const once = timers.set(5, TEA, false) as number;
  timers.set(5, TEA, true);
  timers.set(500, TEA, true);
  vi.advanceTimersByTime(5);
  expect(owner.rung).toHaveLength(2);
  timers.close();
  expect(owner.held).toBe(0);
  timers.taken(once);
  vi.advanceTimersByTime(10_000);
  expect(owner.rung).toHaveLength(2);
  expect(owner.held).toBe(0);
});
