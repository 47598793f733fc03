/**
 * Families 35 to 37: grants that are none, names that mean something in JavaScript, and what errors say.
 * Goal: no list and no name reaches further than it says, and no answer says where the host is. Method:
 * one guest of many acts, each with its control.
 */

import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { GrantsInput, ToolHandler } from '../../src/index.ts';
import { guest as example } from '../support/kernel.ts';
import { actsOf, HOST_WORDS, NORMAL, useFence } from './support/fence.ts';
import { GuestText, PLACE } from './support/guest-text.ts';

const fence = useFence();

const text = new GuestText()
  .sayOutcomes()
  .use('wasi:cli/environment', 'get-environment', '$get_environment')
  .use('wasi:http/types', '[constructor]fields', '$fields')
  .use('wasi:http/types', '[method]fields.append', '$append')
  .use('wasi:http/types', '[method]fields.get', '$get')
  .use('ringfence:agent/tools', 'call', '$call');
const run = actsOf(fence, text);

const callTool = (name: string, json: string) =>
  `(call $call ${text.text(name).operands} ${text.text(json).operands} (i32.const ${PLACE}))
   (call $say_outcome (i32.const ${PLACE}))`;

describe('family 35: grants that are none', () => {
  text.act('calls add', callTool('add', '{"a":1,"b":2}'));
  const calls: unknown[] = [];
  beforeAll(() => {
    fence().kernel.registerTool({ name: 'add', description: 'Adds.' }, (args) => {
      calls.push(args);
      return 3;
    });
  });
  afterEach(() => {
    calls.length = 0;
  });

  const ALL_TOOLS = { allow: 'all', deny: new Set<string>() } as const;

  it.each<[string, GrantsInput | null | undefined]>([
    ['null', null],
    ['missing', undefined],
    ['an empty object', {}],
    ['a null scope', { tools: null }],
    ['an absent scope', { tools: undefined as never }],
    ['an empty list', { tools: [] }],
    ['a wildcard in a list', { tools: ['*'] }],
    ['a pattern in a list', { tools: ['.*', 'a*', '/add/', 'ad[d]', '**'] }],
    ['the word all in a list', { tools: ['all', 'ALL', 'true'] }],
    ['names that are nearly it', { tools: ['ADD', 'add ', ' add', 'add\0', 'ａdd', 'ad'] }],
    ['the preset none', { preset: 'none' }],
    ['a preset that is narrowed to nothing', { preset: 'standard', tools: [] }],
    ['another kind of grant', { ipc: 'all', spawn: 8 }],
    ['a scope of nothing', { tools: {} }],
    ['an empty list of what is allowed', { tools: { allow: [] } }],
    ['all that is denied again', { tools: { allow: 'all', deny: ['add'] } }],
    ['no grants in a list', [] as never],
    ['a grant that has expired', [{ kind: 'tools', scope: ALL_TOOLS, expiresAtMs: 1 }] as never],
    ['what an object inherits', Object.create({ tools: 'all' })],
    [
      'what a class computes',
      new (class {
        get tools() {
          return 'all';
        }
      })() as never,
    ],
  ])('35: %s: the tool is denied, counted, and not called', async (_, grants) => {
    const { report, said } = await run('calls add', { grants: grants as never });
    expect(said[0]).toBe('denied');
    expect(report.denied).toEqual([
      { capability: 'can_exec_tools', operation: 'tools.call', count: 1 },
    ]);
    expect(report.usage.tool_calls).toBe(0);
    expect(calls).toEqual([]);
  });

  it.each([[{ tools: ['add'] }], [{ tools: 'all' }], [{ preset: 'standard' }]] as [GrantsInput][])(
    '35: %j is a grant: the tool is called once',
    async (grants) => {
      const { report, said } = await run('calls add', { grants });
      expect(said[0]).toBe('ok');
      expect(report.denied).toEqual([]);
      expect(calls).toEqual([{ a: 1, b: 2 }]);
    },
  );

  it.each([
    ...['all', '*', '', 'true', true, 5, ['all'], new Map([['tools', 'all']]), new Set(['tools'])],
    ...[new Date(), () => ({ tools: 'all' }), Symbol('tools'), new String('all'), 10n],
    ...['false', '', '*', 'add', 'ALL', 0, 1, true, { 0: 'add' }, { allowed: 'all' }].map(
      (tools) => ({ tools }),
    ),
    ...[{ deny: ['add'] }, { allow: '*' }, { allow: [5] }, new Set(['add'])].map((tools) => ({
      tools,
    })),
    ...[[null], [''], [5], [['add']], [undefined], ['a'.repeat(257)]].map((tools) => ({ tools })),
    ...[true, '', 'ALL', '*', ['all'], { pids: '*' }, { pids: ['*'] }, { pids: [null] }].map(
      (ipc) => ({ ipc }),
    ),
    ...['8', -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, true, [8]].map((spawn) => ({ spawn })),
    ...[{ toolz: 'all' }, { Tools: 'all' }, { 'tools ': 'all' }, { can_exec_tools: true }],
    JSON.parse('{"__proto__":{"tools":"all"}}'),
    JSON.parse('{"constructor":{"prototype":{"tools":"all"}}}'),
    { preset: 'root' },
    { preset: '__proto__' },
    { preset: 'toString' },
  ])('35: %o is refused', async (grants) => {
    await expect(run('calls add', { grants: grants as never })).rejects.toMatchObject({
      code: 'RF_USAGE',
      message: expect.stringMatching(/^Cannot [^\n]+\.$/),
    });
  });
});

/** Names that mean something in JavaScript. */
const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then'];

describe('family 36: names and objects of JavaScript', () => {
  const pollution =
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"tools":"all"}';
  const value = text.text('value');
  const header = (name: string) => `(local.set $i (call $fields))
    (call $append (local.get $i) ${text.text(name).operands} ${value.operands} (i32.const ${PLACE}))
    (call $get (local.get $i) ${text.text(name).operands} (i32.const ${PLACE}))
    (local.set $j (i32.load (i32.const ${PLACE})))
    (if (i32.ne (i32.load offset=4 (i32.const ${PLACE})) (i32.const 1)) (then (unreachable)))
    (call $say (i32.load (local.get $j)) (i32.load offset=4 (local.get $j)))`;
  for (const name of NAMES) {
    text.act(`tool ${name}`, callTool(name, pollution)).act(`header ${name}`, header(name));
  }
  text.act(
    'environment',
    `(call $get_environment (i32.const ${PLACE}))
     (local.set $i (i32.load (i32.const ${PLACE})))
     (local.set $j (i32.add (local.get $i)
       (i32.shl (i32.load offset=4 (i32.const ${PLACE})) (i32.const 4))))
     (loop $l (if (i32.lt_u (local.get $i) (local.get $j)) (then
       (call $say (i32.load (local.get $i)) (i32.load offset=4 (local.get $i)))
       (call $say (i32.load offset=8 (local.get $i)) (i32.load offset=12 (local.get $i)))
       (local.set $i (i32.add (local.get $i) (i32.const 16))) (br $l))))`,
  );

  /** What all objects have. */
  const shared = () =>
    [Object, Array, Function, String, Map, Promise, RegExp, Uint8Array].map((type) =>
      Reflect.ownKeys(type.prototype).map(String),
    );
  const before = shared();
  afterEach(() => {
    expect(shared()).toEqual(before);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it.each(NAMES)('36: there is no tool %s unless one has that name', async (name) => {
    const grants = { tools: 'all' } as const;
    const none = await run(`tool ${name}`, { grants });
    expect(none.said[0]).toBe('not-found');
    const seen: unknown[] = [];
    fence().kernel.registerTool({ name, description: 'Has a name.' }, (args) => {
      seen.push(args);
      return args;
    });
    const one = await run(`tool ${name}`, { grants });
    expect(one.said[0]).toBe('ok');
    expect(Object.getOwnPropertyNames(seen[0])).toEqual(['__proto__', 'constructor', 'tools']);
    expect(Object.getPrototypeOf(seen[0])).toBe(Object.prototype);
    const other = await run(`tool ${name}`, { grants: { tools: ['add'] } });
    expect(other.said[0]).toBe('denied');
  });

  it.each(NAMES)('36: a header %s is a header like others', async (name) => {
    const { said, report } = await run(`header ${name}`);
    expect(report.exit).toEqual(NORMAL);
    expect(said).toEqual(['value']);
  });

  it('36: variables, arguments and names of agents are texts like others', async () => {
    for (const name of NAMES) {
      const environment = JSON.parse(`{"${name}":"value"}`) as Record<string, string>;
      const { said, report } = await run('environment', { environment, agentId: name });
      expect(said).toEqual([name, 'value']);
      expect(report.agent_id).toBe(name);
    }
    expect((await run('environment')).said).toEqual([]);
  });

  it('36: a getter of the caller’s is the caller’s own failure', async () => {
    const failing = {
      get agentId(): string {
        throw new Error('from a getter');
      },
    };
    await expect(run('environment', failing)).rejects.toThrow();
    const grants = {
      get tools(): never {
        throw new Error('from a getter');
      },
    };
    await expect(run('calls add', { grants })).rejects.toThrow();
  });
});

describe('family 37: what errors say', () => {
  text.act('calls fails', callTool('fails', '{}')).act('calls nobody', callTool('nobody', '{}'));
  text.act('calls no JSON', callTool('fails', '{]'));
  const place = new Error(`ENOENT: no such file, open '${process.cwd()}/secret.key'`);
  const ways: Record<string, ToolHandler> = {
    'throws an error with a path': () => {
      throw place;
    },
    'rejects with a text with a path': () => Promise.reject(String(place)),
    'throws nothing at all': () => {
      throw undefined;
    },
    'answers what is no JSON': () => 10n,
    'answers itself for ever': () => {
      const circle: Record<string, unknown> = { place: process.cwd() };
      circle.circle = circle;
      return circle;
    },
    'answers an object whose getter throws': () => ({
      get value() {
        throw place;
      },
    }),
    'answers a function': () => () => place,
  };
  let handler: ToolHandler = () => 'fine';
  const grants = { tools: 'all' } as const;

  it('37: what the sentences are searched for is found where it is', () => {
    expect(place.stack).toMatch(HOST_WORDS);
    expect(String(place)).toMatch(HOST_WORDS);
    expect('it was killed; handle 7 is not one that the agent holds').not.toMatch(HOST_WORDS);
  });

  it('37: a tool that works answers, and errors of the caller are said', async () => {
    fence().kernel.registerTool({ name: 'fails', description: 'Fails.' }, (args, call) =>
      handler(args, call),
    );
    expect((await run('calls fails', { grants })).said).toEqual(['ok']);
    expect((await run('calls no JSON', { grants })).said[0]).toBe('invalid');
    expect((await run('calls nobody', { grants })).said[0]).toBe('not-found');
  });

  it.each(Object.keys(ways))(
    '37: of a tool that %s the agent learns that it failed',
    async (way) => {
      handler = ways[way]!;
      const { said } = await run('calls fails', { grants });
      expect(said).toEqual(['unavailable', 'the tool failed: the host knows why']);
      // The operator is told what the agent isn't.
      expect(fence().warnings.splice(0)).toEqual([
        expect.stringMatching(/^the tool 'fails' failed/),
      ]);
    },
  );

  it.each<[string, GrantsInput]>([
    ['without grants', {}],
    ['with all grants', { ipc: 'all', tools: 'all', network: 'all', spawn: 8 }],
    ['without clocks', { clocks: false }],
  ])('37: no answer of any host function says where the host is, %s', async (_, given) => {
    const module = await fence().kernel.load(example('ungranted'));
    const { said, report } = await fence().run(module, { grants: given });
    expect(['normal', 'trap']).toContain(report.exit.reason);
    if (report.exit.reason === 'normal') expect(said.length).toBeGreaterThan(50);
    for (const line of said) expect(line).not.toMatch(HOST_WORDS);
  });
});
