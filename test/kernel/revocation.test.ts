/**
 * Goal: what is revoked, has expired or was never given is denied from that moment on, for running
 * calls too; what is in force works. Method: a guest that does what the test tells it.
 */

import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { GrantKind, LoadedModule, SpawnOptions } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

const ask = vi.fn();
let host: TestKernel;
let module: LoadedModule;
let directory: string;
const puppets: Puppet[] = [];

beforeAll(async () => {
  host = await testKernel({ onElevation: (request) => ask(request) });
  module = await host.kernel.load(guest('puppet'));
  host.kernel.registerTool(
    { name: 'add', description: 'adds', parameters: { type: 'object' } },
    (args) => {
      const { a, b } = args as { a: number; b: number };
      return a + b;
    },
  );
  host.kernel.registerTool(
    { name: 'wait', description: 'waits to be stopped', parameters: { type: 'object' } },
    (_, { signal }) =>
      new Promise((resolve) => {
        stopped = new Promise((told) => {
          signal.addEventListener('abort', () => {
            told();
            resolve('stopped');
          });
        });
        called();
      }),
  );
});
let stopped: Promise<void>;
let called: () => void = () => {};
afterAll(() => host.kernel.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringfence-revocation-'));
  writeFileSync(join(directory, 'a.txt'), 'abcdefgh');
});
afterEach(async () => {
  await Promise.all(puppets.splice(0).map((puppet) => puppet.end()));
  rmSync(directory, { recursive: true });
  ask.mockReset();
});

async function puppet(options: Omit<SpawnOptions, 'module'> = {}): Promise<Puppet> {
  const made = await spawnPuppet(host.kernel, module, options);
  puppets.push(made);
  return made;
}

async function revoke(of: Puppet, kind: GrantKind): Promise<void> {
  for (const grant of of.agent.grants()) {
    if (grant.kind === kind) {
      await host.kernel.revoke(grant.id);
    }
  }
}

const mounted = () => ({
  files: [{ host: directory, guest: '/data', modes: ['read' as const, 'write' as const] }],
});

describe('38: a revocation is in force for every check that begins after it', () => {
  test('tools', async () => {
    const agent = await puppet({ grants: { tools: ['add'] } });
    expect(await agent.tell('tool add {"a":1,"b":2}')).toBe('tool ok 3');
    await revoke(agent, 'tools');
    expect(await agent.tell('tool add {"a":1,"b":2}')).toMatch(/^tool err denied .*was revoked/);
    expect(await agent.tell('list')).toBe('list ok clocks=coarse random=system');
  });

  test('messages', async () => {
    const receiver = await puppet({ grants: { ipc: 'all' } });
    const sender = await puppet({ grants: { ipc: { pids: [receiver.agent.pid] } } });
    expect(await sender.tell(`send ${receiver.agent.pid} hello`)).toBe('send ok');
    expect(await receiver.tell('receive 5000')).toBe(`receive ok ${sender.agent.pid} hello`);
    await revoke(sender, 'ipc');
    expect(await sender.tell(`send ${receiver.agent.pid} hello`)).toMatch(/^send err denied/);
    expect(await receiver.tell('receive 0')).toMatch(/^receive err timeout/);
  });

  test('files: what was opened before is denied too, and so is a stream of it', async () => {
    const agent = await puppet({ grants: mounted() });
    expect(await agent.tell('open a a.txt')).toBe('open ok');
    expect(await agent.tell('read a')).toBe('read ok abcdefgh');
    expect(await agent.tell('stream a')).toBe('stream ok');
    expect(await agent.tell('next a')).toBe('next ok abcd');
    await revoke(agent, 'files');
    expect(await agent.tell('read a')).toBe('read err access');
    expect(await agent.tell('next a')).toMatch(/^next err/);
    expect(await agent.tell('write a x')).toBe('write err access');
    expect(await agent.tell('open b a.txt')).toBe('open err access');
    expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe('abcdefgh');
    expect(await agent.tell('clock')).toMatch(/^clock ok/);
  });

  test('clocks and random: the next call traps and names the grant', async () => {
    const clock = await puppet();
    expect(await clock.tell('clock')).toMatch(/^clock ok/);
    await revoke(clock, 'clocks');
    expect(await clock.tell('clock')).toMatch(/^ended: trap .*clocks, which was revoked/);
    const random = await puppet();
    expect(await random.tell('random')).toMatch(/^random ok/);
    await revoke(random, 'random');
    expect(await random.tell('random')).toMatch(/^ended: trap .*random, which was revoked/);
  });

  test('it is counted and reported', async () => {
    const agent = await puppet({ grants: { tools: ['add'] } });
    await revoke(agent, 'tools');
    await agent.tell('tool add {}');
    await agent.tell('tool add {}');
    agent.say('end');
    const { denied } = await agent.agent.exited;
    expect(denied).toEqual([{ capability: 'can_exec_tools', operation: 'tools.call', count: 2 }]);
  });

  test('it happens once, and nothing else is revoked', async () => {
    const agent = await puppet({ grants: { tools: ['add'], ipc: 'all' } });
    const id = agent.agent.grants().find(({ kind }) => kind === 'tools')?.id ?? 0;
    expect((await host.kernel.revoke(id)).map(({ kind }) => kind)).toEqual(['tools']);
    expect(await host.kernel.revoke(id)).toEqual([]);
    expect(await agent.tell('receive 0')).toMatch(/^receive err timeout/);
    await expect(host.kernel.revoke(123_456)).rejects.toMatchObject({ code: 'RF_USAGE' });
  });
});

describe('38: a call under way when its grant is revoked', () => {
  test('a receive that waits is cancelled, and answers denied', async () => {
    const agent = await puppet({ grants: { ipc: 'all' } });
    agent.say('receive');
    await vi.waitFor(() => expect(agent.agent.state).toBe('running'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await revoke(agent, 'ipc');
    expect(await agent.answer()).toMatch(/^receive err denied .*was revoked/);
    expect(await agent.tell('clock')).toMatch(/^clock ok/);
  });

  test('a send that waits for room is cancelled: of two, the other one is delivered', async () => {
    const receiver = await puppet({ grants: { ipc: 'all' }, limits: { hostBytes: 65_536 } });
    const { pid } = receiver.agent;
    const text = 'x'.repeat(1_000);
    const fill = async (): Promise<void> => {
      for (;;) {
        await receiver.agent.send(text);
      }
    };
    await expect(fill()).rejects.toMatchObject({ code: 'RF_MAILBOX_FULL' });
    const [revoked, kept] = [
      await puppet({ grants: { ipc: 'all' } }),
      await puppet({ grants: { ipc: 'all' } }),
    ];
    for (const sender of [revoked, kept]) {
      sender.say(`send ${pid} ${text} 60000`);
      await vi.waitFor(() => expect(sender.agent.usage().messages_sent).toBe(1));
    }
    await revoke(revoked, 'ipc');
    expect(await revoked.answer()).toMatch(/^send err denied .*was revoked/);
    const senders = new Set<string | undefined>();
    for (let said = ''; !said.startsWith('receive err timeout'); ) {
      said = await receiver.tell('receive 0');
      senders.add(said.split(' ')[2]);
    }
    expect(await kept.answer()).toBe('send ok');
    const last = await receiver.tell('receive 0');
    senders.add(last.split(' ')[2]);
    expect(senders).toContain(String(kept.agent.pid));
    expect(senders).not.toContain(String(revoked.agent.pid));
  });

  test('a tool is told to stop, and its caller is answered denied at once', async () => {
    const agent = await puppet({ grants: { tools: ['wait'] } });
    const under = new Promise<void>((resolve) => {
      called = resolve;
    });
    agent.say('tool wait {}');
    await under;
    await revoke(agent, 'tools');
    expect(await agent.answer()).toMatch(/^tool err denied .*was revoked/);
    await stopped;
  });
});

describe('expiry', () => {
  test('a grant is in force until its time, and then denied; who waits under it is woken', async () => {
    const agent = await puppet({ grants: { ipc: 'all', expires: Date.now() + 700 } });
    expect(await agent.tell('receive 0')).toMatch(/^receive err timeout/);
    agent.say('receive');
    expect(await agent.answer()).toMatch(/^receive err denied .*has expired/);
    expect(await agent.tell('receive 0')).toMatch(/^receive err denied .*has expired/);
  });
});

describe('34: a child has a subset of what its parent has', () => {
  test('in the same scope or a narrower one', async () => {
    const parent = await puppet({ grants: { tools: ['add', 'wait'], spawn: 2 } });
    const child = await puppet({ grants: { tools: ['add'] }, parent: parent.agent });
    expect(await child.tell('tool add {"a":2,"b":2}')).toBe('tool ok 4');
    expect(await child.tell('tool wait {}')).toMatch(/^tool err denied/);
  });

  const wider: [string, NonNullable<SpawnOptions['grants']>][] = [
    ['another tool', { tools: ['other'] }],
    ['all tools', { tools: 'all' }],
    ['another kind', { network: 'all' }],
    ['a directory', { files: [{ host: '/', guest: '/' }] }],
    ['exact clocks', { clocks: 'exact' }],
    ['as many generations as its own', { spawn: { count: 1, depth: 8 } }],
  ];
  test.each(wider)('%s is refused, and nothing is spawned', async (_, grants) => {
    const parent = await puppet({ grants: { tools: ['add'], spawn: { count: 2, depth: 2 } } });
    const before = host.kernel.list().length;
    await expect(puppet({ grants, parent: parent.agent })).rejects.toMatchObject({
      code: 'RF_CAPABILITY_DENIED',
    });
    expect(host.kernel.list()).toHaveLength(before);
    await expect(puppet({ parent: parent.agent })).resolves.toBeDefined();
  });

  test('without spawn, beyond its count, or with a higher limit it is refused', async () => {
    const childless = await puppet({ grants: { tools: 'all' } });
    await expect(puppet({ parent: childless.agent })).rejects.toMatchObject({
      code: 'RF_CAPABILITY_DENIED',
    });
    const parent = await puppet({ grants: { spawn: 1 }, limits: { fuel: 1_000_000_000 } });
    const limits = (fuel: number) => ({ parent: parent.agent, limits: { fuel } });
    for (const fuel of [0, 1_000_000_001]) {
      await expect(puppet(limits(fuel))).rejects.toMatchObject({ code: 'RF_CAPABILITY_DENIED' });
    }
    await expect(puppet(limits(1_000_000_000))).resolves.toBeDefined();
    await expect(puppet(limits(1_000_000_000))).rejects.toMatchObject({
      code: 'RF_LIMIT_EXCEEDED',
    });
  });

  test('what is revoked for the parent is revoked for the child and its child', async () => {
    const spawn = (depth: number) => ({ count: 4, depth });
    const grants = (depth: number) => ({ tools: ['add'], spawn: spawn(depth) });
    const parent = await puppet({ grants: grants(3) });
    const child = await puppet({ grants: grants(2), parent: parent.agent });
    const grandchild = await puppet({ grants: grants(1), parent: child.agent });
    const stranger = await puppet({ grants: { tools: ['add'] } });
    expect(await grandchild.tell('tool add {"a":1,"b":1}')).toBe('tool ok 2');
    await revoke(parent, 'tools');
    expect(await child.tell('tool add {}')).toMatch(/^tool err denied/);
    expect(await grandchild.tell('tool add {}')).toMatch(/^tool err denied/);
    expect(await stranger.tell('tool add {"a":1,"b":1}')).toBe('tool ok 2');
  });

  test('what the child loses the parent keeps', async () => {
    const parent = await puppet({ grants: { tools: ['add'], spawn: 1 } });
    const child = await puppet({ grants: { tools: ['add'] }, parent: parent.agent });
    await revoke(child, 'tools');
    expect(await child.tell('tool add {}')).toMatch(/^tool err denied/);
    expect(await parent.tell('tool add {"a":1,"b":1}')).toBe('tool ok 2');
  });

  test('an agent that spawns can give no more than it has', async () => {
    const parent = await puppet({ grants: { tools: ['add'], spawn: { count: 1 } } });
    const spawn = `spawn ${module.digest}`;
    expect(await parent.tell(`${spawn} tools=*`)).toMatch(/^spawn err denied/);
    expect(await parent.tell(`${spawn} network=example.org`)).toMatch(/^spawn err denied/);
    expect(await parent.tell(`${spawn} nonsense=x`)).toMatch(/^spawn err invalid/);
    expect(await parent.tell(`spawn ${'0'.repeat(64)} tools=add`)).toMatch(/^spawn err not-found/);
    // One that waits, so that it is there to be looked at.
    const sleeper = await host.kernel.load(guest('sleeper-in-poll'));
    const spawned = await parent.tell(`spawn ${sleeper.digest} tools=add`);
    expect(spawned).toMatch(/^spawn ok \d+$/);
    const pid = Number(spawned.split(' ')[2]);
    expect(host.kernel.list().find((row) => row.pid === pid)?.parentPid).toBe(parent.agent.pid);
    host.kernel.kill(pid);
    const stranger = await puppet({ grants: { tools: ['add'] } });
    expect(await stranger.tell(`${spawn} tools=add`)).toMatch(/^spawn err denied/);
    parent.say('end');
    const { denied } = await parent.agent.exited;
    expect(denied.map(({ capability, count }) => [capability, count])).toEqual([['can_spawn', 2]]);
  });
});

describe('34: directories that an agent hands on', () => {
  const openDescriptors = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === directory;
      } catch {
        return false;
      }
    }).length;

  test('are its own, in its modes or fewer, and cost no descriptor more', async () => {
    const parent = await puppet({ grants: { ...mounted(), spawn: 4 } });
    const spawn = `spawn ${module.digest}`;
    expect(await parent.tell(`${spawn} files=/data`)).toMatch(/^spawn ok/);
    expect(await parent.tell(`${spawn} files=/data:ro`)).toMatch(/^spawn ok/);
    expect(openDescriptors()).toBe(1);
    expect(await parent.tell(`${spawn} files=/data:rw`)).toMatch(/^spawn err denied/);
    expect(await parent.tell(`${spawn} files=/etc`)).toMatch(/^spawn err invalid/);
    expect(await parent.tell(`${spawn} files=${directory}`)).toMatch(/^spawn err invalid/);
    await parent.end();
    puppets.length = 0;
    await vi.waitFor(() => expect(host.kernel.list()).toEqual([]));
    expect(openDescriptors()).toBe(0);
  });
});

describe('elevation', () => {
  const asked = 'ask tools add I need to add';

  test('permitted: it is granted, exactly, from then on', async () => {
    ask.mockReturnValue('permit');
    const agent = await puppet();
    expect(await agent.tell('tool add {"a":1,"b":2}')).toMatch(/^tool err denied/);
    expect(await agent.tell(asked)).toBe('ask ok permitted');
    expect(ask.mock.calls[0]?.[0]).toMatchObject({
      pid: agent.agent.pid,
      reason: 'I need to add',
      spec: { kind: 'tools' },
    });
    expect(await agent.tell('tool add {"a":1,"b":2}')).toBe('tool ok 3');
    expect(await agent.tell('tool wait {}')).toMatch(/^tool err denied/);
    await revoke(agent, 'tools');
    expect(await agent.tell('tool add {"a":1,"b":2}')).toMatch(/^tool err denied/);
  });

  test('denied: by the answer, by a failure, and without asking twice', async () => {
    ask.mockReturnValueOnce('deny').mockRejectedValueOnce(new Error('out to lunch'));
    const agent = await puppet();
    expect(await agent.tell(asked)).toBe('ask ok denied');
    expect(await agent.tell(asked)).toBe('ask ok denied');
    expect(ask).toHaveBeenCalledTimes(1);
    expect(await agent.tell('ask tools wait please')).toBe('ask ok denied');
    expect(host.warnings.some((text) => text.includes('out to lunch'))).toBe(true);
    expect(await agent.tell('tool add {}')).toMatch(/^tool err denied/);
  });

  test('deferred: it waits for a person, and counts as denied meanwhile', async () => {
    ask.mockReturnValue('defer');
    const agent = await puppet();
    expect(await agent.tell(asked)).toBe('ask ok deferred');
    expect(await agent.tell('tool add {}')).toMatch(/^tool err denied/);
    const [waiting] = host.kernel.elevations();
    expect(waiting).toMatchObject({ pid: agent.agent.pid, reason: 'I need to add' });
    host.kernel.answerElevation(waiting?.id ?? 0, 'permit');
    expect(await agent.tell('tool add {"a":1,"b":2}')).toBe('tool ok 3');
    expect(host.kernel.elevations()).toEqual([]);
    expect(() => host.kernel.answerElevation(waiting?.id ?? 0, 'permit')).toThrow(/./);
  });

  test('nobody answers: denied; a directory, or nonsense: invalid', async () => {
    const alone = await testKernel();
    try {
      const other = await alone.kernel.load(guest('puppet'));
      const agent = await spawnPuppet(alone.kernel, other);
      expect(await agent.tell(asked)).toBe('ask ok denied');
      expect(await agent.tell('ask files /etc:rw please')).toMatch(/^ask err invalid/);
      expect(await agent.tell('ask anything x please')).toMatch(/^ask err invalid/);
      await agent.end();
    } finally {
      await alone.kernel.close();
    }
  });
});

describe('clocks and random by grant', () => {
  test('clocks are coarse, and exact where that is granted', async () => {
    const coarse = await puppet();
    expect(await coarse.tell('clock')).toMatch(/^clock ok \d+000000 1000000$/);
    const exact = await puppet({ grants: { clocks: 'exact' } });
    expect(await exact.tell('clock')).toMatch(/^clock ok \d+ 1$/);
  });

  test('a seed decides the random numbers, and another seed others', async () => {
    const numbers = await Promise.all(
      ['one', 'one', 'two'].map(async (seed) => {
        const agent = await puppet({ grants: { random: { seed } } });
        return [await agent.tell('random'), await agent.tell('random')];
      }),
    );
    expect(numbers[0]).toEqual(numbers[1]);
    expect(numbers[0]).not.toEqual(numbers[2]);
    expect(numbers[0]?.[0]).not.toBe(numbers[0]?.[1]);
  });
});
