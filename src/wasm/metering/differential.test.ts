/**
 * Goal: metering is transparent and its fuel deterministic. Method: random modules and random programs,
 * run plain and metered: the same events, results, traps and memory; the same fuel for every length of
 * slices; the budget that a run used is enough for it, and one unit less is not.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { compare } from '../../../test/support/metering/compare.ts';
import {
  ModuleGenerator,
  PROPOSALS,
  type Proposal,
} from '../../../test/support/metering/module-generator.ts';
import { generateProgram } from '../../../test/support/metering/program-generator.ts';
import { wat } from '../../../test/support/metering/wat.ts';

describe.each(['legacy', 'current'] as const)('random programs with %s exceptions', (form) => {
  test('do the same when they are metered', async () => {
    let compared = 0;
    for (let seed = 1; seed <= 60; seed += 1) {
      const bytes = await wat(generateProgram(seed, form));
      if (compare(bytes, `seed ${seed}`) === 'same') compared += 1;
    }
    expect(compared).toBeGreaterThan(40);
  }, 120_000);

  test('do the same when functions take no fuel', async () => {
    let compared = 0;
    for (let seed = 101; seed <= 140; seed += 1) {
      const bytes = await wat(generateProgram(seed, form));
      const comparison = compare(bytes, `seed ${seed}`, { references: 'unthreaded' });
      if (comparison === 'same') compared += 1;
    }
    expect(compared).toBeGreaterThan(25);
  }, 120_000);
});

describe('random modules of a fuzzer', () => {
  const generator = new ModuleGenerator();
  afterAll(() => generator[Symbol.dispose]());

  const mixes: readonly (readonly [string, readonly Proposal[]])[] = [
    ['of WebAssembly 2.0', []],
    ['with GC types', ['gc']],
    ['with several memories, some of 64 bits', ['multimemory', 'memory64']],
    ['with everything', PROPOSALS],
  ];
  test.each(mixes)(
    '%s do the same when they are metered',
    async (_, proposals) => {
      let compared = 0;
      for (let seed = 1; seed <= 70; seed += 1) {
        const bytes = await generator.generate(`module ${seed}`, 600, proposals);
        if (compare(bytes, `module ${seed}`) === 'same') compared += 1;
      }
      expect(compared).toBeGreaterThan(20);
    },
    120_000,
  );
});
