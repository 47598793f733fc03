/**
 * Goal: metering is transparent and its fuel deterministic. Method: random modules and random programs,
 * run plain and metered: the same events, results, traps and memory; the same fuel for every length of
 * slices; the budget that a run used is enough for it, and one unit less is not.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { meterForTest, runMetered, runPlain } from '../../../test/support/metering/meter-run.ts';
import { ModuleGenerator } from '../../../test/support/metering/module-generator.ts';
import { generateProgram } from '../../../test/support/metering/program-generator.ts';
import { wat } from '../../../test/support/metering/wat.ts';
import { RingfenceError } from '../../errors.ts';

const PLENTY = 1n << 40n;
const SLICES = [1n, 7n, 1000n, 1_000_000n];

/** The fuzzer uses everything; what ringfence refuses by name can't be compared. */
function isRefused(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    meterForTest(bytes);
    return false;
  } catch (error) {
    if (error instanceof RingfenceError && error.code === 'RF_MODULE_REFUSED') return true;
    throw error;
  }
}

/** Compares all runs of one module; answers whether it could be compared. */
function compare(bytes: Uint8Array<ArrayBuffer>, label: string): boolean {
  if (isRefused(bytes)) return false;
  expect(WebAssembly.validate(meterForTest(bytes).bytes), label).toBe(true);
  const plain = runPlain(bytes);
  const metered = runMetered(bytes, { budget: PLENTY, slice: null });
  // Where V8's own stack ends differs from run to run.
  if (plain.overflowed || metered.overflowed) {
    return false;
  }
  expect(metered.lines, label).toEqual(plain.lines);
  const { used } = metered.host;
  for (const slice of SLICES) {
    const sliced = runMetered(bytes, { budget: 0n, slice });
    expect(sliced.lines, `${label}, slices of ${slice}`).toEqual(plain.lines);
    expect(sliced.host.used, `${label}, slices of ${slice}`).toBe(used);
  }
  // What ran between the last place that is counted and a trap is not in what was used.
  if (plain.lines.some((line) => line.includes('RuntimeError'))) return true;
  const exactly = runMetered(bytes, { budget: used, slice: null });
  expect(exactly.host.stopped, label).toBe(false);
  if (used > 0n) {
    const less = runMetered(bytes, { budget: used - 1n, slice: null });
    // The last charge may have no check behind it; the counter then says that it is overdrawn.
    expect(less.host.stopped || less.host.fuel.value < 0n, label).toBe(true);
  }
  return true;
}

describe.each(['legacy', 'current'] as const)('random programs with %s exceptions', (form) => {
  test('do the same when they are metered', async () => {
    let compared = 0;
    for (let seed = 1; seed <= 60; seed += 1) {
      if (compare(await wat(generateProgram(seed, form)), `seed ${seed}`)) compared += 1;
    }
    expect(compared).toBeGreaterThan(40);
  }, 120_000);
});

describe('random modules of a fuzzer', () => {
  const generator = new ModuleGenerator();
  afterAll(() => generator[Symbol.dispose]());

  test('do the same when they are metered', async () => {
    let compared = 0;
    for (let seed = 1; seed <= 70; seed += 1) {
      const bytes = await generator.generate(`module ${seed}`, 600);
      if (compare(bytes, `module ${seed}`)) compared += 1;
    }
    expect(compared).toBeGreaterThan(20);
  }, 120_000);
});
