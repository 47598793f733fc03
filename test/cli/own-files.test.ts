/**
 * Goal: no module that is run writes what ringfence writes of it. Method: each option that names a file, with that
 * in a directory that the module may write to, in one that it may read, and in another.
 */

import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hostMountsSupported } from '../../src/wasm/host/files/root.ts';
import { guest } from '../support/kernel.ts';
import { ringfence, temporaryDirectory } from './ringfence.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

describe.runIf(hostMountsSupported)('a file of', { timeout: 120_000 }, () => {
  test.each(['--report', '--record', '--profile'])('%s', async (option) => {
    const [mounted, apart] = ['mounted', 'apart'].map((name) =>
      join(scratch.path, option.slice(2), name),
    ) as [string, string];
    for (const folder of [mounted, apart]) mkdirSync(folder, { recursive: true });
    const hello = guest('hello').pathname;
    const run = (mode: string, folder: string) =>
      ringfence(['run', option, join(folder, 'own'), '--dir', `${mounted}::/m:${mode}`, hello]);
    const refused = await run('rw', mounted);
    expect(refused.stderr).toContain(
      `Cannot mount '${mounted}' as a file that the program writes lies there`,
    );
    expect(refused.status).toBe(2);
    expect(await run('ro', mounted)).toMatchObject({ status: 0 });
    expect(existsSync(join(mounted, 'own'))).toBe(true);
    expect(await run('rw', apart)).toMatchObject({ status: 0 });
    expect(readdirSync(apart)).toEqual(['own']);
  });
});
