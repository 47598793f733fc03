/**
 * Goal: each kind of the vocabulary is written by something that really happens, and what a guest repeats is few
 * events. Method: real kernels and logs in which each of these happens once; a guest that does it again and again.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KINDS } from '../../src/audit/vocabulary.ts';
import {
  createAuditKey,
  fileAnchor,
  type Kernel,
  loadPolicy,
  openAudit,
  readEvents,
  type StoredEvent,
} from '../../src/index.ts';
import { guest, testKernel } from '../support/kernel.ts';
import { spawnPuppet } from '../support/puppet.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'ringfence-kinds-'));
});
afterAll(() => rmSync(root, { recursive: true }));

async function eventsOf(directory: string): Promise<StoredEvent[]> {
  const found: StoredEvent[] = [];
  for await (const event of readEvents(directory)) {
    found.push(event);
  }
  return found;
}

/** What a log says of itself. */
async function chainEvents(): Promise<StoredEvent[]> {
  const directory = join(root, 'log');
  const options = {
    directory,
    key: createAuditKey(join(root, 'old')),
    anchors: [fileAnchor(join(root, 'anchor'))],
  };
  const first = await openAudit(options);
  const hour = 3_600_000;
  await first.recorded({
    kind: 'app.event',
    payload: { name: 'ahead', data: null },
    timeMs: Date.now() + hour,
  });
  // More than waits in memory, without giving the thread a turn.
  const data = 'x'.repeat(4_000);
  for (let each = 0; each < 18_000; each += 1) {
    first.append({ kind: 'app.event', payload: { name: 'filler', data } });
  }
  await first.flush();
  await first.anchor();
  const key = createAuditKey(join(root, 'new'));
  await first.rotateKey(key);
  await first.prune(1_000);
  await first.close();
  const again = await openAudit({ ...options, key });
  await again.close();
  return eventsOf(directory);
}

describe('each kind is written by what happens', { timeout: 120_000 }, () => {
  const seen = new Map<string, StoredEvent[]>();
  const see = (events: readonly StoredEvent[]): void => {
    for (const event of events) {
      seen.set(event.kind, [...(seen.get(event.kind) ?? []), event]);
    }
  };

  beforeAll(async () => {
    see(await chainEvents());
    see(await kernelEvents());
  }, 120_000);

  test.each(Object.keys(KINDS))('%s', (kind) => {
    expect(seen.get(kind)).toBeDefined();
  });

  test('no other is', () => {
    expect([...seen.keys()].sort()).toEqual(Object.keys(KINDS).sort());
  });

  test('they say what has happened, and nothing that is nobody else’s', () => {
    const payloads = (kind: string) => seen.get(kind)?.map(({ payload }) => payload);
    expect(payloads('supervisor.start')).toMatchObject([
      { supervisor: 1, strategy: 'one_for_one', children: 1, intensity: 2 },
    ]);
    expect(payloads('supervisor.restart')).toMatchObject([
      { supervisor: 1, child: 'fails', restarts: 1 },
      { supervisor: 1, child: 'fails', restarts: 2 },
    ]);
    expect(payloads('supervisor.give_up')).toMatchObject([{ supervisor: 1, child: 'fails' }]);
    expect(payloads('supervisor.stop')).toEqual([
      { supervisor: 1, child: 'fails', reason: 'exhausted' },
    ]);
    expect(payloads('policy.decide')).toMatchObject([{ line: 2 }]);
    expect(payloads('policy.refuse')).toMatchObject([{ code: 'RF_MODULE_REFUSED' }]);
    expect(payloads('worker.lost')).toEqual([{ agents: 1, isolation: 'shared' }]);
    expect(payloads('capability.answer')).toMatchObject([
      { decision: 'deny', grant: { kind: 'tools' } },
    ]);
    // Every 10 s they are told: on a machine that is busy that can be in between.
    const refused = payloads('tool.refuse') ?? [];
    expect(refused[0]).toMatchObject({ tool: 'count', outcome: 'invalid' });
    expect(refused.reduce((sum, { count }) => sum + Number(count), 0)).toBe(3);
    expect(payloads('tool.read')).toMatchObject([{ tool: 'count', count: 1 }]);
    expect(payloads('ipc.lost')).toMatchObject([{ count: 1 }]);
    expect(JSON.stringify([...seen.values()])).not.toContain('correct horse');
  });
});

async function kernelEvents(): Promise<StoredEvent[]> {
  const threads: Worker[] = [];
  const remember = (thread: Worker): void => void threads.push(thread);
  process.on('worker', remember);
  const directory = join(root, 'kernel');
  const audit = { directory, key: createAuditKey(join(root, 'kernel.key')) };
  const { kernel } = await testKernel({
    workers: 1,
    audit,
    onElevation: () => 'defer',
    quotas: { memoryBytes: 2 ** 40 },
  });
  try {
    await administration(kernel);
    await supervision(kernel);
    await conversation(kernel);
    await policies(kernel);
    // At last: there is one thread.
    const lost = await spawnPuppet(kernel, await kernel.load(guest('puppet')));
    await lost.tell('clock');
    await threads.find(({ threadName }) => threadName !== 'ringfence-audit')?.terminate();
    await lost.agent.exited;
  } finally {
    process.off('worker', remember);
    await kernel.close();
  }
  return eventsOf(directory);
}

async function administration(kernel: Kernel): Promise<void> {
  await expect(kernel.load(Buffer.from('no module'))).rejects.toThrow();
  const served = await kernel.load(guest('http-puppet'));
  await kernel.serve({ module: served }).close();
  const good = fileURLToPath(new URL('../mcp/fixtures/good-server.ts', import.meta.url));
  const offer = await kernel.offerMcp({ name: 'good', command: [process.execPath, good] });
  await offer.close();
  const { id } = await kernel.schedule({ every: 3_600_000, call: () => {} });
  await kernel.cancelJob(id);
  await kernel.audit?.recorded({ kind: 'app.event', payload: { name: 'deployed', data: 1 } });
}

async function supervision(kernel: Kernel): Promise<void> {
  const supervisor = await kernel.supervise({
    strategy: 'one_for_one',
    intensity: 2,
    periodMs: 60_000,
    backoff: { initialMs: 1, maxMs: 1 },
    children: [
      {
        id: 'fails',
        work: () => {
          throw new Error('it fails');
        },
      },
    ],
  });
  await supervisor.ended;
}

async function conversation(kernel: Kernel): Promise<void> {
  const parameters = { type: 'object', properties: { to: { type: 'number' } } };
  kernel.registerTool({ name: 'count', description: 'Counts.', parameters }, async function* () {
    for (let item = 0; ; item += 1) {
      yield item;
    }
  });
  const puppet = await kernel.load(guest('puppet'));
  const agent = await spawnPuppet(kernel, puppet, {
    grants: { ipc: 'all', tools: ['count'] },
    provides: ['counting'],
  });
  const { pid } = agent.agent;
  kernel.registerService('more', pid);
  kernel.unregisterService('more');
  const first = JSON.parse((await agent.tell('tool count {}')).replace('tool ok ', ''));
  await agent.tell(`tool count ${JSON.stringify({ $stream: first.$stream, close: true })}`);
  for (let each = 0; each < 3; each += 1) {
    await agent.tell('tool count {"to":"correct horse"}');
  }
  const receiver = await spawnPuppet(kernel, puppet);
  await agent.tell(`send ${receiver.agent.pid} correct horse`);
  receiver.agent.kill();
  await receiver.agent.exited;
  await agent.tell('tool other {}');
  await agent.tell('ask tools other please');
  kernel.answerElevation(kernel.elevations()[0]?.id ?? 0, 'deny');
  const [grant] = kernel.grant(pid, { ipc: 'all' });
  await kernel.revoke(grant?.id ?? 0);
  kernel.suspend(pid);
  kernel.resume(pid);
  agent.agent.stop({ shutdownMs: 50 });
  await agent.agent.exited;
  await kernel.receipt(pid);
  kernel.unregisterTool('count');
  kernel.openPipe('pipe');
  await kernel.writePipe('pipe').send('left');
  kernel.endPipe('pipe');
}

async function policies(kernel: Kernel): Promise<void> {
  const path = join(root, 'ringfence.toml');
  const module = await kernel.load(guest('hello'));
  writeFileSync(path, `version = 1\n[[module]]\ndigest = "sha256:${module.digest}"\n`);
  const policy = await loadPolicy(path);
  kernel.decide(policy, module);
  kernel.decide(policy, module);
  const other = { path: null, digest: '0'.repeat(64) };
  expect(() => kernel.decide(policy, other)).toThrow(
    expect.objectContaining({ code: 'RF_MODULE_REFUSED' }),
  );
}

test('what a guest repeats without end is one event of each kind', async () => {
  const directory = join(root, 'flood');
  const { kernel } = await testKernel({ workers: 1, audit: { directory } });
  kernel.registerTool(
    { name: 'add', description: 'Adds.', parameters: { type: 'object', required: ['a'] } },
    () => 1,
  );
  const module = await kernel.load(guest('puppet'));
  const agent = await spawnPuppet(kernel, module, { grants: { ipc: 'all', tools: 'all' } });
  const receiver = await spawnPuppet(kernel, module);
  for (let each = 0; each < 50; each += 1) {
    await agent.tell(`tool no-such-${each} {}`);
    await agent.tell('tool add {}');
    await agent.tell('tool add no json');
    await agent.tell(`send ${receiver.agent.pid} hello`);
    await agent.tell(`ask tools other-${each} please`);
  }
  receiver.agent.kill();
  await receiver.agent.exited;
  await agent.end();
  await kernel.close();
  const counts = new Map<string, number[]>();
  for (const { kind, payload } of await eventsOf(directory)) {
    if ('count' in payload) {
      counts.set(kind, [...(counts.get(kind) ?? []), payload.count as number]);
    }
  }
  const sum = (kind: string) => counts.get(kind)?.reduce((all, one) => all + one, 0);
  expect(sum('ipc.dead_letter')).toBe(50);
  expect(sum('tool.refuse')).toBe(150);
  // Every 10 s they are told: on a machine that is busy there may be some of them.
  expect(counts.get('tool.refuse')?.length).toBeLessThan(30);
}, 120_000);
