/**
 * Families 33 and 35 to 37: what a guest makes of its handles, of grants that are none, of names that
 * mean something in JavaScript, and of errors. Goal: no handle, name or list reaches further than it
 * says, and no answer says where the host is. Method: one guest of many acts, each with its control.
 */

import { afterEach, describe, expect, it } from 'vitest';
import { type GrantsInput, RingfenceError, type ToolHandler } from '../../src/index.ts';
import { guest as example } from '../support/kernel.ts';
import { actsOf, HOST_WORDS, until, useFence } from './support/fence.ts';
import { GuestText, PLACE } from './support/guest-text.ts';

const fence = useFence();

const text = new GuestText()
  .sayOutcomes()
  .use('wasi:cli/environment', 'get-environment', '$get_environment')
  .use('wasi:cli/stdout', 'get-stdout', '$get_stdout')
  .use('wasi:clocks/monotonic-clock', 'subscribe-duration', '$subscribe')
  .use('wasi:http/types', '[constructor]fields', '$fields')
  .use('wasi:http/types', '[method]fields.append', '$append')
  .use('wasi:http/types', '[method]fields.get', '$get')
  .use('wasi:http/types', '[method]fields.clone', '$clone')
  .use('wasi:http/types', '[constructor]outgoing-request', '$request')
  .use('wasi:http/types', '[method]outgoing-request.headers', '$headers')
  .use('wasi:http/types', '[resource-drop]outgoing-request', '$drop_request')
  .use('wasi:io/poll', '[method]pollable.ready', '$ready')
  .use('wasi:io/poll', 'poll', '$poll')
  .use('wasi:io/poll', '[resource-drop]pollable', '$drop')
  .use('wasi:io/streams', '[method]output-stream.subscribe', '$subscribe_output')
  .use('wasi:io/streams', '[resource-drop]output-stream', '$drop_output')
  .use('ringfence:agent/ipc', 'receive', '$receive')
  .use('ringfence:agent/tools', 'call', '$call');
const run = actsOf(fence, text);

const receive = `(call $receive (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i64.const 0)
  (i32.const ${PLACE}))`;
const callTool = (name: string, json: string) =>
  `(call $call ${text.text(name).operands} ${text.text(json).operands} (i32.const ${PLACE}))
   (call $say_outcome (i32.const ${PLACE}))`;

const ENDED = { code: -3, reason: 'trap' };
const NORMAL = { code: 0, reason: 'normal', message: null };

describe('family 33: handles', () => {
  const first = '(local.set $i (call $subscribe (i64.const 0)))';
  const second = '(local.set $j (call $subscribe (i64.const 0)))';
  const use = (handle: string) => `(drop (call $ready ${handle}))`;
  const drop = (handle: string) => `(call $drop ${handle})`;
  const [i, j] = ['(local.get $i)', '(local.get $j)'];
  const hostile: readonly [name: string, act: string, control: string][] = [
    ['that was dropped', `${first} ${drop(i)} ${use(i)}`, `${first} ${use(i)} ${drop(i)}`],
    ['that is dropped twice', `${first} ${drop(i)} ${drop(i)}`, `${first} ${drop(i)}`],
    [
      'whose place another has taken',
      `${first} ${drop(i)} ${second} ${use(i)}`,
      `${first} ${drop(i)} ${second} ${use(j)}`,
    ],
    [
      'of another resource',
      '(drop (call $ready (call $get_stdout)))',
      '(drop (call $subscribe_output (call $get_stdout)))',
    ],
    [
      'of another resource, to be dropped',
      '(call $drop (call $get_stdout))',
      '(call $drop_output (call $get_stdout))',
    ],
    [
      'that was given away',
      '(local.set $i (call $fields)) (drop (call $request (local.get $i))) (drop (call $clone (local.get $i)))',
      '(local.set $i (call $fields)) (drop (call $clone (local.get $i))) (drop (call $request (local.get $i)))',
    ],
    [
      'that is given away twice',
      '(local.set $i (call $fields)) (drop (call $request (local.get $i))) (drop (call $request (local.get $i)))',
      '(drop (call $request (call $fields))) (drop (call $request (call $fields)))',
    ],
    [
      'in a list that holds one that was dropped',
      `${first} ${second} ${drop(j)} (i32.store (i32.const 2048) ${i}) (i32.store (i32.const 2052) ${j})
       (call $poll (i32.const 2048) (i32.const 2) (i32.const ${PLACE}))`,
      `${first} (i32.store (i32.const 2048) ${i}) (i32.store (i32.const 2052) ${i})
       (call $poll (i32.const 2048) (i32.const 2) (i32.const ${PLACE}))`,
    ],
    ...[0, 1, 2, 12_345, -1, 0x7fff_ffff, -0x8000_0000].map((number): [string, string, string] => [
      `that was made up (${number})`,
      use(`(i32.const ${number})`),
      `${first} ${use(i)}`,
    ]),
  ];
  for (const [name, act, control] of hostile) {
    text.act(`a handle ${name}`, act).act(`a handle not ${name}`, control);
  }

  it.each(hostile.map(([name]) => name))('33: a handle %s ends the agent', async (name) => {
    expect((await run(`a handle ${name}`)).report.exit).toMatchObject(ENDED);
    expect((await run(`a handle not ${name}`)).report.exit).toEqual(NORMAL);
  });

  const stream =
    '(local.set $i (call $get_stdout)) (local.set $j (call $subscribe_output (local.get $i)))';
  text
    .act(
      'a stream outlived',
      `${stream} (call $drop_output ${i}) ${use(j)} ${drop(j)} ${use('(call $subscribe (i64.const 0))')}`,
    )
    .act(
      'headers outlive their request',
      `(local.set $i (call $request (call $fields))) (local.set $j (call $headers ${i}))
       (call $drop_request ${i}) (drop (call $clone ${j}))`,
    );

  it('33: what was made of a handle outlives it without harm', async () => {
    for (const act of ['a stream outlived', 'headers outlive their request']) {
      expect((await run(act)).report.exit).toEqual(NORMAL);
    }
  });

  text
    .act('holds one', `${first} (call $say_number (i64.extend_i32_u ${i})) ${receive} ${use(i)}`)
    .act('takes the first that there is', use('(i32.const 1)'));

  it('33: the handle of another agent names nothing, and stays the other’s', async () => {
    const holder = await run.start('holds one', { grants: { ipc: 'all' } });
    await until(() => fence().saidBy(holder).length > 0);
    expect(BigInt(`0x${fence().saidBy(holder)[0]}`)).toBe(1n);
    const thief = await run('takes the first that there is');
    expect(thief.report.exit).toMatchObject(ENDED);
    expect(thief.report.exit.message).toMatch(/not one that the agent holds/);
    await holder.send('use it now');
    expect((await fence().ended(holder)).report.exit).toEqual(NORMAL);
  });
});

describe('family 35: grants that are none', () => {
  text.act('calls add', callTool('add', '{"a":1,"b":2}'));
  const calls: unknown[] = [];
  const register = () => {
    try {
      fence().kernel.registerTool({ name: 'add', description: 'Adds.' }, (args) => {
        calls.push(args);
        return 3;
      });
    } catch (error) {
      // It is there already.
      expect(error).toBeInstanceOf(RingfenceError);
    }
    calls.length = 0;
  };

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
  ])('35: %s: the tool is denied, counted, and not called', async (_, grants) => {
    register();
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
      register();
      const { report, said } = await run('calls add', { grants });
      expect(said[0]).toBe('ok');
      expect(report.denied).toEqual([]);
      expect(calls).toEqual([{ a: 1, b: 2 }]);
    },
  );

  it.each([
    ...['all', '*', '', 'true', true, 5, [], ['all'], () => ({ tools: 'all' })],
    ...['false', '', '*', 'add', 'ALL', 0, 1, true, {}, { 0: 'add' }, { allow: 'all' }].map(
      (tools) => ({ tools }),
    ),
    ...[[null], [''], [5], [['add']], [undefined], ['a'.repeat(257)]].map((tools) => ({ tools })),
    ...[true, '', 'ALL', '*', ['all'], { pids: 'all' }, { pids: ['*'] }, { pids: [null] }].map(
      (ipc) => ({ ipc }),
    ),
    ...['8', -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, true, [8]].map((spawn) => ({ spawn })),
    ...[{ toolz: 'all' }, { Tools: 'all' }, { 'tools ': 'all' }, { can_exec_tools: true }],
    JSON.parse('{"__proto__":{"tools":"all"}}'),
    JSON.parse('{"constructor":{"prototype":{"tools":"all"}}}'),
    { preset: 'root' },
    { preset: '__proto__' },
    { preset: 'toString' },
  ])('35: %j is refused', async (grants) => {
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
