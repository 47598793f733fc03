/**
 * Goal: an expectation that is not met in a handler of a test fails the test; hostile guests neither fill the
 * harness nor answer in the name of others; tests that forget to dispose are told. Method: the harness with
 * puppets and hostile guests, its records alone where a guest would take long to fill them.
 */

import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { type TestAgent, type TestAgentOptions, testAgent } from '../../src/testing/index.ts';
import { Recorded } from '../../src/testing/recorded.ts';
import { Stages } from '../../src/testing/stage.ts';
import { guest } from '../support/kernel.ts';

const puppet = (orders: readonly string[], options: TestAgentOptions = {}) =>
  testAgent(guest('puppet'), {
    arguments: ['puppet', ...orders.map((order) => `do:${order}`)],
    ...options,
  });

const ASKS_STORE = ['request service:store/get tea', 'receive 1000'];
const MAY_ASK: TestAgentOptions = { grants: { ipc: 'all', services: ['store'] } };
const unmet = { name: 'AssertionError', message: expect.stringContaining('coffee') };

describe('an expectation in a handler', () => {
  test('of a peer fails the test where it waits, and once', async () => {
    const peers: TestAgentOptions['peers'] & {} = {
      store: ({ payload }) => void expect(payload.val).toBe('coffee'),
    };
    await expect(puppet(ASKS_STORE, { ...MAY_ASK, peers })).rejects.toMatchObject(unmet);
    await using agent = await puppet(['receive', ...ASKS_STORE], { ...MAY_ASK, peers });
    await expect(agent.send('go')).rejects.toMatchObject(unmet);
  });

  test('that is met fails nothing', async () => {
    await using agent = await puppet(ASKS_STORE, {
      ...MAY_ASK,
      peers: {
        store: ({ payload }) => {
          expect(payload.val).toBe('tea');
          return 'here';
        },
      },
    });
    await agent.exited;
    expect(agent.stdout).toContain('here');
    expect(agent.warnings).toEqual([]);
  });

  test('fails a test that waits for an answer or an end', async () => {
    const wait = { ...MAY_ASK, peers: { store: null } };
    for (const waiting of [
      (agent: TestAgent) => agent.exited,
      (agent: TestAgent) => agent.request('are you there?'),
      (agent: TestAgent) => agent.advance(10),
      (agent: TestAgent) => agent.settled(),
    ]) {
      await using agent = await puppet(['receive', 'request kernel x', 'receive', 'receive'], {
        ...wait,
        program: () => void assert.equal('tea', 'coffee'),
      });
      await agent.peer('store').send(agent.pid, 'go');
      await expect(waiting(agent)).rejects.toThrow('coffee');
    }
  });

  test('that nobody waited for fails the end of the test, and the next one begins afresh', async () => {
    const agent = await puppet(['receive', ...ASKS_STORE], {
      ...MAY_ASK,
      peers: { store: () => assert.fail('coffee') },
    });
    await agent.kernel.agent(agent.pid).send('go');
    await agent.kernel.clock?.settled();
    await expect(agent[Symbol.asyncDispose]()).rejects.toMatchObject(unmet);
    await agent[Symbol.asyncDispose]();
    await using next = await testAgent(guest('hello'));
    expect((await next.exited).exit.code).toBe(0);
  });

  test('of a tool fails the test, where another error is an answer to the agent', async () => {
    const orders = ['tool get {"city":"Ulm"}'];
    const grants = { tools: 'all' } as const;
    await expect(
      puppet(orders, { grants, tools: { get: (args) => expect(args).toBe('coffee') } }),
    ).rejects.toMatchObject(unmet);
    await using agent = await puppet(orders, {
      grants,
      tools: {
        get: () => {
          throw new RangeError('no such city');
        },
      },
    });
    await agent.exited;
    expect(agent.stdout).toContain('tool err');
    expect(agent.toolCalls).toMatchObject([{ error: { message: 'no such city' } }]);
  });

  test('of who decides about grants fails the test', async () => {
    await expect(
      puppet(['ask tools add to do sums'], { onElevation: () => assert.fail('coffee') }),
    ).rejects.toMatchObject(unmet);
  });
});

describe('guests that are hostile', () => {
  test('a record has 10,000 entries and 64 MiB; what more comes is counted', () => {
    const many = new Recorded(null, null);
    for (let count = 0; count < 10_005; count += 1) many.onWarning('x');
    expect([many.warnings.length, many.unrecorded]).toEqual([10_000, 5]);
    const large = new Recorded(null, null);
    const payload = { tag: 'binary', val: new Uint8Array(2 ** 20) } as const;
    for (let count = 0; count < 66; count += 1) {
      const mail = { from: 1, kind: 'message', method: null, payload } as const;
      large.heard('store', { ...mail, reply: async () => {} });
    }
    expect([large.sent.length, large.unrecorded]).toEqual([64, 2]);
  });

  test.each(['stdout-flood', 'mailbox-flood', 'memory-bomb'])(
    '%s meets its limits, and the next test is as any',
    async (name) => {
      await using agent = await testAgent(guest(name), {
        grants: { ipc: 'all' },
        limits: { fuel: 5_000_000 },
      });
      await agent.exited;
      expect(agent.stdout.length).toBeLessThan(2 ** 25);
      await using next = await testAgent(guest('hello'));
      expect((await next.exited).exit.code).toBe(0);
    },
  );

  test('one that never rests is told of and ended, and its stage is the next one’s', async () => {
    await expect(
      testAgent(guest('endless-loop'), { limits: { fuel: 1_000_000_000_000 }, patienceMs: 100 }),
    ).rejects.toMatchObject({ code: 'RF_TIMEOUT' });
    await using next = await testAgent(guest('hello'));
    expect(next.kernel.list().filter(({ pid }) => pid !== next.pid)).toEqual([]);
  });

  test('a reply that is forged reaches nobody, and one by who was asked does', async () => {
    const guesses = Array.from({ length: 20 }, (_, id) => `reply ${id} forged`);
    await using agent = await puppet(['receive', ...guesses, 'receive'], {
      grants: { ipc: 'all' },
    });
    const { kernel } = agent;
    const victim = await kernel.spawn({
      module: await kernel.load(guest('echo')),
      grants: { ipc: 'all' },
    });
    await agent.settled();
    kernel.suspend(victim.pid);
    const asked = victim.request('genuine', { timeoutMs: 20_000 });
    await agent.send('go');
    expect(agent.stdout.match(/^reply err/gm)).toHaveLength(guesses.length);
    kernel.resume(victim.pid);
    expect(await asked).toEqual({ tag: 'text', val: 'genuine' });
  });
});

test('tests that forget to dispose of their agents are told, and one that does makes room', async () => {
  const stages = new Stages(2);
  const record = new Recorded(null, null);
  const [first, second] = [await stages.enter(record, 0), await stages.enter(record, 0)];
  try {
    await expect(stages.enter(record, 0)).rejects.toMatchObject({
      code: 'RF_USAGE',
      message: expect.stringContaining('as 2 others have not been disposed of'),
    });
    await first.leave();
    await (await stages.enter(record, 0)).leave();
  } finally {
    await Promise.all([first.leave(), second.leave()]);
  }
});
