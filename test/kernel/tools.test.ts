/**
 * Goal: an agent calls the tools that it was granted, with the arguments that its grants allow, whatever its
 * isolation; what is taken back is gone for calls under way too; its report says what it has called. Method:
 * a guest that does what the test tells it, and functions of the program.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type GrantsInput, type Isolation, type LoadedModule, ToolError } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

const SCHEMA = {
  type: 'object',
  properties: { url: { type: 'string', pattern: '^https://example\\.org/' } },
  required: ['url'],
};

let host: TestKernel;
let module: LoadedModule;
const waiting: { signal: AbortSignal; answer: (value: unknown) => void }[] = [];
let waits: () => void = () => {};
beforeAll(async () => {
  host = await testKernel({ onElevation: () => 'permit' });
  module = await host.kernel.load(guest('puppet'));
  host.kernel.registerTool(
    {
      name: 'fetch',
      description: 'Fetches.',
      parameters: { type: 'object', properties: { url: { type: 'string' } } },
    },
    (args) => (args as { url: string }).url,
  );
  host.kernel.registerTool(
    { name: 'wait', description: 'Waits.' },
    (_, { signal }) =>
      new Promise((answer) => {
        waiting.push({ signal, answer });
        waits();
      }),
  );
  host.kernel.registerTool({ name: 'count', description: 'Counts.' }, async function* () {
    for (let item = 0; ; item += 1) {
      yield item;
    }
  });
  host.kernel.registerTool({ name: 'fails', description: 'Fails.' }, () => {
    throw new ToolError('not-found', 'nobody has this number');
  });
});
afterAll(() => host.kernel.close());

const puppets: Puppet[] = [];
afterEach(async () => {
  await Promise.all(puppets.splice(0).map((puppet) => puppet.end()));
});

async function puppet(grants: GrantsInput, isolation: Isolation = 'shared'): Promise<Puppet> {
  const made = await spawnPuppet(host.kernel, module, { grants, isolation });
  puppets.push(made);
  return made;
}

async function reportOf(of: Puppet) {
  of.say('end');
  const { denied, tools } = await of.agent.exited;
  return { denied, tools: tools.map(({ wall_time_ms: _, ...use }) => use) };
}

const NARROW: GrantsInput = { tools: [{ name: 'fetch', arguments: SCHEMA }, 'count'] };
const INSIDE = 'tool fetch {"url":"https://example.org/a"}';
const OUTSIDE = 'tool fetch {"url":"https://example.com/"}';

describe.each<Isolation>(['shared', 'thread', 'process'])('isolation %s', (isolation) => {
  test('a grant with a schema allows the arguments that fit it, and no others', async () => {
    const agent = await puppet(NARROW, isolation);
    expect(await agent.tell(INSIDE)).toBe('tool ok "https://example.org/a"');
    expect(await agent.tell(OUTSIDE)).toMatch(/^tool err denied .*'arguments\/url'/);
    expect(await agent.tell('tool fetch {}')).toMatch(/^tool err denied/);
    const wide = await puppet({ tools: ['fetch'] }, isolation);
    expect(await wide.tell(OUTSIDE)).toBe('tool ok "https://example.com/"');
    expect(await wide.tell('tool fetch {"url":5}')).toBe(
      'tool err invalid arguments/url: must be string',
    );
    expect(await reportOf(agent)).toEqual({
      denied: [{ capability: 'can_exec_tools', operation: 'tools.call: the arguments', count: 2 }],
      tools: [{ name: 'fetch', calls: 3, failed: 2 }],
    });
  });

  test('a call ends with the grant that allowed it, though another names the tool', async () => {
    const agent = await puppet(
      { tools: [{ name: 'wait', arguments: { required: ['never'] } }] },
      isolation,
    );
    expect(await agent.tell('tool wait {}')).toMatch(/^tool err denied/);
    const [wide] = host.kernel.grant(agent.agent.pid, { tools: ['wait'] });
    const called = new Promise<void>((resolve) => {
      waits = resolve;
    });
    agent.say('tool wait {}');
    await called;
    await host.kernel.revoke(wide?.id ?? 0);
    expect(await agent.answer()).toMatch(/^tool err denied/);
    expect(waiting.at(-1)?.signal.aborted).toBe(true);
    expect(await agent.tell('tool wait {}')).toMatch(/^tool err denied/);
  });

  test('a stream comes as long as its grant is in force', async () => {
    const agent = await puppet(NARROW, isolation);
    const first = JSON.parse((await agent.tell('tool count {}')).replace('tool ok ', ''));
    expect(first.items[0]).toBe(0);
    const next = `tool count {"$stream":"${first.$stream}"}`;
    const second = JSON.parse((await agent.tell(next)).replace('tool ok ', ''));
    expect(second.items[0]).toBe(first.items.length);
    const grants = agent.agent.grants().filter(({ kind }) => kind === 'tools');
    await host.kernel.revoke(grants[0]?.id ?? 0);
    expect(await agent.tell(next)).toMatch(/^tool err denied/);
    host.kernel.grant(agent.agent.pid, { tools: ['count'] });
    expect(await agent.tell(next)).toMatch(/^tool err not-found/);
  });

  test('what a tool says to its caller is told, and counted', async () => {
    const agent = await puppet({ tools: 'all' }, isolation);
    expect(await agent.tell('tool fails {}')).toBe('tool err not-found nobody has this number');
    expect(await agent.tell('tool nobody {}')).toMatch(/^tool err not-found/);
    expect(await agent.tell('tool constructor {}')).toMatch(/^tool err not-found/);
    expect((await reportOf(agent)).tools).toEqual([
      { name: 'fails', calls: 1, failed: 1 },
      { name: null, calls: 2, failed: 2 },
    ]);
  });
});

test('a tool that is offered no longer is not found, and what it does is given up', async () => {
  const gone = Promise.withResolvers<void>();
  const called = Promise.withResolvers<void>();
  const offer = () =>
    host.kernel.registerTool({ name: 'passing', description: '' }, (_, { signal }) => {
      signal.addEventListener('abort', () => gone.resolve());
      called.resolve();
      return new Promise(() => {});
    });
  offer();
  const agent = await puppet({ tools: ['passing'] });
  agent.say('tool passing {}');
  await called.promise;
  expect(host.kernel.unregisterTool('passing')).toBe(true);
  await gone.promise;
  expect(await agent.answer()).toMatch(/^tool err unavailable/);
  expect(await agent.tell('tool passing {}')).toMatch(/^tool err not-found/);
  expect(host.kernel.unregisterTool('passing')).toBe(false);
});

test('a stream is ended with its agent', async () => {
  const cleaned = Promise.withResolvers<void>();
  host.kernel.registerTool({ name: 'ticks', description: '' }, async function* () {
    try {
      for (;;) {
        yield 'x';
      }
    } finally {
      cleaned.resolve();
    }
  });
  const agent = await puppet({ tools: ['ticks'] });
  expect(await agent.tell('tool ticks {}')).toMatch(/^tool ok/);
  host.kernel.kill(agent.agent.pid);
  await cleaned.promise;
  host.kernel.unregisterTool('ticks');
});

test('an agent is told what its arguments have to be, in its list of tools', async () => {
  const told: unknown[] = [];
  const agent = await host.kernel.spawn({
    agentId: 'asks',
    grants: NARROW,
    work: async ({ tools }) => {
      told.push(...(await tools()));
    },
  });
  expect((await agent.exited).exit.reason).toBe('normal');
  expect(told).toMatchObject([
    { name: 'fetch', parameters: { type: 'object', allOf: [{ allOf: [SCHEMA] }] } },
    { name: 'count', parameters: {} },
  ]);
});
