/**
 * Goal: what handles requests does nothing that could not be recorded, and strangers fill no log with it. Method: a
 * chain that has room for some instances; clients ask on.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAuditKey, readEvents, verifyChain } from '../../src/index.ts';
import { guest, testKernel } from '../support/kernel.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ringfence-served-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** More than the chain below has room for. */
const REQUESTS_MAX = 5_000;

test('a chain that is full has requests refused, and is said to be once', async () => {
  const directory = join(root, 'chain');
  const key = createAuditKey(join(root, 'key'));
  const { kernel, warnings } = await testKernel({ audit: { directory, key, maxBytes: 400_000 } });
  const module = await kernel.load(guest('http-puppet'));
  const service = kernel.serve({ module, keepWarm: 0 });
  const ask = async (): Promise<number> => {
    const response = await service.handle(new Request('http://localhost/count'));
    await response.text();
    return response.status;
  };
  let answered = 0;
  while (answered < REQUESTS_MAX && (await ask()) === 200) {
    answered += 1;
  }
  expect(answered).toBeGreaterThan(0);
  for (let each = 0; each < 100; each += 1) {
    expect(await ask()).toBe(503);
  }
  await service.close();
  await kernel.close();
  // On a slow machine more than ten seconds pass, and it is told again.
  const told = warnings.filter((text) => text.includes('could not be handled')).length;
  const leftOut = warnings
    .map((text) => Number(/^(\d+) more warnings/.exec(text)?.[1] ?? 0))
    .reduce((sum, count) => sum + count, 0);
  expect(told + leftOut).toBe(101);
  expect(told).toBeLessThan(20);

  // What waited for room when it was closed is not in it, and that is said.
  let last = -1;
  for await (const { seq } of readEvents(directory)) {
    last = seq;
  }
  expect(warnings.at(-1)).toBe(
    `What has happened since is not in the audit chain: the last event on disk is ${last}.`,
  );
  expect(await verifyChain(directory)).toMatchObject({ valid: true });
}, 120_000);
