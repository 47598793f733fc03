/**
 * Goal: a child that is refused after all takes nothing from its parent. Method: a guest with a mount
 * asks for a child when as many threads are taken as may be; then the program opens another directory,
 * which gets the lowest number that is free.
 */

import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { OWN_THREADS_MAX } from '../../src/backend/wasm/own-threads.ts';
import { hostMountsSupported } from '../../src/wasm/host/files/root.ts';
import { guest, testKernel } from '../support/kernel.ts';
import { spawnPuppet } from '../support/puppet.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) {
    await cleanUp();
  }
});

test.runIf(hostMountsSupported)(
  '16: a child for which there is no thread leaves its parent the mount, and no other directory',
  async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'ringfence-refused-'));
    cleanUps.push(() => rmSync(scratch, { recursive: true, force: true }));
    for (const name of ['own', 'other']) {
      mkdirSync(join(scratch, name));
      writeFileSync(join(scratch, name, 'file'), name);
    }
    const { kernel } = await testKernel();
    cleanUps.push(() => kernel.close());
    const module = await kernel.load(guest('puppet'));
    const parent = await spawnPuppet(kernel, module, {
      isolation: 'thread',
      grants: { spawn: 2, files: [{ host: join(scratch, 'own'), guest: '/' }] },
    });
    const spawn = `spawn ${module.digest} files=/:ro`;
    expect(await parent.tell(spawn)).toMatch(/^spawn ok/);
    while (kernel.list().length < OWN_THREADS_MAX) {
      await kernel.spawn({ module, isolation: 'thread', stdin: forEver() });
    }
    expect(await parent.tell(spawn)).toMatch(/^spawn err limit-exceeded/);
    const other = openSync(join(scratch, 'other'), 'r');
    cleanUps.push(() => closeSync(other));
    expect(await parent.tell('open a file')).toBe('open ok');
    expect(await parent.tell('read a')).toBe('read ok own');
  },
  120_000,
);

/** Input that never comes: who reads it lives until he is ended. */
async function* forEver(): AsyncGenerator<Uint8Array> {
  await new Promise(() => {});
  yield new Uint8Array(0);
}
