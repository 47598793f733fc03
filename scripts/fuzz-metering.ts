/**
 * Compares random modules plain and metered: `node scripts/fuzz-metering.ts [--modules N] [--seed S]`.
 *
 * Modules are binaryen's, each with another mix of proposals and another size, and run as the differential
 * tests do it: the same events, ends and memories, the same fuel for all lengths of slices. Each is
 * metered as it needs it, and every third so that its functions take no fuel. Prints the number of each
 * module that differs, to be run again by `--seed` and `--modules 1`, and counts. Ends with 1 where one did.
 */

import { parseArgs } from 'node:util';
import { type Comparison, compare } from '../test/support/metering/compare.ts';
import { ModuleGenerator, PROPOSALS } from '../test/support/metering/module-generator.ts';

const { values: options } = parseArgs({
  options: {
    modules: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
  },
});
const first = Number(options.seed);
const modules = Number(options.modules);
if (!Number.isInteger(first) || !Number.isInteger(modules) || modules < 1) {
  console.error('--modules and --seed are whole numbers.');
  process.exit(2);
}

const SIZES = [200, 600, 1_200, 2_500];
/** Beyond the mixes of proposals. */
const MIXES = 2 ** PROPOSALS.length;

const counts: Record<Comparison | 'not generated' | 'different', number> = {
  same: 0,
  'not run': 0,
  overflowed: 0,
  refused: 0,
  'not generated': 0,
  different: 0,
};

async function fuzz(generator: ModuleGenerator, seed: number): Promise<keyof typeof counts> {
  const proposals = PROPOSALS.filter((_, place) => (seed % MIXES) & (1 << place));
  const size = SIZES[Math.floor(seed / MIXES) % SIZES.length]!;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await generator.generate(`fuzz ${seed}`, size, proposals);
  } catch {
    return 'not generated';
  }
  if (!WebAssembly.validate(bytes)) return 'not generated';
  try {
    return compare(bytes, `seed ${seed}`, seed % 3 === 0 ? { references: 'unthreaded' } : {});
  } catch (error) {
    console.log(`seed ${seed} (${proposals.join(', ')}): ${(error as Error).message}`);
    return 'different';
  }
}

const generator = new ModuleGenerator();
for (let seed = first; seed < first + modules; seed++) counts[await fuzz(generator, seed)]++;
generator[Symbol.dispose]();
console.log(counts);
process.exitCode = counts.different > 0 ? 1 : 0;
