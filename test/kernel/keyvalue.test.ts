/**
 * Goal: wasi:keyvalue is the store of the agent's owner, by the grants of the tools `kv.*` and within their
 * bounds, in each isolation; nothing that a guest makes up reaches another's values. Method: a guest that does
 * what the test tells it.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type GrantsInput,
  type Isolation,
  type LoadedModule,
  readRecording,
  type SpawnOptions,
} from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

let host: TestKernel;
let module: LoadedModule;
const puppets: Puppet[] = [];

beforeEach(async () => {
  host = await testKernel({ catalogue: { tools: 'all' } });
  module = await host.kernel.load(guest('kv-puppet'));
});
afterEach(async () => {
  await Promise.all(puppets.splice(0).map((puppet) => puppet.end()));
  await host.kernel.close();
});

const ALL = ['kv.get', 'kv.set', 'kv.swap', 'kv.increment', 'kv.delete', 'kv.list'];

/** A puppet; `b` is the name of its bucket, where it may open one. */
async function puppet(
  options: Omit<SpawnOptions, 'module'> = {},
  tools: GrantsInput['tools'] | null = ALL,
): Promise<Puppet> {
  const grants = tools === null ? {} : { tools };
  const made = await spawnPuppet(host.kernel, module, { grants, owner: 'one', ...options });
  puppets.push(made);
  if (tools !== null) {
    expect(await made.tell('open b default')).toMatch(/^open ok/);
  }
  return made;
}

/** Tells a puppet several things; answers all that it says. */
async function told(agent: Puppet, ...lines: string[]): Promise<string[]> {
  const answers: string[] = [];
  for (const line of lines) {
    answers.push(await agent.tell(line));
  }
  return answers;
}

describe.each<Isolation>(['shared', 'thread', 'process'])('isolation %s', (isolation) => {
  test('values are bytes under keys of the owner, and tools see the same', async () => {
    const agent = await puppet({ isolation });
    const other = await puppet({ isolation });
    const stranger = await puppet({ isolation, owner: 'two' });
    expect(
      await told(
        agent,
        'get b a',
        'exists b a',
        'set b a hello',
        'exists b a',
        'get b a',
        'list b',
      ),
    ).toEqual([
      'get none',
      'exists ok false',
      'set ok',
      'exists ok true',
      'get ok hello',
      'list ok 1 - a',
    ]);
    expect(await told(other, 'get b a', 'delete b a', 'delete b a', 'get b a')).toEqual([
      'get ok hello',
      'delete ok',
      'delete ok',
      'get none',
    ]);
    expect(await told(stranger, 'get b a', 'list b')).toEqual(['get none', 'list ok 0 -']);
    const seen: unknown[] = [];
    await agent.tell('set b n 42');
    const native = await host.kernel.spawn({
      owner: 'one',
      grants: { tools: ALL },
      work: async ({ callTool }) => {
        seen.push(await callTool('kv.get', { key: 'n' }));
        seen.push(await callTool('kv.get', { key: 'n', encoding: 'base64' }));
        await callTool('kv.set', { key: 'j', value: { a: 1 } });
        seen.push(await callTool('kv.list', { after: 'j' }));
      },
    });
    await native.exited;
    expect(seen).toEqual([
      { value: 42, version: expect.any(Number) },
      { value: 'NDI=', version: expect.any(Number) },
      { keys: ['n'], more: false },
    ]);
    expect(await agent.tell('get b j')).toBe('get ok {"a":1}');
  });

  test('sums and swaps: who was faster wins, and what was deleted meanwhile is noticed', async () => {
    const agent = await puppet({ isolation });
    const other = await puppet({ isolation });
    expect(
      await told(agent, 'increment b n 5', 'increment b n -7', 'get b n', 'cas b a h', 'current h'),
    ).toEqual([
      'increment ok 5',
      'increment ok -2',
      'get ok -2',
      expect.stringMatching(/^cas ok/),
      'current none',
    ]);
    // Nothing was there, and nothing is.
    expect(await told(agent, 'swap h 1', 'get b a')).toEqual(['swap ok', 'get ok 1']);
    await agent.tell('cas b a h');
    await other.tell('set b a 2');
    expect(await told(agent, 'swap h 3', 'current h', 'swap h 3', 'get b a')).toEqual([
      'swap err cas-failed',
      'current ok 2',
      'swap ok',
      'get ok 3',
    ]);
    await agent.tell('cas b a h');
    await other.tell('delete b a');
    expect(await told(agent, 'swap h 4', 'get b a')).toEqual(['swap err cas-failed', 'get none']);
    await other.tell('set b a 3');
    expect(await told(agent, 'swap h 4')).toEqual(['swap err cas-failed']);
    await other.tell('delete b a');
    await other.tell('set b a 3');
    expect(await told(agent, 'swap h 4', 'swap h 4')).toEqual(['swap err cas-failed', 'swap ok']);
    // A handle that a swap has used is gone.
    expect(await agent.tell('swap h 5')).toMatch(/^ended: trap .*not one that the agent holds/);
  });

  test('batches are a call of a tool for each key', async () => {
    const agent = await puppet({ isolation });
    const many = Array.from({ length: 40 }, (_, at) => `k${at}=${at}`);
    expect(await agent.tell(`set-many b ${many.join(' ')}`)).toBe('set-many ok');
    expect(await agent.tell('get-many b k39 none k0 k1')).toBe('get-many ok 4 k39=39 - k0=0 k1=1');
    expect(await agent.tell('delete-many b k0 none k39')).toBe('delete-many ok');
    expect(await agent.tell('get-many b k39 k0 k1')).toBe('get-many ok 3 - - k1=1');
    expect(await agent.tell('list b')).toMatch(/^list ok 38 - k1 k10/);
    agent.say('end');
    const report = await agent.agent.exited;
    const uses = report.tools.map(({ name, calls, failed }) => [name, calls, failed]);
    expect(uses.sort()).toEqual([
      ['kv.delete', 3, 0],
      ['kv.get', 7, 0],
      ['kv.list', 1, 0],
      ['kv.set', 40, 0],
    ]);
    expect(report.usage.tool_calls).toBe(51);
  });

  test('without a grant nothing is reached, with one what it names, and a revoked one ends it', async () => {
    const without = await puppet({ isolation }, null);
    expect(await without.tell('open b default')).toBe('open err access-denied');
    expect(
      await told(await puppet({ isolation }, ['kv.get']), 'get b a', 'set b a 1', 'list b'),
    ).toEqual(['get none', 'set err access-denied', 'list err access-denied']);
    const narrow = await puppet({ isolation }, [
      'kv.get',
      { name: 'kv.set', arguments: { properties: { key: { const: 'mine' } }, required: ['key'] } },
    ]);
    expect(await told(narrow, 'set b mine 1', 'set b yours 1', 'get b mine')).toEqual([
      'set ok',
      'set err access-denied',
      'get ok 1',
    ]);
    expect(await told(narrow, 'set-many b mine=2 yours=2', 'get-many b mine yours')).toEqual([
      'set-many err access-denied',
      'get-many ok 2 mine=2 -',
    ]);
    for (const grant of narrow.agent.grants()) {
      if (grant.kind === 'tools') {
        host.kernel.revoke(grant.id);
      }
    }
    expect(await told(narrow, 'get b mine', 'get-many b mine', 'open c')).toEqual([
      'get err access-denied',
      'get-many err access-denied',
      'open err access-denied',
    ]);
  });
});

test('only the one store that there is can be opened, and only where it is offered', async () => {
  const agent = await puppet();
  expect(await told(agent, 'open c default', 'open c', 'open c other', 'open c DEFAULT')).toEqual([
    expect.stringMatching(/^open ok/),
    expect.stringMatching(/^open ok/),
    'open err no-such-store',
    'open err no-such-store',
  ]);
  const bare = await testKernel();
  const made = await spawnPuppet(bare.kernel, await bare.kernel.load(guest('kv-puppet')), {
    grants: { tools: ALL },
  });
  expect(await made.tell('open b default')).toBe('open err no-such-store');
  await made.end();
  await bare.kernel.close();
});

test('a tool that is taken away is a store that is not there', async () => {
  const agent = await puppet();
  host.kernel.unregisterTool('kv.get');
  expect(await told(agent, 'get b a', 'set b a 1')).toEqual(['get err no-such-store', 'set ok']);
});

test('keys and values have their bounds, each said in words', async () => {
  const agent = await puppet();
  expect(
    await told(agent, 'set b *256 1', 'set b *257 1', 'get b *1000000', 'exists b %20'),
  ).toEqual([
    'set ok',
    expect.stringMatching(/^set err other a key has 1 to 256 characters/),
    expect.stringMatching(/^get err other a key has 1 to 256 characters/),
    'exists ok false',
  ]);
  expect(await told(agent, 'set b a *768000', 'get b a', 'set b a *768001', 'get b a')).toEqual([
    'set ok',
    'get ok *768000',
    expect.stringMatching(/^set err other a value has at most 768000 bytes/),
    'get ok *768000',
  ]);
  // 1 MiB an owner.
  expect(await told(agent, 'set b c *300000', 'delete b a', 'set b c *300000')).toEqual([
    expect.stringMatching(/^set err other the store is full/),
    'delete ok',
    'set ok',
  ]);
  await agent.tell('cas b c h');
  expect(await agent.tell('swap h *768001')).toMatch(/^swap err other a value has at most/);
  expect(await told(agent, 'set b n x', 'increment b n 1', 'get b n')).toEqual([
    'set ok',
    expect.stringMatching(/^increment err other what is kept under this key is no whole number/),
    'get ok x',
  ]);
  expect(
    await told(agent, 'set b n 9223372036854775807', 'increment b n 1', 'increment b n -1'),
  ).toEqual([
    'set ok',
    expect.stringMatching(/^increment err other the sum has more than 64 bits/),
    'increment ok 9223372036854775806',
  ]);
});

test('keys are listed a page at a time, and a cursor that is made up is a place in one’s own', async () => {
  const agent = await puppet({ limits: { toolCalls: 0 } });
  const name = (at: number) => `k${String(at).padStart(4, '0')}`;
  for (let at = 0; at < 1_000; at += 250) {
    const pairs = Array.from({ length: 250 }, (_, more) => `${name(at + more)}=1`);
    expect(await agent.tell(`set-many b ${pairs.join(' ')}`)).toBe('set-many ok');
  }
  expect(await agent.tell('set b more 1')).toMatch(/^set err other the store is full/);
  let cursor = '';
  for (const [length, next] of [
    [256, name(255)],
    [256, name(511)],
    [256, name(767)],
    [232, '-'],
  ]) {
    const page = await agent.tell(`list b ${cursor}`.trimEnd());
    expect(page).toMatch(new RegExp(`^list ok ${length} ${next} k0`));
    cursor = `${next}`;
  }
  expect(await agent.tell('list b k0997')).toBe('list ok 2 - k0998 k0999');
  expect(await agent.tell('list b zzz')).toBe('list ok 0 -');
  expect(await agent.tell('list b %00')).toMatch(/^list ok 256 k0255 k0000/);
  expect(await agent.tell('list b *257')).toMatch(/^list err other the cursor is none/);
  const stranger = await puppet({ owner: 'two' });
  expect(await stranger.tell('list b k0997')).toBe('list ok 0 -');
  expect(await agent.tell('list b lone')).toMatch(/^ended: trap/);
});

test('a batch that fails stops half way: what was done stays', async () => {
  const agent = await puppet();
  const large = Array.from({ length: 40 }, (_, at) => `k${String(at).padStart(2, '0')}=*100000`);
  expect(await agent.tell(`set-many b ${large.join(' ')}`)).toMatch(
    /^set-many err other the store is full/,
  );
  // 10 of them fit; those that were not under way with the first that failed were never begun.
  expect(await agent.tell('list b')).toMatch(/^list ok 10 - k00 k01/);
  agent.say('end');
  const { tools } = await agent.agent.exited;
  expect(tools.find(({ name }) => name === 'kv.set')).toMatchObject({ calls: 16, failed: 6 });
});

test('a batch takes its calls of the limit, and stops where nothing is left', async () => {
  const agent = await puppet({ limits: { toolCalls: 5 } });
  expect(await agent.tell('set-many b a=1 b=1 c=1 d=1')).toBe('set-many ok');
  expect(await agent.tell('delete-many b a b')).toMatch(
    /^delete-many err other keyvalue.delete-many would pass the limit of tool_calls/,
  );
  expect(await agent.tell('get b c')).toMatch(/^get err other .*tool_calls/);
  const other = await puppet();
  expect(await other.tell('get-many b a b c d')).toBe('get-many ok 4 - b=1 c=1 d=1');
});

test('a batch of more keys than a call may have, or of more than the host holds, is refused', async () => {
  const agent = await puppet({ limits: { hostBytes: 4 * 1024 * 1024, toolCalls: 0 } });
  const keys = Array.from({ length: 257 }, (_, at) => `k${at}`);
  expect(await agent.tell(`get-many b ${keys.join(' ')}`)).toMatch(
    /^get-many err other a batch has/,
  );
  expect(await agent.tell(`get-many b ${keys.slice(1).join(' ')}`)).toMatch(/^get-many ok 256 -/);
  expect(await agent.tell('set b a *700000')).toBe('set ok');
  expect(await agent.tell('get-many b a')).toMatch(/^get-many ok 1/);
  expect(await agent.tell('get-many b a a a a a')).toMatch(
    /^get-many err other the host holds too much/,
  );
  // All was given back.
  expect(await agent.tell('get-many b a')).toMatch(/^get-many ok 1/);
  expect(await agent.tell('delete-many b')).toBe('delete-many ok');
});

test.each([
  ['a bucket that was dropped', ['drop b', 'get b a']],
  ['a bucket that was dropped twice', ['drop b', 'drop b']],
  ['a number that is none', ['forge x 77', 'get x a']],
  ['the handle of a swap for a bucket', ['cas b a h', 'forge x 2', 'get x a']],
  ['a bucket for the handle of a swap', ['forge-cas h 1', 'swap h 1']],
  ['half of a surrogate pair as a key', ['set b lone 1']],
])('%s ends the agent, and nobody else', async (_, lines) => {
  const other = await puppet();
  expect(await other.tell('set b a 1')).toBe('set ok');
  const agent = await puppet();
  const answers = await told(agent, ...lines);
  expect(answers.at(-1)).toMatch(/^ended: trap/);
  expect(await other.tell('get b a')).toBe('get ok 1');
});

test('another agent’s number for its bucket is one’s own, or none', async () => {
  const victim = await puppet({ owner: 'victim' });
  const [, number] = /^open ok (\d+)$/.exec(await victim.tell('open c default')) ?? [];
  await victim.tell('set c secret 1');
  const agent = await puppet();
  expect(await told(agent, `forge x ${number}`, 'get x secret')).toEqual([
    'forge ok',
    expect.stringMatching(/^ended: trap .*not one that the agent holds/),
  ]);
  const heir = await puppet();
  expect(await told(heir, 'open c default', `forge x ${number}`, 'get x secret')).toEqual([
    `open ok ${number}`,
    'forge ok',
    'get none',
  ]);
});

test('keys may be anything that is text', async () => {
  const agent = await puppet();
  for (const key of [
    '%00',
    'a%00b',
    '__proto__',
    'constructor',
    '%F0%9F%98%80',
    '..%2F..%2Fetc',
    '%0A',
  ]) {
    expect(await told(agent, `get b ${key}`, `set b ${key} ${key}`, `exists b ${key}`)).toEqual([
      'get none',
      'set ok',
      'exists ok true',
    ]);
  }
  expect(await agent.tell('get b a')).toBe('get none');
  expect(await agent.tell('list b')).toMatch(/^list ok 7 /);
  const told2: unknown[] = [];
  const native = await host.kernel.spawn({
    owner: 'one',
    grants: { tools: ALL },
    work: async ({ callTool }) => {
      for (const [tool, args] of [
        ['kv.set', { key: '\ud800', value: 1 }],
        ['kv.get', { key: '\udfff' }],
        ['kv.list', { after: 'a\ud800' }],
        ['kv.set', { key: 'a', value: 'no base64', encoding: 'base64' }],
        ['kv.set', { key: 'a', value: 1, encoding: 'base64' }],
        ['kv.get', { key: '' }],
        ['kv.set', { key: 'bytes', value: '/w==', encoding: 'base64' }],
        ['kv.get', { key: 'bytes' }],
        ['kv.increment', { key: 'a', delta: 0.5 }],
        ['kv.swap', { key: 'a', value: 1, version: -1 }],
      ] as const) {
        told2.push(
          await callTool(tool, args).then(
            () => 'ok',
            (error) => error.message,
          ),
        );
      }
    },
  });
  await native.exited;
  expect(told2).toEqual([
    expect.stringMatching(/surrogate/),
    expect.stringMatching(/surrogate/),
    expect.stringMatching(/surrogate/),
    expect.stringMatching(/base64/),
    expect.stringMatching(/base64/),
    expect.stringMatching(/key/),
    'ok',
    expect.stringMatching(/no JSON/),
    expect.stringMatching(/delta/),
    expect.stringMatching(/version/),
  ]);
});

test('a run that was recorded is replayed without any store', async () => {
  const lines = [
    ...[
      'open b default',
      'set b a 1',
      'cas b a h',
      'swap h 2',
      'cas b a h',
      'set b a 3',
      'swap h 4',
    ],
    ...['swap h 5', 'set-many b c=1 d=2', 'get-many b a c x', 'increment b d 3', 'list b', 'end'],
  ];
  const agent = await host.kernel.spawn({
    module,
    grants: { tools: ALL },
    record: true,
    stdin: `${lines.join('\n')}\n`,
  });
  const { exit } = await agent.exited;
  expect(exit.reason).toBe('normal');
  const recording = await readRecording((await agent.recording)?.bytes ?? new Uint8Array());
  for (const name of ALL) {
    host.kernel.unregisterTool(name);
  }
  const replayed = await host.kernel.replay(recording, { module });
  expect(replayed.difference).toBeNull();
  expect(replayed).toMatchObject({ identical: true, exit });
});
