/**
 * Goal: a suspended agent does nothing until it is resumed, whatever it was doing, in each isolation; its
 * mail waits, and it can be ended. Method: guests that compute, wait, or do what they are told; that one
 * does nothing is seen while another agent of the kernel runs from its start to its end.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Agent, Isolation, LoadedModule, SpawnOptions } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

const soon = { timeout: 20_000 };

let host: TestKernel;
let spin: LoadedModule;
const agents: Agent[] = [];

beforeAll(async () => {
  host = await testKernel({ workers: 1 });
  spin = await host.kernel.load(guest('spin'));
});
afterAll(() => host.kernel.close());
afterEach(async () => {
  for (const agent of agents.splice(0)) {
    agent.kill();
    await agent.exited;
  }
});

async function running(name: string, options: Omit<SpawnOptions, 'module'> = {}): Promise<Agent> {
  const module = await host.kernel.load(guest(name));
  const agent = await host.kernel.spawn({ module, arguments: [name], ...options });
  agents.push(agent);
  await vi.waitFor(() => expect(agent.state).toBe('running'), soon);
  return agent;
}

/** Another agent lives meanwhile, on the same thread where that is shared. */
async function meanwhile(isolation: Isolation): Promise<void> {
  const other = await host.kernel.spawn({
    module: spin,
    isolation,
    arguments: ['spin', '3000000'],
  });
  expect((await other.exited).exit.reason).toBe('normal');
}

describe.each<Isolation>(['shared', 'thread', 'process'])('isolation %s', (isolation) => {
  test.each(['endless-loop', 'catch-all', 'mailbox-flood'])(
    'one that never stops by itself stops, and goes on: %s',
    async (name) => {
      const agent = await running(name, { isolation, grants: { ipc: 'all' } });
      await vi.waitFor(() => expect(agent.slices()).toBeGreaterThan(1), soon);
      agent.suspend();
      expect(agent.state).toBe('suspended');
      // Its slice under way, and what a process tells of it later.
      await meanwhile(isolation);
      const { slices, fuel, cpu_time_ms } = agent.usage();
      await meanwhile(isolation);
      expect(agent.usage()).toMatchObject({ slices, fuel, cpu_time_ms });
      agent.resume();
      expect(agent.state).toBe('running');
      await vi.waitFor(() => expect(agent.slices()).toBeGreaterThan(slices), soon);
    },
  );

  async function puppet(options: Omit<SpawnOptions, 'module'> = {}): Promise<Puppet> {
    const module = await host.kernel.load(guest('puppet'));
    const made = await spawnPuppet(host.kernel, module, {
      isolation,
      grants: { ipc: 'all' },
      ...options,
    });
    agents.push(made.agent);
    await made.tell('receive 0');
    return made;
  }

  test('one that waits is not woken; its mail is kept, in order, and taken when it goes on', async () => {
    const made = await puppet();
    made.say('receive');
    made.agent.suspend();
    await made.agent.send('one');
    await made.agent.send('two');
    made.say('receive');
    const answer = vi.fn();
    const first = made.answer().then((line) => {
      answer();
      return line;
    });
    await meanwhile('shared');
    expect(answer).not.toHaveBeenCalled();
    made.agent.resume();
    expect([await first, await made.answer()]).toEqual(['receive ok 0 one', 'receive ok 0 two']);
  });

  test('its mailbox is bounded as ever, and a sender can wait for room', async () => {
    const made = await puppet();
    made.agent.suspend();
    for (let count = 0; count < 1024; count += 1) {
      await made.agent.send(`${count}`);
    }
    await expect(made.agent.send('x')).rejects.toMatchObject({ code: 'RF_MAILBOX_FULL' });
    const patient = made.agent.send('last', { waitMs: 60_000 });
    made.agent.resume();
    for (let count = 0; count < 1024; count += 1) {
      expect(await made.tell('receive')).toBe(`receive ok 0 ${count}`);
    }
    await patient;
    expect(await made.tell('receive')).toBe('receive ok 0 last');
  });

  test.each(['endless-loop', 'sleeper'])('it is killed: %s', async (name) => {
    const agent = await running(name, { isolation, grants: { ipc: 'all' } });
    agent.suspend();
    await meanwhile('shared');
    agent.kill('enough');
    expect((await agent.exited).exit).toEqual({ code: -1, reason: 'killed', message: 'enough' });
  });

  test('its timeout goes on, computing or waiting', async () => {
    const limits = { wallTimeMs: 6_000 };
    const both = await Promise.all(
      ['endless-loop', 'sleeper-in-poll'].map((name) => running(name, { isolation, limits })),
    );
    for (const agent of both) {
      agent.suspend();
    }
    for (const { exit } of await Promise.all(both.map(({ exited }) => exited))) {
      expect(exit).toMatchObject({ code: -1, reason: 'timeout' });
    }
  });

  test('one that is asked to end goes on, to hear it', async () => {
    const made = await puppet();
    made.say('receive');
    made.agent.suspend();
    await meanwhile('shared');
    made.agent.stop({ shutdownMs: 60_000 });
    expect(made.agent.state).toBe('stopping');
    expect(await made.answer()).toBe('receive ok cancelled');
    expect(() => made.agent.suspend()).toThrow(/from stopping to suspended/);
    made.say('end');
    expect((await made.agent.exited).exit.reason).toBe('normal');
  });

  test('suspended and resumed again and again, it loses nothing', async () => {
    const made = await puppet();
    for (let round = 0; round < 50; round += 1) {
      made.say('receive');
      made.agent.suspend();
      await made.agent.send(`${round}`);
      made.agent.resume();
      made.agent.suspend();
      made.agent.suspend();
      made.agent.resume();
      made.agent.resume();
      expect(await made.answer()).toBe(`receive ok 0 ${round}`);
    }
  });

  test('closing the kernel ends it', async () => {
    const other = await testKernel();
    const module = await other.kernel.load(guest('endless-loop'));
    const agent = await other.kernel.spawn({ module, isolation });
    await vi.waitFor(() => expect(agent.state).toBe('running'), soon);
    agent.suspend();
    const reports = await other.kernel.close();
    expect(reports.map(({ exit }) => exit.reason)).toEqual(['killed']);
  });
});

test('is seen in lists and counts, and told to who watches', async () => {
  const agent = await running('sleeper', { grants: { ipc: 'all' } });
  await using watch = host.kernel.watch();
  host.kernel.suspend(agent.pid);
  host.kernel.suspend(agent.pid);
  expect(host.kernel.list({ state: 'suspended' }).map(({ pid }) => pid)).toEqual([agent.pid]);
  expect(host.kernel.counts().suspended).toBe(1);
  expect(host.kernel.inspect(agent.pid).state).toBe('suspended');
  host.kernel.resume(agent.pid);
  host.kernel.resume(agent.pid);
  const told = [await watch.next(), await watch.next()].map(({ value }) => value);
  expect(told).toMatchObject([
    { pid: agent.pid, from: 'running', to: 'suspended' },
    { pid: agent.pid, from: 'suspended', to: 'running' },
  ]);
});

test('is refused of one that is starting, has exited, or was never there', async () => {
  const agent = await host.kernel.spawn({ module: spin, arguments: ['spin', '1'] });
  const of = (call: () => void) => {
    try {
      return call();
    } catch (error) {
      return error;
    }
  };
  const wrong = (from: string, to: string) => ({
    code: 'RF_INVALID_STATE_TRANSITION',
    fields: { pid: agent.pid, from, to },
  });
  expect(of(() => agent.suspend())).toMatchObject(wrong('starting', 'suspended'));
  expect(of(() => agent.resume())).toMatchObject(wrong('starting', 'running'));
  await agent.exited;
  for (const end of [
    agent,
    { suspend: () => host.kernel.suspend(agent.pid), resume: () => host.kernel.resume(agent.pid) },
  ]) {
    expect(of(() => end.suspend())).toMatchObject(wrong('exited', 'suspended'));
    expect(of(() => end.resume())).toMatchObject(wrong('exited', 'running'));
  }
  expect(of(() => host.kernel.suspend(999_999))).toMatchObject({ code: 'RF_PROCESS_NOT_FOUND' });
  expect(of(() => host.kernel.resume(999_999))).toMatchObject({ code: 'RF_PROCESS_NOT_FOUND' });
});

describe('of a function of the program', () => {
  test('what it calls waits until it is resumed', async () => {
    const received: string[] = [];
    const agent = await host.kernel.spawn({
      agentId: 'worker',
      grants: { ipc: 'all' },
      work: async ({ receive, signal }) => {
        while (!signal.aborted) {
          const message = await receive();
          received.push(message.tag === 'message' ? String(message.payload.val) : message.tag);
        }
      },
    });
    await vi.waitFor(() => expect(agent.state).toBe('running'), soon);
    await agent.send('one');
    await vi.waitFor(() => expect(received).toEqual(['one']), soon);
    agent.suspend();
    await agent.send('two');
    await meanwhile('shared');
    expect(received).toEqual(['one']);
    agent.resume();
    await vi.waitFor(() => expect(received).toEqual(['one', 'two']), soon);
    agent.suspend();
    agent.stop();
    expect((await agent.exited).exit.reason).toBe('normal');
    expect(received).toEqual(['one', 'two', 'cancelled']);
  });

  test('it is killed, and what it waits for is refused', async () => {
    const refused = Promise.withResolvers<unknown>();
    const agent = await host.kernel.spawn({
      agentId: 'worker',
      grants: { ipc: 'all' },
      work: ({ receive }) => receive().catch(refused.resolve),
    });
    await vi.waitFor(() => expect(agent.state).toBe('running'), soon);
    agent.suspend();
    agent.kill();
    expect((await agent.exited).exit.reason).toBe('killed');
    expect(await refused.promise).toMatchObject({ code: 'RF_CLOSED' });
  });
});
