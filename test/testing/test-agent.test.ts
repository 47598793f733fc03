/**
 * Goal: what `ringfence/test` says of an agent is what it did; its time and its random numbers are the test's,
 * and its grants and limits are in force as everywhere. Method: the harness with the built guests, puppets
 * above all: they do what they are told, and say how it came out.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { json, type TestAgentOptions, testAgent } from '../../src/testing/index.ts';
import { guest } from '../support/kernel.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringfence-testing-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A puppet that has been told all that it will ever be. */
const puppet = (orders: readonly string[], options: TestAgentOptions = {}) =>
  testAgent(guest('puppet'), {
    arguments: ['puppet', ...orders.map((order) => `do:${order}`)],
    ...options,
  });

const lines = (text: string): string[] => text.trimEnd().split('\n');

describe('messages', () => {
  test('it replies to a request, and says how it ended', async () => {
    await using agent = await testAgent(guest('echo'), { grants: { ipc: 'parent_only' } });
    expect(await agent.request('hello')).toEqual({ tag: 'text', val: 'hello' });
    expect(await agent.request(json([1]))).toEqual({ tag: 'json', val: '[1]' });
    expect(agent.exit).toBeNull();
    expect((await agent.stop()).exit.code).toBe(0);
    expect(agent.exit).toMatchObject({ code: 0, reason: 'normal' });
  });

  test('what it sends to the program and to peers is recorded in order', async () => {
    await using agent = await puppet(
      ['send kernel one', 'send service:store two', 'request service:store/get three', 'receive'],
      {
        grants: { ipc: 'all', services: ['store'] },
        peers: { store: ({ payload }) => `got ${payload.val}` },
      },
    );
    await agent.exited;
    expect(agent.sent).toEqual([
      { to: 'program', kind: 'message', method: null, payload: { tag: 'text', val: 'one' } },
      { to: 'store', kind: 'message', method: null, payload: { tag: 'text', val: 'two' } },
      { to: 'store', kind: 'request', method: 'get', payload: { tag: 'text', val: 'three' } },
    ]);
    expect(lines(agent.stdout).at(-1)).toMatch(/^receive ok reply \d+ \d+ got three$/);
    expect(agent.usage().messages_sent).toBe(3);
  });

  test('a peer that answers nothing by itself replies when the test does, and may speak first', async () => {
    await using agent = await puppet(['request service:slow x', 'receive', 'receive'], {
      grants: { ipc: 'all', services: ['slow'] },
      peers: { slow: null },
    });
    const slow = agent.peer('slow');
    expect(slow.received).toMatchObject([{ kind: 'request', from: agent.pid }]);
    await slow.received[0]?.reply('late');
    await slow.send(agent.pid, 'psst');
    await agent.exited;
    expect(lines(agent.stdout).slice(1)).toEqual([
      expect.stringMatching(/^receive ok reply \d+ \d+ late$/),
      `receive ok ${slow.pid} psst`,
    ]);
    expect(() => agent.peer('nobody')).toThrow(expect.objectContaining({ code: 'RF_USAGE' }));
  });

  test('requests to the program are answered by it, and without an answer they wait', async () => {
    await using agent = await puppet(['request kernel x', 'receive 1000'], {
      grants: { ipc: 'all' },
      program: async ({ payload }) => `you asked ${payload.val}`,
    });
    await agent.exited;
    expect(agent.stdout).toMatch(/receive ok reply 0 \d+ you asked x/);
    await using other = await puppet(['request kernel x', 'receive 1000'], {
      grants: { ipc: 'all' },
    });
    expect(other.toProgram).toHaveLength(1);
    await other.advance(1_000);
    expect(other.stdout).toContain('receive err timeout');
  });

  test('topics reach who has subscribed', async () => {
    await using agent = await puppet(['subscribe news', 'receive'], { grants: { ipc: 'all' } });
    await agent.publish('news', 'extra');
    expect(agent.stdout).toContain('receive ok topic 0 news extra');
  });

  test('to whom it may not talk it does not', async () => {
    await using agent = await puppet(['send service:store x', 'send kernel y'], {
      grants: { ipc: 'receive_only' },
      peers: { store: null },
    });
    await agent.exited;
    expect(agent.sent).toEqual([]);
    expect(agent.denied?.length).toBeGreaterThan(0);
  });
});

describe('tools', () => {
  test('calls are recorded with arguments and answers, and those without a grant never come', async () => {
    const tools = { add: (args: unknown) => Object.values(args as object).length, other: () => 1 };
    await using agent = await puppet(['tool add {"a":1,"b":2}', 'tool other {}'], {
      grants: { tools: ['add'] },
      tools,
    });
    const { denied } = await agent.exited;
    expect(agent.toolCalls).toEqual([
      { name: 'add', arguments: { a: 1, b: 2 }, answer: 2, error: undefined },
    ]);
    expect(lines(agent.stdout)[0]).toBe('tool ok 2');
    expect(denied).toMatchObject([{ operation: 'tools.call', count: 1 }]);
  });

  test('a tool has a schema, and its failure stays with the test', async () => {
    const broken = new Error('broken');
    await using agent = await puppet(['tool get {"city":7}', 'tool get {"city":"Ulm"}'], {
      grants: { tools: 'all' },
      tools: {
        get: {
          parameters: { type: 'object', properties: { city: { type: 'string' } } },
          handler: () => {
            throw broken;
          },
        },
      },
    });
    await agent.exited;
    expect(agent.toolCalls).toMatchObject([{ arguments: { city: 'Ulm' }, error: broken }]);
    expect(agent.stdout).not.toContain('broken');
    expect(agent.warnings.join()).toContain('broken');
  });

  test('tools of one test are none of the next one’s', async () => {
    await using agent = await puppet(['tools'], { grants: { tools: 'all' } });
    await agent.exited;
    expect(agent.stdout).toBe('tools ok\n');
  });
});

describe('time and chance', () => {
  test('its time begins when the test says, stands still, and is moved on', async () => {
    await using agent = await puppet(['clock', 'receive 86400000', 'clock'], {
      grants: { ipc: 'parent_only' },
      now: '2030-01-31T12:00:00Z',
    });
    expect(lines(agent.stdout)).toEqual(['clock ok 0 1000000']);
    await agent.advance(86_400_000);
    expect(lines(agent.stdout).at(-1)).toBe('clock ok 86400000000000 1000000');
    expect(new Date(agent.nowMs).toISOString()).toBe('2030-02-01T12:00:00.000Z');
  });

  test('the same seed gives the same numbers, another one others', async () => {
    const drawn: string[] = [];
    for (const random of [undefined, undefined, 7, 7]) {
      await using agent = await puppet(['random'], random === undefined ? {} : { random });
      await agent.exited;
      drawn.push(agent.stdout);
    }
    expect(drawn[0]).toMatch(/^random ok \d+\n$/);
    expect(drawn[1]).toBe(drawn[0]);
    expect(drawn[2]).not.toBe(drawn[0]);
    expect(drawn[3]).toBe(drawn[2]);
  });

  test('who was denied them has none', async () => {
    await using agent = await puppet(['random'], { grants: { random: false }, random: 7 });
    expect((await agent.exited).exit.reason).toBe('trap');
  });

  test('what it uses is the same in each run', async () => {
    const used = [];
    for (let run = 0; run < 3; run += 1) {
      await using agent = await testAgent(guest('word-count'), { stdin: 'a b\nc' });
      await agent.exited;
      used.push(agent.usage().fuel);
    }
    expect(new Set(used).size).toBe(1);
    expect(used[0]).toBeGreaterThan(0);
  });
});

describe('limits and policies', () => {
  test('its limits end it as everywhere', async () => {
    await using agent = await testAgent(guest('endless-loop'), { limits: { fuel: 1_000_000 } });
    expect(agent.exit).toMatchObject({ code: -1, reason: 'fuel' });
  });

  test('a policy decides what it gets, and what the test says comes before', async () => {
    const policy = join(folder, 'ringfence.toml');
    const digest = createHash('sha256')
      .update(readFileSync(guest('puppet')))
      .digest('hex');
    writeFileSync(
      policy,
      `version = 1\n[[module]]\ndigest = "sha256:${digest}"\n[module.grants]\ntools = ["add"]\n[module.limits]\nfuel = 1_000_000\n`,
    );
    const tools = { add: () => 3 };
    const orders = ['list', 'tool add {}'];
    await using agent = await puppet(orders, { policy, tools });
    expect((await agent.exited).limits.fuel).toBe(1_000_000);
    expect(agent.stdout).toContain('tool ok 3');
    await using other = await puppet(orders, { policy, tools, grants: {} });
    await other.exited;
    expect(other.toolCalls).toEqual([]);
  });

  test('it asks for more, and the test decides', async () => {
    const orders = ['ask tools add to do sums', 'tool add {}'];
    const tools = { add: () => 3 };
    await using agent = await puppet(orders, { tools, onElevation: () => 'permit' });
    await agent.exited;
    expect(lines(agent.stdout)).toEqual(['ask ok permitted', 'tool ok 3']);
    await using other = await puppet(orders, { tools });
    await other.exited;
    expect(lines(other.stdout)[0]).toBe('ask ok denied');
  });

  test('children that it spawns are in its kernel, log with it and end with it', async () => {
    await using agent = await puppet(['spawn name:hello', 'receive'], {
      grants: { ipc: 'all', spawn: 1 },
      modules: { hello: guest('hello') },
    });
    expect(agent.stdout).toMatch(/^spawn ok \d+$/m);
    expect(agent.logs.filter(({ pid }) => pid !== agent.pid)).toHaveLength(1);
  });
});

describe('stages', () => {
  test('tests that run at the same time have kernels of their own', async () => {
    const [one, two] = await Promise.all(
      [1, 2].map((tool) =>
        puppet(['tool who {}', 'receive'], {
          grants: { ipc: 'all', tools: 'all' },
          tools: { who: () => tool },
        }),
      ),
    );
    await using first = one!;
    await using second = two!;
    expect(first.kernel).not.toBe(second.kernel);
    expect([first.stdout, second.stdout]).toEqual(['tool ok 1\n', 'tool ok 2\n']);
    await first.advance(1_000);
    expect(second.nowMs).toBe(first.nowMs - 1_000);
  });

  test('one after another they have the same, and nobody is left in it', async () => {
    const before = await testAgent(guest('sleeper'), { grants: { ipc: 'all' } });
    await before[Symbol.asyncDispose]();
    expect((await before.exited).exit.reason).toBe('killed');
    await using after = await testAgent(guest('hello'));
    expect(after.logs).toHaveLength(1);
    expect(after.pid).toBeGreaterThan(before.pid);
    expect(after.kernel.list().filter(({ pid }) => pid !== after.pid)).toEqual([]);
  });

  test('whoever has had the kernel itself, or named modules in it, leaves none of that behind', async () => {
    const before = await testAgent(guest('sleeper'), {
      grants: { ipc: 'all' },
      modules: { child: guest('hello') },
    });
    const { kernel } = before;
    expect(kernel.list()).toHaveLength(1);
    await before[Symbol.asyncDispose]();
    expect(kernel.list()).toEqual([]);
    await using after = await testAgent(guest('hello'));
    expect(after.kernel).not.toBe(kernel);
  });

  test('one that is disposed of twice ends nobody of the next test', async () => {
    const before = await testAgent(guest('hello'));
    await before[Symbol.asyncDispose]();
    await using after = await testAgent(guest('sleeper'), { grants: { ipc: 'all' } });
    await before[Symbol.asyncDispose]();
    expect([after.exit, after.denied]).toEqual([null, null]);
  });

  test.each([
    ['an unknown option', { grant: {} }],
    ['a tool that is none', { tools: { x: 1 } }],
    ['a time that is none', { now: 'yesterday' }],
    ['grants that are none', { grants: { ipc: 'some' } }],
  ])('%s is refused in a sentence, and the next test has its stage', async (_, options) => {
    await expect(testAgent(guest('hello'), options as TestAgentOptions)).rejects.toMatchObject({
      code: 'RF_USAGE',
    });
    await using agent = await testAgent(guest('hello'));
    await agent.exited;
    expect(agent.exit?.code).toBe(0);
  });

  test('who does not come to rest is told of, and ended', async () => {
    const never = { tools: { never: () => new Promise(() => {}) }, grants: { tools: ['never'] } };
    const orders = ['tool never {}'];
    await expect(puppet(orders, { ...never, patienceMs: 100 })).rejects.toMatchObject({
      code: 'RF_TIMEOUT',
    });
    await using agent = await puppet(['clock']);
    await agent.exited;
    expect(agent.exit?.code).toBe(0);
  });
});
