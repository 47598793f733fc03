/**
 * Goal: a thread stays awake where that pays, and never for long where it does not. Method: a clock and an event
 * loop that are turned by hand.
 */

import { expect, test } from 'vitest';
import { Attention, AWAKE_MS, SOON_MS, SOON_NEEDED_MAX } from './attention.ts';
import { BusyThreads } from './busy-threads.ts';

/** What one turn of the event loop takes. */
const TURN_MS = 0.002;

class Bench {
  nowMs = 0;
  isCoreFree = true;
  sleeps = 0;
  /** Turns that a thread which stays awake has made. */
  turns = 0;
  #next: (() => void) | null = null;
  readonly attention = new Attention({
    isCoreFree: () => this.isCoreFree,
    onSleep: () => {
      this.sleeps += 1;
    },
    now: () => this.nowMs,
    nextTurn: (callback) => {
      expect(this.#next).toBeNull();
      this.#next = callback;
    },
  });

  get isAwake(): boolean {
    return this.#next !== null;
  }

  /** So long nothing comes. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.#next !== null && this.nowMs + TURN_MS < endMs) {
      const turn = this.#next;
      this.#next = null;
      this.nowMs += TURN_MS;
      this.turns += 1;
      turn();
    }
    this.nowMs = endMs;
  }

  /** It waits, and so much later something comes; answers whether it was awake at first. */
  round(ms: number): boolean {
    this.attention.wait();
    const { isAwake } = this;
    this.pass(ms);
    this.attention.came();
    return isAwake;
  }
}

test('it stays awake for the next where two came soon, and sleeps where one came late', () => {
  const bench = new Bench();
  expect([bench.round(SOON_MS), bench.round(SOON_MS)]).toEqual([false, false]);
  expect([bench.round(0.03), bench.round(0.03)]).toEqual([true, true]);
  expect(bench.sleeps).toBe(2);

  expect(bench.round(1)).toBe(true);
  expect(bench.sleeps).toBe(3);
  expect(bench.round(0.03)).toBe(false);
});

test('what comes late never keeps it awake', () => {
  const bench = new Bench();
  for (let round = 0; round < 100; round += 1) {
    expect(bench.round(SOON_MS + 0.01)).toBe(false);
  }
  expect(bench.turns).toBe(0);
});

test('where nothing comes it turns no longer than its moment, and nothing is left to be called', () => {
  const bench = new Bench();
  bench.round(0.03);
  bench.round(0.03);
  bench.attention.wait();
  expect(bench.isAwake).toBe(true);
  bench.pass(60_000);
  expect(bench.isAwake).toBe(false);
  expect(bench.turns * TURN_MS).toBeLessThanOrEqual(AWAKE_MS + TURN_MS);
  expect(bench.sleeps).toBe(3);
});

test('who stays awake for nothing again and again does so ever more seldom, and one success makes up for it', () => {
  const bench = new Bench();
  // Too late for who is awake, and soon for who is not: the worst that there is.
  const worstMs = (AWAKE_MS + SOON_MS) / 2;
  const rounds = 10_000;
  let awake = 0;
  for (let round = 0; round < rounds; round += 1) {
    if (bench.round(worstMs)) awake += 1;
  }
  expect(awake).toBeLessThan(rounds / SOON_NEEDED_MAX + 10);

  for (let round = 0; round < SOON_NEEDED_MAX; round += 1) bench.round(0.03);
  expect(bench.round(0.03)).toBe(true);
  // Expects little again.
  bench.round(1);
  bench.round(0.03);
  bench.round(0.03);
  bench.round(0.03);
  bench.round(0.03);
  expect(bench.round(0.03)).toBe(true);
});

test('it sleeps where no core is free, also once it has stayed awake', () => {
  const bench = new Bench();
  bench.round(0.03);
  bench.round(0.03);
  bench.isCoreFree = false;
  expect(bench.round(0.03)).toBe(false);
  bench.isCoreFree = true;
  bench.attention.wait();
  expect(bench.isAwake).toBe(true);
  bench.isCoreFree = false;
  bench.pass(2 * TURN_MS);
  expect(bench.isAwake).toBe(false);
  bench.attention.came();
  // That was no fault of its own.
  bench.isCoreFree = true;
  expect(bench.round(0.03)).toBe(true);
});

test('what comes and waits again within one turn goes on turning once', () => {
  const bench = new Bench();
  bench.round(0.03);
  bench.round(0.03);
  bench.attention.wait();
  bench.attention.came();
  bench.attention.came();
  bench.attention.wait();
  bench.attention.wait();
  expect(bench.isAwake).toBe(true);
  bench.pass(60_000);
  expect(bench.isAwake).toBe(false);
});

test('a core is free where there are more than threads that are busy, the program among them', () => {
  const threads = BusyThreads.of(3, 3);
  const other = BusyThreads.at(threads.placeOf(1));
  expect([threads.isCoreFree(null), threads.isCoreFree(0)]).toEqual([true, true]);
  other.set(1, true);
  expect([threads.isCoreFree(null), threads.isCoreFree(0), other.isCoreFree(1)]).toEqual([
    true,
    true,
    true,
  ]);
  threads.set(2, true);
  expect([threads.isCoreFree(null), threads.isCoreFree(0), other.isCoreFree(1)]).toEqual([
    true,
    false,
    true,
  ]);
  threads.set(0, true);
  expect([threads.isCoreFree(null), other.isCoreFree(1)]).toEqual([false, false]);
  threads.set(2, false);
  other.set(1, false);
  expect(threads.isCoreFree(null)).toBe(true);

  const alone = BusyThreads.of(1, 1);
  expect([alone.isCoreFree(null), alone.isCoreFree(0)]).toEqual([false, false]);
  const two = BusyThreads.of(1, 2);
  expect([two.isCoreFree(null), two.isCoreFree(0)]).toEqual([true, true]);
  two.set(0, true);
  expect(two.isCoreFree(null)).toBe(true);
});
