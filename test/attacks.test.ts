/**
 * Goal: every attack ends as its table says, and its harmless variant runs, under the same limits.
 * Method: all of them, one after another, in one kernel, which must still run `hello` at the end.
 */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildGuests } from '../scripts/build-guests.ts';
import { type Kernel, openKernel, RingfenceError } from '../src/index.ts';
import { ATTACK_FUEL, ATTACKS, ESCAPE_MARKER } from './attacks-table.ts';

let folder: string;
let marker: string;
let kernel: Kernel;
let files: ReadonlyMap<string, string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-attacks-'));
  marker = join(folder, 'escaped');
  process.env[ESCAPE_MARKER] = marker;
  files = (await buildGuests()).files;
  kernel = await openKernel({ workers: 1, cacheDirectory: join(folder, 'cache') });
}, 300_000);

afterAll(async () => {
  await kernel.close();
  delete process.env[ESCAPE_MARKER];
  rmSync(folder, { recursive: true, force: true });
});

/** Loads and runs a guest; answers how it ended. */
async function outcomeOf(name: string): Promise<string> {
  try {
    const module = await kernel.load(files.get(name) ?? name);
    const agent = await kernel.spawn({ module, limits: { fuel: ATTACK_FUEL } });
    return (await agent.exited).exit.reason;
  } catch (error) {
    const refusals = ['RF_MODULE_INVALID', 'RF_MODULE_REFUSED', 'RF_PREPARE_LIMIT'];
    if (error instanceof RingfenceError && refusals.includes(error.code)) return 'refused';
    throw error;
  }
}

test.each(ATTACKS)('$name ends by $outcome: $shows', async ({ name, outcome }) => {
  expect(await outcomeOf(name)).toBe(outcome);
  expect(existsSync(marker)).toBe(false);
});

test.each([...new Set(ATTACKS.map((attack) => attack.control))])(
  '%s, which does no harm, runs',
  async (control) => {
    expect(await outcomeOf(control)).toBe('normal');
  },
);

test('after all attacks the same kernel runs a guest', async () => {
  expect(await outcomeOf('hello')).toBe('normal');
});
