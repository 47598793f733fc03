/** What of a kernel stands in its audit chain, its receipts, and what does not happen without its record. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AuditOptions,
  createAuditKey,
  type KernelOptions,
  openAudit,
  openKernel,
  proveEvent,
  readEvents,
  type SpawnOptions,
  type StoredEvent,
  type Telemetry,
  verifyChain,
  verifyProof,
  verifyReceipt,
} from '../../src/index.ts';
import { guest, testKernel } from '../support/kernel.ts';
import { spawnPuppet } from '../support/puppet.ts';

let root: string;
let audit: AuditOptions;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ringfence-kernel-audit-'));
  createAuditKey(join(root, 'key'));
  audit = { directory: join(root, 'chain'), key: join(root, 'key') };
});
afterEach(() => rmSync(root, { recursive: true }));

async function events(kind: string): Promise<StoredEvent[]> {
  const found: StoredEvent[] = [];
  for await (const event of readEvents(audit.directory, { kinds: [kind] })) {
    found.push(event);
  }
  return found;
}

const kernelWith = async (options: KernelOptions = {}) =>
  (await testKernel({ workers: 1, audit, ...options })).kernel;

describe('a kernel with an audit log', () => {
  it('records module, spawn, denials, exit and its own life, and the chain verifies', async () => {
    const kernel = await kernelWith();
    const key = kernel.audit?.key ?? '';
    const module = await kernel.load(guest('ungranted'));
    const agent = await kernel.spawn({ module, agentId: 'curious' });
    const report = await agent.exited;
    await kernel.close();
    expect(report.denied.length).toBeGreaterThan(0);
    expect(await verifyChain(audit.directory, { keys: [key], strict: true })).toMatchObject({
      valid: true,
      trusted: true,
    });
    const [spawned] = await events('agent.spawn');
    expect(spawned).toMatchObject({
      pid: agent.pid,
      agent_id: 'curious',
      module: module.digest,
      payload: { isolation: 'shared', parent_pid: 0, limits: report.limits },
    });
    const denied = await events('capability.deny');
    expect(
      denied.map(({ payload: { capability, operation, count } }) => ({
        capability,
        operation,
        count,
      })),
    ).toEqual(report.denied);
    const [exited] = await events('agent.exit');
    expect(exited).toMatchObject({
      pid: agent.pid,
      payload: { reason: report.exit.reason, code: report.exit.code, usage: report.usage },
    });
    expect(await events('kernel.')).toHaveLength(2);
    expect(await events('module.load')).toMatchObject([{ module: module.digest }]);
  });

  it('records what of a tool call may be seen, before it is made', async () => {
    const kernel = await kernelWith();
    const seen: number[] = [];
    kernel.registerTool({ name: 'secret-keeper', description: 'keeps' }, async () => {
      seen.push((await events('tool.call')).length);
      return { password: 'correct horse' };
    });
    const agent = await kernel.spawn({
      work: (context) => context.callTool('secret-keeper', { token: 'battery staple' }),
      grants: { tools: ['secret-keeper'] },
    });
    await agent.exited;
    await kernel.close();
    expect(seen).toEqual([1]);
    expect(await events('tool.call')).toMatchObject([
      { pid: agent.pid, payload: { tool: 'secret-keeper', bytes: 26 } },
    ]);
    expect(await events('tool.result')).toMatchObject([{ payload: { outcome: 'ok' } }]);
    const all = JSON.stringify(await events('tool.'));
    expect(all).not.toContain('battery');
    expect(all).not.toContain('horse');
  });

  it('has on disk that an agent starts before it does, where it reaches outside', async () => {
    const kernel = await kernelWith({ audit: { ...audit, durability: 'exit' } });
    const module = await kernel.load(guest('puppet'));
    mkdirSync(join(root, 'data'));
    const grantSets: SpawnOptions['grants'][] = [
      { files: [{ host: join(root, 'data'), guest: '/d', modes: ['read'] }] },
      { network: ['example.test'] },
    ];
    for (const [index, grants] of grantSets.entries()) {
      const states = kernel.watch();
      const puppet = await spawnPuppet(kernel, module, { ...(grants && { grants }) });
      for await (const { to } of states) {
        if (to === 'running') {
          break;
        }
      }
      expect(await events('agent.spawn')).toHaveLength(index + 1);
      expect(await puppet.tell('clock')).toMatch(/^clock ok/);
      await puppet.end();
    }
    const puppet = await spawnPuppet(kernel, module);
    kernel.grant(puppet.agent.pid, { network: ['example.test'] });
    expect(await puppet.tell('clock')).toMatch(/^clock ok/);
    await expect.poll(() => events('capability.grant')).toHaveLength(1);
    await puppet.end();
    await kernel.close();
  });

  it('records grants and their revocation', async () => {
    const kernel = await kernelWith();
    const agent = await kernel.spawn({
      work: ({ signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(null))),
    });
    const [grant] = kernel.grant(agent.pid, { ipc: 'all' });
    await kernel.revoke(grant?.id ?? 0);
    await kernel.close();
    expect(await events('capability.grant')).toMatchObject([
      { pid: agent.pid, payload: { id: grant?.id, grant: { kind: 'ipc' } } },
    ]);
    expect(await events('capability.revoked')).toMatchObject([
      { pid: agent.pid, payload: { capability: 'ipc', ids: [grant?.id] } },
    ]);
  });

  it('gives receipts that the public key verifies, and proofs of single events', async () => {
    const kernel = await kernelWith();
    const key = kernel.audit?.key ?? '';
    const module = await kernel.load(guest('hello'));
    const agent = await kernel.spawn({ module });
    await expect(kernel.receipt(agent.pid + 1)).rejects.toThrow(
      expect.objectContaining({ code: 'RF_PROCESS_NOT_FOUND' }),
    );
    const report = await agent.exited;
    const inputs = { prompt: 'ab'.repeat(32) };
    const envelope = await kernel.receipt(agent.pid, { inputs });
    await kernel.close();
    const text = JSON.stringify(envelope);
    const receipt = verifyReceipt(text, [key]);
    expect(receipt).toMatchObject({
      pid: agent.pid,
      module_sha256: module.digest,
      inputs,
      exit: report.exit,
      usage: report.usage,
      limits: report.limits,
    });
    for (const [exit] of [await events('agent.spawn'), await events('agent.exit')]) {
      expect(exit?.seq).toBeGreaterThanOrEqual(receipt.span.first);
      expect(exit?.seq).toBeLessThanOrEqual(receipt.span.last);
    }
    const other = Buffer.from(envelope.payload, 'base64').toString().replace('"pid":1', '"pid":2');
    const forged = { ...envelope, payload: Buffer.from(other).toString('base64') };
    expect(() => verifyReceipt(JSON.stringify(forged), [key])).toThrow(
      expect.objectContaining({ code: 'RF_AUDIT_INVALID' }),
    );
    const [exit] = await events('agent.exit');
    const proof = proveEvent(audit.directory, exit?.seq ?? 0);
    expect(verifyProof(JSON.stringify(proof), key)).toEqual(exit);
    const altered = { ...proof, event: proof.event.replace('"normal"', '"killed"') };
    expect(() => verifyProof(JSON.stringify(altered), key)).toThrow(
      expect.objectContaining({ code: 'RF_AUDIT_INVALID' }),
    );
  });

  it('has a log for itself as long as it is open: pids in a chain are of one kernel at a time', async () => {
    const log = await openAudit(audit);
    const first = await kernelWith({ audit: log });
    await expect(openKernel({ audit: log })).rejects.toThrow(
      expect.objectContaining({ code: 'RF_USAGE', message: expect.stringContaining('pids') }),
    );
    await (await first.spawn({ work: () => 1, agentId: 'first' })).exited;
    await first.close();
    const second = await kernelWith({ audit: log });
    await (await second.spawn({ work: () => 1, agentId: 'second' })).exited;
    await second.close();
    await log.close();
    const kinds = new Set(['kernel.open', 'kernel.close', 'agent.spawn']);
    const found: unknown[] = [];
    for await (const { kind, pid, agent_id } of readEvents(audit.directory)) {
      if (kinds.has(kind)) {
        found.push(kind === 'agent.spawn' ? [pid, agent_id] : kind);
      }
    }
    const one = (name: string) => ['kernel.open', [1, name], 'kernel.close'];
    expect(found).toEqual([...one('first'), ...one('second')]);
  });

  it('that can not be opened leaves the log to the next', async () => {
    const telemetry: Telemetry = {
      hostCalls: 0,
      agent: () => expect.fail('nobody is spawned'),
      request: () => expect.fail('nobody asks'),
      measure: () => {
        throw new RangeError('not today');
      },
    };
    const log = await openAudit(audit);
    await expect(openKernel({ audit: log, telemetry })).rejects.toThrow('not today');
    await (await kernelWith({ audit: log })).close();
    await log.close();
    // One of its own is closed, so that its directory can be opened.
    await expect(openKernel({ audit, telemetry })).rejects.toThrow('not today');
    await (await kernelWith()).close();
  });

  it('spawns nobody and calls no tool while it can not record', async () => {
    const log = await openAudit({ ...audit, maxBytes: 128 * 1024 });
    const kernel = await kernelWith({ audit: log });
    let calls = 0;
    kernel.registerTool({ name: 'act', description: 'acts' }, () => {
      calls += 1;
      return null;
    });
    const ready = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const agent = await kernel.spawn({
      work: async (context) => {
        await context.callTool('act', {});
        ready.resolve();
        await go.promise;
        return context.callTool('act', {}).catch((error: unknown) => String(error));
      },
      grants: { tools: ['act'] },
    });
    await ready.promise;
    const filler = 'x'.repeat(3000);
    while (log.problem === null) {
      await log
        .recorded({ kind: 'app.event', payload: { name: 'filler', data: filler } })
        .catch(() => {});
    }
    await expect(kernel.spawn({ work: () => 1 })).rejects.toThrow(
      expect.objectContaining({ code: 'RF_AUDIT' }),
    );
    go.resolve();
    await agent.exited;
    expect(agent.result).toContain('recorded');
    expect(calls).toBe(1);
    await kernel.close();
    await log.close();
  });
});

it('a kernel without an audit log has none, and gives no receipts', async () => {
  const { kernel } = await testKernel({ workers: 1 });
  expect(kernel.audit).toBe(null);
  await expect(kernel.receipt(1)).rejects.toThrow(expect.objectContaining({ code: 'RF_USAGE' }));
  await kernel.close();
});
