// What the small engine needs to be like others: a clock and random numbers that are the host's. Its own clock
// stands still and its own numbers are the same in each agent, as its memory is kept from the build.

import { now as monotonicNow } from 'wasi:clocks/monotonic-clock';
import { now as wallNow } from 'wasi:clocks/wall-clock';
import { getRandomBytes } from 'wasi:random/random';

export const NONE = null;
export const WAITS_FOR_PROMISES = false;
export const u64 = (value: number): number => value;

/** While it is built there is no host to ask. */
let running = false;
/** Null: nobody has asked for the time, or for a random number. A policy may withhold them from who does not. */
let startNs: number | null = null;
let seeded = false;

export function begin(): void {
  running = true;
}

/** Milliseconds since 1970; at the build it is always then. */
function time(): number {
  if (!running) return 0;
  const { seconds, nanoseconds } = wallNow();
  return Number(seconds) * 1_000 + Math.floor(nanoseconds / 1_000_000);
}

const NativeDate = Date;
NativeDate.now = time;
const RoutedDate = new Proxy(NativeDate, {
  construct: (target, values, made) =>
    Reflect.construct(target, values.length === 0 ? [time()] : values, made),
  apply: () => new NativeDate(time()).toString(),
});
NativeDate.prototype.constructor = RoutedDate;
globalThis.Date = RoutedDate;

Object.defineProperty(globalThis, 'performance', {
  configurable: true,
  writable: true,
  value: {
    now: () => {
      if (!running) return 0;
      const nowNs = Number(monotonicNow());
      startNs ??= nowNs;
      return (nowNs - startNs) / 1_000_000;
    },
  },
});

/** The state of sfc32, of Chris Doty-Humphrey's PractRand: small, fast, and nothing to keep secrets with. */
const state = new Int32Array(4);
// What is drawn while the agent is built is the same in each build.
seed(Uint8Array.from({ length: 16 }, (_, index) => index));

function seed(bytes: Uint8Array): void {
  for (let index = 0; index < 16; index += 1) {
    const word = index >> 2;
    state[word] = ((state[word] ?? 0) << 8) | (bytes[index] ?? 0);
  }
  for (let round = 0; round < 12; round += 1) next();
}

function next(): number {
  const [a = 0, b = 0, c = 0, counter = 0] = state;
  const sum = (a + b + counter) | 0;
  state[0] = b ^ (b >>> 9);
  state[1] = (c + (c << 3)) | 0;
  state[2] = (((c << 21) | (c >>> 11)) + sum) | 0;
  state[3] = (counter + 1) | 0;
  return sum >>> 0;
}

/** 53 bits, as the languages's specification has it: not less than 0, less than 1. */
Math.random = () => {
  if (running && !seeded) {
    seed(getRandomBytes(16));
    seeded = true;
  }
  return ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 2 ** 53;
};
