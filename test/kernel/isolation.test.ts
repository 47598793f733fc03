/**
 * Goal: an agent behaves the same, within the same limits and grants, in each isolation; what differs
 * is whom it takes along when its host dies. Method: the same guests three times, through the public
 * API.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Isolation, LoadedModule, SpawnOptions } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

const MEBIBYTE = 1024 * 1024;

const ask = vi.fn();
let host: TestKernel;
let puppetModule: LoadedModule;
let directory: string;
const puppets: Puppet[] = [];

beforeAll(async () => {
  host = await testKernel({ onElevation: (request) => ask(request) });
  puppetModule = await host.kernel.load(guest('puppet'));
  directory = mkdtempSync(join(tmpdir(), 'ringfence-isolation-'));
  const parameters = { type: 'object' };
  host.kernel.registerTool({ name: 'add', description: 'adds', parameters }, (args) => {
    const { a, b } = args as { a: number; b: number };
    return a + b;
  });
  host.kernel.registerTool(
    { name: 'wait', description: 'waits to be stopped', parameters },
    (_, { signal }) =>
      new Promise((resolve) => {
        called.resolve();
        signal.addEventListener('abort', () => {
          stopped.resolve();
          resolve('stopped');
        });
      }),
  );
});
let called = Promise.withResolvers<void>();
let stopped = Promise.withResolvers<void>();
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await host.kernel.close();
});
afterEach(async () => {
  await Promise.all(puppets.splice(0).map((puppet) => puppet.end()));
});

describe.each<Isolation>(['shared', 'thread', 'process'])('isolation %s', (isolation) => {
  async function run(name: string, options: Omit<SpawnOptions, 'module'> = {}) {
    const module = await host.kernel.load(guest(name));
    const agent = await host.kernel.spawn({ module, arguments: [name], isolation, ...options });
    return { agent, report: await agent.exited };
  }

  async function puppet(options: Omit<SpawnOptions, 'module'> = {}): Promise<Puppet> {
    const made = await spawnPuppet(host.kernel, puppetModule, { isolation, ...options });
    puppets.push(made);
    return made;
  }

  async function revoke(of: Puppet, kind: string): Promise<void> {
    for (const grant of of.agent.grants().filter((held) => held.kind === kind)) {
      await host.kernel.revoke(grant.id);
    }
  }

  describe('an agent ends', () => {
    test('normally, with an error, with a code, by a trap', async () => {
      expect((await run('hello')).report).toMatchObject({
        exit: { code: 0, reason: 'normal', message: null },
        denied: [],
      });
      expect(host.lines.at(-1)).toMatchObject({ level: 'info' });
      expect((await run('error')).report.exit).toEqual({
        code: 1,
        reason: 'error',
        message: 'on purpose',
      });
      expect((await run('exit-code')).report.exit).toMatchObject({ code: 42, reason: 'error' });
      expect((await run('trap')).report.exit).toMatchObject({ code: -3, reason: 'trap' });
      expect((await run('recursion')).report.exit).toEqual({
        code: -3,
        reason: 'trap',
        message: 'call stack exhausted',
      });
    });

    test.each(['endless-loop', 'loop-in-start', 'mailbox-flood', 'stdout-flood'])(
      'by its fuel, exactly: %s',
      async (name) => {
        const { report } = await run(name, { limits: { fuel: 1_000_000 }, grants: { ipc: 'all' } });
        expect(report.exit).toMatchObject({ code: -1, reason: 'fuel' });
        expect(report.usage.fuel).toBe(1_000_000);
      },
    );

    test('by its CPU time, and by its timeout, computing or waiting', async () => {
      const { report } = await run('endless-loop', { limits: { cpuTimeMs: 50 } });
      expect(report.exit).toMatchObject({ code: -1, reason: 'cpu_time' });
      expect(report.usage.cpu_time_ms).toBeGreaterThanOrEqual(50);
      for (const name of ['endless-loop', 'sleeper-in-poll']) {
        const late = await run(name, { limits: { wallTimeMs: 200 } });
        expect(late.report.exit, name).toMatchObject({ code: -1, reason: 'timeout' });
      }
    });

    test.each(['endless-loop', 'sleeper', 'stdout-flood'])('by force: %s', async (name) => {
      const module = await host.kernel.load(guest(name));
      const agent = await host.kernel.spawn({ module, isolation, grants: { ipc: 'all' } });
      await vi.waitFor(() => expect(agent.state).toBe('running'), { timeout: 20_000 });
      agent.kill('enough');
      expect((await agent.exited).exit).toEqual({ code: -1, reason: 'killed', message: 'enough' });
    });

    test('by force before it has begun', async () => {
      const module = await host.kernel.load(guest('endless-loop'));
      const agent = await host.kernel.spawn({ module, isolation });
      agent.kill('enough');
      expect((await agent.exited).exit).toEqual({ code: -1, reason: 'killed', message: 'enough' });
    });
  });

  test('uses as much fuel as it does elsewhere', async () => {
    const here = await run('spin', { arguments: ['spin', '20000'] });
    const there = await run('spin', { arguments: ['spin', '20000'], isolation: 'shared' });
    expect(here.report.exit.reason).toBe('normal');
    expect(here.report.usage.fuel).toBe(there.report.usage.fuel);
  });

  test('growth beyond the limit of memory answers -1, and the program goes on', async () => {
    const { report } = await run('memory-bomb', {
      limits: { fuel: 100_000_000, memoryBytes: 32 * MEBIBYTE },
    });
    expect(report.exit.reason).toBe('fuel');
    expect(report.usage.memory_bytes).toBeGreaterThan(16 * MEBIBYTE);
    expect(report.usage.memory_bytes).toBeLessThanOrEqual(32 * MEBIBYTE);
  });

  describe('messages', () => {
    test('reach an agent in any other isolation, and come back', async () => {
      const module = await host.kernel.load(guest('chat'));
      for (const other of ['shared', 'thread', 'process'] as const) {
        const first = await host.kernel.spawn({ module, isolation, grants: { ipc: 'all' } });
        const second = await host.kernel.spawn({
          module,
          isolation: other,
          grants: { ipc: { pids: [first.pid] } },
        });
        await first.send(`meet ${second.pid}`);
        const reports = await Promise.all([first.exited, second.exited]);
        expect(reports.map(({ exit }) => exit.reason)).toEqual(['normal', 'normal']);
        expect(reports.every(({ usage }) => usage.messages_sent > 0)).toBe(true);
      }
    });

    test('out of scope are denied, typed and counted, and never sent', async () => {
      const agent = await puppet({ grants: { ipc: { pids: [999_999] } } });
      const other = await puppet({ grants: { ipc: 'all' } });
      expect(await agent.tell(`send ${other.agent.pid} x`)).toMatch(/^send err denied/);
      expect(await agent.tell('send 999999 x')).toMatch(/^send err not-found/);
      expect(await other.tell('receive 0')).toMatch(/^receive err timeout/);
      agent.say('end');
      const report = await agent.agent.exited;
      expect(report.denied).toEqual([{ capability: 'can_ipc', operation: 'ipc.send', count: 1 }]);
    });

    test('end at their limit, counted alike', async () => {
      const { report } = await run('mailbox-flood', {
        grants: { ipc: 'all' },
        limits: { messages: 100, fuel: 3_000_000 },
      });
      expect(report.exit.reason).toBe('fuel');
      expect(report.usage.messages_sent).toBe(100);
    });

    test('a full mailbox is an error at once, or a wait with a deadline, or until there is room', async () => {
      const agent = await puppet({ grants: { ipc: 'all' } });
      for (let count = 0; count < 1024; count += 1) {
        await agent.agent.send(`${count}`);
      }
      await expect(agent.agent.send('x')).rejects.toMatchObject({ code: 'RF_MAILBOX_FULL' });
      await expect(agent.agent.send('x', { waitMs: 20 })).rejects.toMatchObject({
        code: 'RF_MAILBOX_FULL',
      });
      const patient = agent.agent.send('last', { waitMs: 20_000 });
      expect(await agent.tell('receive 0')).toBe('receive ok 0 0');
      await patient;
      for (let count = 1; count < 1024; count += 1) {
        expect(await agent.tell('receive 0')).toBe(`receive ok 0 ${count}`);
      }
      expect(await agent.tell('receive 0')).toBe('receive ok 0 last');
    });

    test('are kept for who may not receive yet', async () => {
      ask.mockReturnValue('permit');
      const agent = await puppet();
      await agent.agent.send('early');
      expect(await agent.tell('receive 0')).toMatch(/^receive err denied/);
      host.kernel.grant(agent.agent.pid, { ipc: 'all', clocks: false, random: false });
      expect(await agent.tell('receive 5000')).toBe('receive ok 0 early');
    });
  });

  describe('tools', () => {
    test('are called within their scope and their limit', async () => {
      const agent = await puppet({ grants: { tools: ['add'] }, limits: { toolCalls: 2 } });
      expect(await agent.tell('tool add {"a":1,"b":2}')).toBe('tool ok 3');
      expect(await agent.tell('tool wait {}')).toMatch(/^tool err denied/);
      expect(await agent.tell('tool add {"a":2,"b":2}')).toBe('tool ok 4');
      expect(await agent.tell('tool add {"a":3,"b":2}')).toMatch(/^tool err limit-exceeded/);
      agent.say('end');
      const { usage, denied } = await agent.agent.exited;
      expect(usage.tool_calls).toBe(2);
      expect(denied).toEqual([{ capability: 'can_exec_tools', operation: 'tools.call', count: 1 }]);
    });
  });

  describe('what is revoked', () => {
    test('is denied from then on: tools, clocks, random', async () => {
      const agent = await puppet({ grants: { tools: ['add'] } });
      expect(await agent.tell('tool add {"a":1,"b":2}')).toBe('tool ok 3');
      await revoke(agent, 'tools');
      expect(await agent.tell('tool add {"a":1,"b":2}')).toMatch(/^tool err denied .*was revoked/);
      expect(await agent.tell('clock')).toMatch(/^clock ok/);
      await revoke(agent, 'clocks');
      expect(await agent.tell('clock')).toMatch(/^ended: trap .*clocks, which was revoked/);
      const random = await puppet();
      expect(await random.tell('random')).toMatch(/^random ok/);
      await revoke(random, 'random');
      expect(await random.tell('random')).toMatch(/^ended: trap .*random, which was revoked/);
    });

    test('ends a tool’s call under way, and a receive', async () => {
      called = Promise.withResolvers();
      stopped = Promise.withResolvers();
      const agent = await puppet({ grants: { tools: ['wait'], ipc: 'all' } });
      agent.say('tool wait {}');
      await called.promise;
      await revoke(agent, 'tools');
      expect(await agent.answer()).toMatch(/^tool err denied/);
      await stopped.promise;
      expect(await agent.tell('receive 0')).toMatch(/^receive err timeout/);
      agent.say('receive');
      await new Promise((resolve) => setTimeout(resolve, 50));
      await revoke(agent, 'ipc');
      expect(await agent.answer()).toMatch(/^receive err denied .*was revoked/);
    });

    test('before it has begun is not in force when it begins', async () => {
      const agent = await puppet({ grants: { tools: ['add'] } });
      await revoke(agent, 'tools');
      expect(await agent.tell('tool add {"a":1,"b":2}')).toMatch(/^tool err denied .*was revoked/);
    });

    test('expires too, and wakes who waits under it', async () => {
      const agent = await puppet({ grants: { ipc: 'all', expires: Date.now() + 3_000 } });
      expect(await agent.tell('receive 0')).toMatch(/^receive err timeout/);
      agent.say('receive');
      expect(await agent.answer()).toMatch(/^receive err denied .*has expired/);
    });
  });

  test('more is asked for, and granted', async () => {
    ask.mockReturnValue('permit');
    const agent = await puppet();
    expect(await agent.tell('tool add {"a":1,"b":2}')).toMatch(/^tool err denied/);
    expect(await agent.tell('ask tools add I need to add')).toBe('ask ok permitted');
    expect(await agent.tell('tool add {"a":1,"b":2}')).toBe('tool ok 3');
  });

  test('what is asked for in more words than there can be is refused, and the agent goes on', async () => {
    const agent = await puppet({ grants: { tools: 'all' } });
    const long = 'x'.repeat(70_000);
    expect(await agent.tell(`tool ${long} {}`)).toMatch(/^tool err (not-found|limit-exceeded) /);
    expect(await agent.tell(`ask ${long} y why`)).toMatch(/^ask err (invalid|limit-exceeded) /);
    const words = 'x,'.repeat(10_500);
    expect(await agent.tell(`ask tools ${words}y why`)).toMatch(
      /^ask err (invalid|limit-exceeded) /,
    );
    expect(await agent.tell('tool add {"a":1,"b":2}')).toBe('tool ok 3');
    expect(host.warnings).toEqual([]);
  });

  test('a child is spawned in the same isolation, with no more than its parent has', async () => {
    const parent = await puppet({ grants: { tools: ['add'], spawn: { count: 1 } } });
    const spawn = `spawn ${puppetModule.digest}`;
    expect(await parent.tell(`${spawn} tools=*`)).toMatch(/^spawn err denied/);
    const spawned = await parent.tell(`${spawn} tools=add`);
    expect(spawned).toMatch(/^spawn ok \d+$/);
    host.kernel.kill(Number(spawned.split(' ')[2]));
  });

  test('files: what is mounted is read and written, what is revoked is not', async () => {
    writeFileSync(join(directory, 'a.txt'), 'abcdefgh');
    const modes = ['read' as const, 'write' as const, 'create' as const];
    const files = [{ host: directory, guest: '/data', modes }];
    const agent = await puppet({ grants: { files } });
    expect(await agent.tell('open a a.txt')).toBe('open ok');
    expect(await agent.tell('read a')).toBe('read ok abcdefgh');
    expect(await agent.tell('stream a')).toBe('stream ok');
    expect(await agent.tell('next a')).toBe('next ok abcd');
    expect(await agent.tell('open b ../../etc/passwd')).toMatch(/^open err (not-permitted|access)/);
    expect(await agent.tell('create b b.txt')).toBe('create ok');
    expect(await agent.tell('write b hello')).toMatch(/^write ok/);
    expect(readFileSync(join(directory, 'b.txt'), 'utf8')).toBe('hello');
    await revoke(agent, 'files');
    expect(await agent.tell('read a')).toBe('read err access');
    expect(await agent.tell('next a')).toMatch(/^next err/);
    expect(await agent.tell('write b other')).toBe('write err access');
    expect(readFileSync(join(directory, 'b.txt'), 'utf8')).toBe('hello');
  });

  test('the same seed gives the same numbers as elsewhere', async () => {
    const numbers = await Promise.all(
      [isolation, 'shared' as const].map(async (each) => {
        const agent = await puppet({ grants: { random: { seed: 'one' } }, isolation: each });
        return agent.tell('random');
      }),
    );
    expect(numbers[0]).toBe(numbers[1]);
  });

  test('output arrives whole and in order, however slowly it is taken; input ends', async () => {
    const module = await host.kernel.load(guest('word-count'));
    const text = 'one two three\n'.repeat(20_000);
    const agent = await host.kernel.spawn({
      module,
      isolation,
      arguments: ['word-count'],
      stdin: text,
    });
    expect((await agent.exited).exit.reason).toBe('normal');
    expect(Buffer.from(agent.stdout).toString()).toContain('60000');
  });

  test('closing the kernel ends it', async () => {
    const other = await testKernel();
    const module = await other.kernel.load(guest('endless-loop'));
    await other.kernel.spawn({ module, isolation });
    const reports = await other.kernel.close();
    expect(reports.map(({ exit }) => exit.reason)).toEqual(['killed']);
  });
});
