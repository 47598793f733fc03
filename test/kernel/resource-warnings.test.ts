/**
 * Goal: who uses most of a limit is told of once, of each kind, in each isolation; who has no limit never.
 * Method: a guest for each kind of limit, and what the operator is told.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Isolation, LimitsInput, ResourceWarning, SpawnOptions } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

const soon = { timeout: 20_000 };
const MEBIBYTE = 1024 * 1024;
/** Of what its guests are told of beside the kind in question. */
const UNLIMITED = { memoryBytes: 0, cpuTimeMs: 0, messages: 0, toolCalls: 0, diskBytes: 0 };

const warnings: ResourceWarning[] = [];
let host: TestKernel;
let directory: string;
const puppets: Puppet[] = [];

beforeAll(async () => {
  host = await testKernel({ onResourceWarning: (warning) => warnings.push(warning) });
  host.kernel.registerTool({ name: 'add', description: 'Adds.' }, () => 3);
  directory = mkdtempSync(join(tmpdir(), 'ringfence-warnings-'));
});
afterAll(async () => {
  await host.kernel.close();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  warnings.length = 0;
});
afterEach(async () => {
  await Promise.all(puppets.splice(0).map((puppet) => puppet.end()));
});

const kinds = () => warnings.map(({ kind }) => kind);

describe.each<Isolation>(['shared', 'thread', 'process'])('isolation %s', (isolation) => {
  const withLimits = (limits: LimitsInput) => ({ isolation, limits: { ...UNLIMITED, ...limits } });

  async function run(name: string, limits: LimitsInput) {
    const module = await host.kernel.load(guest(name));
    const agent = await host.kernel.spawn({
      module,
      arguments: [name],
      grants: { ipc: 'all' },
      ...withLimits(limits),
    });
    return { agent, report: await agent.exited };
  }

  async function puppet(options: Partial<SpawnOptions>): Promise<Puppet> {
    const module = await host.kernel.load(guest('puppet'));
    const made = await spawnPuppet(host.kernel, module, options);
    puppets.push(made);
    return made;
  }

  test.each([
    ['fuel', 'endless-loop', { fuel: 50_000_000 }, 50_000_000],
    ['cpu_time', 'endless-loop', { cpuTimeMs: 500 }, 500],
    ['memory', 'memory-bomb', { memoryBytes: 16 * MEBIBYTE }, 16 * MEBIBYTE],
    ['messages', 'mailbox-flood', { messages: 100 }, 100],
  ] as const)('%s', { timeout: 120_000 }, async (kind, name, limits, limit) => {
    // Where its own limit does not end it, fuel does, of which it is told then.
    const fuel = { fuel: 200_000_000 };
    const { agent } = await run(name, { ...(kind === 'cpu_time' ? {} : fuel), ...limits });
    const of = warnings.filter((warning) => warning.kind === kind);
    expect(of).toEqual([
      {
        pid: agent.pid,
        agentId: agent.agentId,
        parentPid: 0,
        kind,
        used: expect.any(Number),
        limit,
      },
    ]);
    expect(of[0]?.used).toBeGreaterThanOrEqual(0.8 * limit);
    expect(of[0]?.used).toBeLessThanOrEqual(kind === 'cpu_time' ? 100 * limit : limit);
    expect(new Set(kinds()).size).toBe(warnings.length);
  });

  test('tool calls, when it makes the one that is most of them, and no more of it', async () => {
    const made = await puppet({ grants: { tools: ['add'] }, ...withLimits({ toolCalls: 5 }) });
    for (let count = 0; count < 3; count += 1) {
      expect(await made.tell('tool add {}')).toBe('tool ok 3');
    }
    expect(warnings).toEqual([]);
    expect(await made.tell('tool add {}')).toBe('tool ok 3');
    await vi.waitFor(() => expect(warnings).toMatchObject([{ kind: 'tool_calls', used: 4 }]), soon);
    await made.tell('tool add {}');
    expect(await made.tell('tool add {}')).toMatch(/^tool err limit-exceeded/);
    expect(warnings).toHaveLength(1);
  });

  test('disk, where its directory is', async () => {
    const files = [
      { host: directory, guest: '/data', modes: ['read', 'write', 'create'] as const },
    ];
    const made = await puppet({
      grants: { files: files.map((mount) => ({ ...mount, modes: [...mount.modes] })) },
      ...withLimits({ diskBytes: 64 * 1024 }),
    });
    expect(await made.tell(`create a ${isolation}.txt`)).toBe('create ok');
    expect(await made.tell(`write a ${'x'.repeat(20_000)}`)).toMatch(/^write ok/);
    expect(warnings).toEqual([]);
    expect(await made.tell(`write a ${'x'.repeat(56_000)}`)).toMatch(/^write ok/);
    await vi.waitFor(() => expect(kinds()).toEqual(['disk']), soon);
    expect(warnings[0]?.limit).toBe(64 * 1024);
  });

  test('is told to itself, and to its parent', async () => {
    const parent = await puppet({
      grants: { ipc: 'all', tools: ['add'], spawn: 1 },
      ...withLimits({ toolCalls: 5, messages: 5 }),
    });
    const module = await host.kernel.load(guest('puppet'));
    const child = await spawnPuppet(host.kernel, module, {
      parent: parent.agent,
      grants: { ipc: 'parent_only', tools: ['add'] },
      isolation,
      limits: { ...UNLIMITED, toolCalls: 5, messages: 5 },
    });
    puppets.unshift(child);
    for (let count = 0; count < 4; count += 1) {
      expect(await child.tell('tool add {}')).toBe('tool ok 3');
    }
    const told = `receive ok warning ${child.agent.pid} tool-calls 4 5`;
    expect(await child.tell('receive 20000')).toBe(told);
    expect(await parent.tell('receive 20000')).toBe(told);
    await child.tell('tool add {}');
    for (let count = 0; count < 4; count += 1) {
      expect(await parent.tell('tool add {}')).toBe('tool ok 3');
    }
    const own = `receive ok warning ${parent.agent.pid} tool-calls 4 5`;
    expect(await parent.tell('receive 20000')).toBe(own);
    expect(await parent.tell('receive 0')).toMatch(/^receive err timeout/);
    expect(await child.tell('receive 0')).toMatch(/^receive err timeout/);
    expect(warnings.map(({ pid }) => pid)).toEqual([child.agent.pid, parent.agent.pid]);
  });

  test('finds room in a full mailbox', async () => {
    const made = await puppet({
      grants: { ipc: 'all', tools: ['add'] },
      ...withLimits({ toolCalls: 1 }),
    });
    await made.tell('receive 0');
    for (let count = 0; count < 1024; count += 1) {
      await made.agent.send(`${count}`);
    }
    await expect(made.agent.send('x')).rejects.toMatchObject({ code: 'RF_MAILBOX_FULL' });
    expect(await made.tell('tool add {}')).toBe('tool ok 3');
    await vi.waitFor(() => expect(kinds()).toEqual(['tool_calls']), soon);
    for (let count = 0; count < 1024; count += 1) {
      await made.tell('receive 0');
    }
    expect(await made.tell('receive 20000')).toMatch(/^receive ok warning \d+ tool-calls 1 1$/);
  });

  test('who is far from its limits, or has none, is told of never', async () => {
    const module = await host.kernel.load(guest('spin'));
    const arguments_ = ['spin', '100000'];
    const far = await host.kernel.spawn({ module, arguments: arguments_, isolation });
    const none = await host.kernel.spawn({ module, arguments: arguments_, ...withLimits({}) });
    const reports = await Promise.all([far.exited, none.exited]);
    expect(reports.map(({ exit }) => exit.reason)).toEqual(['normal', 'normal']);
    expect(warnings).toEqual([]);
  });
});

test('a function of the program is told of, too', async () => {
  const agent = await host.kernel.spawn({
    agentId: 'worker',
    grants: { ipc: 'all' },
    limits: { messages: 5 },
    work: async ({ send, pid }) => {
      for (let count = 0; count < 5; count += 1) {
        await send(pid, 'to myself');
      }
    },
  });
  expect((await agent.exited).exit.reason).toBe('normal');
  expect(warnings).toMatchObject([{ pid: agent.pid, kind: 'messages', used: 4, limit: 5 }]);
});

test('an operator that throws is told so, and nobody is ended by that', async () => {
  const other = await testKernel({
    onResourceWarning: () => {
      throw new Error('no room for this');
    },
  });
  const module = await other.kernel.load(guest('spin'));
  const limits = { fuel: 2_000_000 };
  const agent = await other.kernel.spawn({ module, arguments: ['spin', '100000'], limits });
  const { usage, exit } = await agent.exited;
  expect([exit.reason, usage.fuel]).toEqual(['fuel', limits.fuel]);
  expect(other.warnings).toEqual(['onResourceWarning failed: no room for this']);
  await other.kernel.close();
});
