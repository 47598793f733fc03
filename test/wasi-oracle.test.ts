/**
 * Goal: our clocks and random numbers are what other hosts of WASI give. Method: preview2-shim beside
 * them, which is right about these, and about nothing that a guest may reach here.
 */

import { clocks, random } from '@bytecodealliance/preview2-shim';
import { expect, test } from 'vitest';
import { COARSE_CLOCKS, EXACT_CLOCKS } from '../src/wasm/worker/clocks.ts';
import { SystemRandom } from '../src/wasm/worker/random.ts';

const NANOSECONDS = 1_000_000_000n;

test('the wall clock tells the same time, coarsely', () => {
  const { seconds, nanoseconds } = clocks.wallClock.now();
  const theirs = BigInt(seconds) * NANOSECONDS + BigInt(nanoseconds);
  const ours = COARSE_CLOCKS.wall();
  expect(ours - theirs < 5n * NANOSECONDS && theirs - ours < 5n * NANOSECONDS).toBe(true);
  expect(ours % COARSE_CLOCKS.resolution).toBe(0n);
});

test.each([
  ['coarse', COARSE_CLOCKS],
  ['exact', EXACT_CLOCKS],
])('the %s monotonic clock counts nanoseconds as theirs does', async (_, ours) => {
  const [ourStart, theirStart] = [ours.monotonic(), BigInt(clocks.monotonicClock.now())];
  const woken = Promise.withResolvers<void>();
  ours.at(ourStart + 50_000_000n)(woken.resolve);
  await woken.promise;
  const [ourPassed, theirPassed] = [
    ours.monotonic() - ourStart,
    BigInt(clocks.monotonicClock.now()) - theirStart,
  ];
  const difference = ourPassed - theirPassed;
  expect(ourPassed >= 48_000_000n).toBe(true);
  expect(difference < 5_000_000n && difference > -5_000_000n).toBe(true);
});

test.each([0, 1, 4096])('%i random bytes are as many as theirs', (length) => {
  const ours = new SystemRandom().bytes(length);
  expect(ours.length).toBe(random.random.getRandomBytes(BigInt(length)).length);
  if (length > 1) {
    expect(Buffer.from(ours).equals(Buffer.from(new SystemRandom().bytes(length)))).toBe(false);
  }
});
