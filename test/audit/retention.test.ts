/**
 * Goal: a chain that removes its oldest events by itself proves what it proved before. Method: what was signed,
 * proved and receipted before is verified afterwards, by ours and by the independent verifier.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkReceipt } from '../../src/audit/receipt-check.ts';
import {
  type AuditLog,
  type AuditOptions,
  createAuditKey,
  exportChain,
  openAudit,
  openKernel,
  proveConsistency,
  proveEvent,
  readResources,
  verifyChain,
  verifyConsistency,
  verifyProof,
  verifyReceipt,
} from '../../src/index.ts';

const SCRIPT = fileURLToPath(new URL('verify.py', import.meta.url));
const hasPython = spawnSync('python3', ['-c', '']).status === 0;

let root: string;
let options: AuditOptions;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ringfence-retention-'));
  options = {
    directory: join(root, 'chain'),
    key: createAuditKey(join(root, 'key')),
    checkpointMs: 10,
  };
});
afterEach(() => rmSync(root, { recursive: true }));

const large = (name: string) =>
  ({ kind: 'app.event', payload: { name, data: 'x'.repeat(2000) } }) as const;

function bytesInUse(): number {
  const database = new DatabaseSync(join(options.directory, 'chain.sqlite'), { readOnly: true });
  const value = (pragma: string): number =>
    Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0] as number;
  const used = (value('page_count') - value('freelist_count')) * value('page_size');
  database.close();
  return used;
}

const begins = async (log: AuditLog): Promise<number> =>
  (await verifyChain(options.directory, { keys: [log.key ?? ''] })).begins;

/** Both verifiers agree that the chain is good. */
async function agree(key: string): Promise<void> {
  const verdict = await verifyChain(options.directory, { keys: [key], strict: true });
  expect(verdict).toMatchObject({ valid: true, problem: null });
  if (hasPython) {
    const path = join(root, 'export.jsonl');
    writeFileSync(path, Buffer.concat([...exportChain(options.directory)]));
    const { stdout, status } = spawnSync('python3', [SCRIPT, path, key], { encoding: 'utf8' });
    expect({ stdout, status }).toMatchObject({ status: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ events: verdict.events, root: verdict.root });
  }
}

it('by size: the file stays below it, and what is left is the newest', async () => {
  const bytes = 512 * 1024;
  const log = await openAudit({ ...options, retention: { bytes, everyMs: 10 } });
  const first = (await log.checkpoint()) ?? '';
  for (let index = 0; index < 1500; index += 1) {
    await log.recorded(large(`event-${index}`));
  }
  const last = await log.flush();
  await expect.poll(bytesInUse).toBeLessThanOrEqual(bytes);
  const from = await begins(log);
  expect(from).toBeGreaterThan(500);
  expect(from).toBeLessThan(last.seq);
  await log.close();
  const key = log.key ?? '';
  await agree(key);
  // The newest are there, and are proved; that they go on from the oldest is, too.
  const proof = proveEvent(options.directory, last.seq);
  expect(verifyProof(JSON.stringify(proof), [key])).toMatchObject({ seq: last.seq });
  expect(() => proveEvent(options.directory, from - 1)).toThrow(/removed/);
  const grown = proveConsistency(options.directory, first);
  expect(verifyConsistency(JSON.stringify(grown), [key])).toMatchObject({ from: 1 });
  const anchored = await verifyChain(options.directory, { keys: [key], anchors: [first] });
  expect(anchored).toMatchObject({ valid: true, anchors: 1, begins: expect.any(Number) });
  await (await openAudit(options)).close();
  await agree(key);
});

it('by age: what is old goes, its receipts and anchors verify, and the chain says from where it begins', async () => {
  const kernel = await openKernel({ workers: 1, audit: options });
  const agent = await kernel.spawn({ agentId: 'worker', work: () => 'done' });
  await agent.exited;
  const receipt = JSON.stringify(await kernel.receipt(agent.pid));
  const keys = [kernel.audit?.key ?? ''];
  await kernel.close();
  expect(await checkReceipt(receipt, keys, options.directory)).toMatchObject({ events: true });
  const entries = readResources(options.directory);

  const log = await openAudit({ ...options, retention: { ageMs: 1, everyMs: 10 } });
  const { last } = verifyReceipt(receipt, keys).span;
  await expect.poll(() => begins(log)).toBeGreaterThan(last + 1);
  await log.close();
  await agree(keys[0] ?? '');
  expect(await checkReceipt(receipt, keys, options.directory)).toMatchObject({ events: false });
  // What is known of agents outlives their events.
  expect(readResources(options.directory)).toEqual(entries);
  const text = Buffer.concat([...exportChain(options.directory)]).toString();
  expect(text).not.toContain('agent.spawn');
  expect(text).toContain('chain.genesis');
});

it('is refused where nobody signs, and where it is no rule', async () => {
  const usage = expect.objectContaining({ code: 'RF_USAGE' });
  const { key: _, ...unsigned } = options;
  await expect(openAudit({ ...unsigned, retention: { ageMs: 1 } })).rejects.toThrow(usage);
  await expect(openAudit({ ...options, retention: { bytes: 1 } })).rejects.toThrow(usage);
  await expect(openAudit({ ...options, retention: { ageMs: 0 } })).rejects.toThrow(usage);
  await (await openAudit({ ...options, retention: { ageMs: 86_400_000 } })).close();
});
