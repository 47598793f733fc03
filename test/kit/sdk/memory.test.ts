/**
 * Goal: an agent that hears messages for ever takes no more memory for it. Method: one agent tells another a
 * hundred thousand things, in JSON, and another one a million; the memory that they have used at the most is the
 * same. How long a message takes is the benchmark `sdk`.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoadedModule } from '../../../src/index.ts';
import { CONVERSATION } from '../../support/conversation.ts';
import { type TestKernel, testKernel } from '../../support/kernel.ts';
import { buildAgent } from './build.ts';

const FEW = 100_000;
const UNLIMITED = { messages: 0, cpuTimeMs: 0 };

let folder: string;
let host: TestKernel;
let module: LoadedModule;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-memory-'));
  host = await testKernel({ workers: 1 });
  module = await host.kernel.load(await buildAgent(folder, 'conversation', CONVERSATION));
}, 120_000);
afterAll(async () => {
  await host.kernel.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What both have used at the most, after so many messages. */
async function memoryAfter(times: number): Promise<readonly number[]> {
  const spawn = () => host.kernel.spawn({ module, grants: { ipc: 'all' }, limits: UNLIMITED });
  const [speaker, hearer] = [await spawn(), await spawn()];
  const asked = JSON.stringify({ tell: hearer.pid, times });
  const answer = await speaker.request({ tag: 'json', val: asked }, { timeoutMs: 600_000 });
  expect(answer).toEqual({ tag: 'json', val: `{"told":${times}}` });
  for (const agent of [speaker, hearer]) agent.stop();
  const reports = await Promise.all([speaker.exited, hearer.exited]);
  return reports.map(({ usage }) => usage.memory_bytes);
}

test('a million messages take the memory of a tenth of them', async () => {
  const few = await memoryAfter(FEW);
  expect(Math.min(...few)).toBeGreaterThan(0);
  expect(await memoryAfter(10 * FEW)).toEqual(few);
}, 600_000);
