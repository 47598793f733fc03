/**
 * Goal: what a kernel had, as the resource tree of its chain says it, is signed, verified by who has the events,
 * and proved to who has not. Method: real kernels, one chain, our verifier and the independent one.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { originOf, readCheckpoint, signCheckpoint, verifierKey } from '../../src/audit/note.ts';
import {
  type AuditOptions,
  createAuditKey,
  exportChain,
  openAudit,
  openKernel,
  proveResource,
  readResources,
  verifyChain,
  verifyResource,
} from '../../src/index.ts';
import { newSigner, TestChain } from '../support/audit/chain.ts';

const SCRIPT = fileURLToPath(new URL('verify.py', import.meta.url));
const hasPython = spawnSync('python3', ['-c', '']).status === 0;

const ODD = ['/', '..', 'a/b', 'a\0b', '__proto__', '\ud800', '\u2028"\\'];

let root: string;
let audit: AuditOptions;
let key: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ringfence-resources-'));
  audit = { directory: join(root, 'chain'), key: createAuditKey(join(root, 'key')) };
});
afterEach(() => rmSync(root, { recursive: true }));

/** A kernel's life: agents of odd names, a child, a tool, a service. */
async function live(): Promise<void> {
  const kernel = await openKernel({ workers: 1, audit });
  key = kernel.audit?.key ?? '';
  kernel.registerTool({ name: 'add', description: 'adds' }, () => null);
  for (const agentId of ODD) {
    await (await kernel.spawn({ agentId, work: () => null })).exited;
  }
  const failing = await kernel.spawn({
    agentId: 'failing',
    work: () => Promise.reject(new Error('no')),
  });
  await failing.exited;
  await kernel.close();
}

const entryOf = (...name: string[]) =>
  readResources(audit.directory).find(
    (entry) => JSON.stringify(entry.name) === JSON.stringify(name),
  );

it('says of each agent, under whatever name, how often it has run and how', async () => {
  await live();
  for (const agentId of ODD) {
    expect(entryOf(agentId.toWellFormed())).toMatchObject({
      kind: 'agent',
      running: 0,
      runs: 1,
      scored: 1,
      exit: { code: 0, reason: 'normal' },
    });
  }
  expect(entryOf('failing')).toMatchObject({ exit: { reason: 'error' }, score: { trust: 0.41 } });
  expect(entryOf('add')).toMatchObject({ kind: 'tool', registered: true });
  await live();
  expect(entryOf('failing')).toMatchObject({ runs: 2, scored: 2 });
});

it('is verified against the events, by the independent verifier too', async () => {
  await live();
  await live();
  const verdict = await verifyChain(audit.directory, { keys: [key], strict: true });
  expect(verdict).toMatchObject({ valid: true, resources: { compared: true } });
  expect(verdict.resources?.entries).toBe(readResources(audit.directory).length);
  const believed = await verifyChain(audit.directory, { keys: [key], strict: false });
  expect(believed.resources).toEqual({ ...verdict.resources, compared: false });
  const path = join(root, 'export.jsonl');
  writeFileSync(path, Buffer.concat([...exportChain(audit.directory)]));
  if (hasPython) {
    const { stdout, status } = spawnSync('python3', [SCRIPT, path, key], { encoding: 'utf8' });
    expect({ stdout, status }).toMatchObject({ status: 0 });
    expect(JSON.parse(stdout).compared).toBe(verdict.checkpoints);
  }
});

it('is found to be another than the events say, by both', async () => {
  const chain = new TestChain(newSigner(), 1000);
  const { verifier } = chain.signer;
  const path = join(root, 'lying.jsonl');
  const head = { size: 1, root: 'x'.repeat(32) };
  const note = signCheckpoint(
    verifier.name,
    chain.chain.size,
    chain.chain.root(),
    chain.signer,
    head,
  );
  writeFileSync(path, `${chain.lines[0]}\n${JSON.stringify({ checkpoint: note })}\n`);
  expect((await verifyChain(path)).problem).toMatchObject({ reason: 'forked', seq: 0 });
  if (hasPython) {
    const { stdout, status } = spawnSync('python3', [SCRIPT, path], { encoding: 'utf8' });
    expect({ stdout, status }).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('resource tree'),
    });
  }
  // Who gives a key trusts who has it: the events are not parsed then.
  expect(await verifyChain(path, { keys: [verifier.text] })).toMatchObject({ valid: true });
});

it('proves what was in it, to who has the key alone; what was not it does not', async () => {
  await live();
  const proof = proveResource(audit.directory, 'agent', ['a\0b']);
  const text = JSON.stringify(proof);
  expect(verifyResource(text, [key])).toEqual(entryOf('a\0b'));
  expect(
    verifyResource(JSON.stringify(proveResource(audit.directory, 'tool', ['add'])), [key]),
  ).toMatchObject({
    registered: true,
  });
  const usage = expect.objectContaining({ code: 'RF_USAGE' });
  expect(() => proveResource(audit.directory, 'agent', ['nobody'])).toThrow(usage);
  expect(() => proveResource(audit.directory, 'agent', ['a\0b'], 77_777)).toThrow(usage);
  // At the first checkpoint nobody had been spawned.
  expect(() => proveResource(audit.directory, 'agent', ['a\0b'], 1)).toThrow(/not in the tree/);
  const size = readCheckpoint(proof.checkpoint)?.size ?? 0;
  expect(proveResource(audit.directory, 'agent', ['a\0b'], size)).toEqual(proof);
  const invalid = expect.objectContaining({ code: 'RF_AUDIT_INVALID' });
  const other = proveResource(audit.directory, 'agent', ['..']);
  const bare = proof.checkpoint.replace(/resource-tree.*\n/, '');
  for (const wrong of [
    { ...proof, entry: proof.entry.replace('"runs":1', '"runs":2') },
    { ...proof, entry: other.entry },
    { ...proof, index: other.index },
    { ...proof, index: 10 ** 6 },
    { ...proof, proof: proof.proof.slice(1) },
    { ...proof, checkpoint: bare },
    { ...proof, more: 1 },
  ]) {
    expect(() => verifyResource(JSON.stringify(wrong), [key])).toThrow(invalid);
  }
  const stranger = createAuditKey(join(root, 'stranger'));
  const name = originOf(readCheckpoint(proof.checkpoint)?.origin.split('/')[1] ?? '');
  expect(() => verifyResource(text, [verifierKey(name, stranger).text])).toThrow(invalid);
});

it('is the same after a crash, in a chain that was begun before there was one, and after a full disk', async () => {
  await live();
  const before = readResources(audit.directory);
  const database = new DatabaseSync(join(audit.directory, 'chain.sqlite'));
  // As a chain of an older version is: nothing of a tree is kept.
  database.exec('DROP TABLE resources; DROP TABLE running; DROP TABLE resources_at');
  database.close();
  expect(readResources(audit.directory)).toEqual([]);
  const log = await openAudit({ ...audit, maxBytes: 512 * 1024 });
  const filler = { name: 'filler', data: 'x'.repeat(3000) };
  while (log.problem === null) {
    await log.recorded({ kind: 'app.event', payload: filler }).catch(() => {});
  }
  await log.close();
  await live();
  const entries = readResources(audit.directory);
  expect(entries.length).toBe(before.length);
  expect(await verifyChain(audit.directory, { keys: [key], strict: true })).toMatchObject({
    valid: true,
    resources: { compared: true },
  });
});
