/** Compares a module's plain run with its metered ones: the same events and ends, the same fuel for all slices. */

import assert from 'node:assert/strict';
import { RingfenceError } from '../../../src/errors.ts';
import type { MeterOptions } from '../../../src/wasm/metering/meter.ts';
import { meterForTest, runMetered, runPlain } from './meter-run.ts';

const PLENTY = 1n << 40n;
/** Beyond this much fuel the shortest slices take too long. */
const SHORT_SLICES_FUEL_MAX = 20_000_000n;
const SLICES = [1n, 7n, 1000n, 1_000_000n];

/** What became of one comparison; a difference throws. */
export type Comparison =
  /** It ran, and did the same. */
  | 'same'
  /** The same as well, but it could not be instantiated, or was: nothing but that. */
  | 'not run'
  /** The engine's own stack ended it, which differs from run to run. */
  | 'overflowed'
  | 'refused';

/** The fuzzer uses everything; what ringfence refuses by name can't be compared. */
function isRefused(bytes: Uint8Array<ArrayBuffer>, options: MeterOptions): boolean {
  try {
    meterForTest(bytes, options);
    return false;
  } catch (error) {
    if (error instanceof RingfenceError && error.code === 'RF_MODULE_REFUSED') return true;
    throw error;
  }
}

/** Compares all runs of one module. */
export function compare(
  bytes: Uint8Array<ArrayBuffer>,
  label: string,
  options: MeterOptions = {},
): Comparison {
  if (isRefused(bytes, options)) return 'refused';
  assert(WebAssembly.validate(meterForTest(bytes, options).bytes), `${label} is invalid`);
  const plain = runPlain(bytes);
  const metered = runMetered(bytes, { budget: PLENTY, slice: null }, options);
  if (plain.overflowed || metered.overflowed) return 'overflowed';
  assert.deepEqual(metered.lines, plain.lines, label);
  const { used } = metered.host;
  for (const slice of SLICES) {
    if (slice < 1000n && used > SHORT_SLICES_FUEL_MAX) continue;
    const sliced = runMetered(bytes, { budget: 0n, slice }, options);
    assert.deepEqual(sliced.lines, plain.lines, `${label}, slices of ${slice}`);
    assert.equal(sliced.host.used, used, `${label}, slices of ${slice}`);
  }
  const ended = plain.lines.length > 1 ? 'same' : 'not run';
  // What ran between the last place that is counted and a trap is not in what was used.
  if (plain.lines.some((line) => line.includes('RuntimeError'))) return ended;
  const exactly = runMetered(bytes, { budget: used, slice: null }, options);
  assert(!exactly.host.stopped, `${label}: what it used is not enough`);
  if (used > 0n) {
    const less = runMetered(bytes, { budget: used - 1n, slice: null }, options);
    // The last charge may have no check behind it; the counter then says that it is overdrawn.
    assert(less.host.stopped || less.host.fuel.value < 0n, `${label}: less than it used is enough`);
  }
  return ended;
}
