/**
 * Goal: wasi:logging writes into the agent's log within its bounds, and wasi:config answers what the agent
 * itself was given and nothing else, the same in each isolation. Method: a guest that does what the test
 * tells it.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Isolation, type LoadedModule, RingfenceError } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

let host: TestKernel;
let module: LoadedModule;
const puppets: Puppet[] = [];

beforeAll(async () => {
  host = await testKernel();
  module = await host.kernel.load(guest('store-puppet'));
});
afterAll(() => host.kernel.close());
afterEach(() => Promise.all(puppets.splice(0).map((puppet) => puppet.end())));

async function puppet(options: Parameters<typeof spawnPuppet>[2]): Promise<Puppet> {
  const made = await spawnPuppet(host.kernel, module, options);
  puppets.push(made);
  return made;
}

describe.each<Isolation>(['shared', 'thread', 'process'])('isolation %s', (isolation) => {
  test('wasi:logging writes lines with their level and context, and cuts what is too long', async () => {
    const agentId = `log ${isolation}`;
    const agent = await puppet({ isolation, agentId });
    for (const line of [
      'log 0 - quiet',
      'log 2 db connected',
      'log 4 db lost it',
      'log 5 db the end',
      'log 3 *300 long',
      'log 1 a *1000000',
    ]) {
      expect(await agent.tell(line)).toBe('log ok');
    }
    await agent.end();
    puppets.length = 0;
    const lines = host.lines.filter((line) => line.agentId === agentId);
    expect(lines.slice(0, 5).map(({ level, message }) => [level, message])).toEqual([
      ['trace', 'quiet'],
      ['info', 'db: connected'],
      ['error', 'db: lost it'],
      ['error', 'db: the end'],
      ['warn', `${'x'.repeat(256)}: long`],
    ]);
    expect(lines[5]?.message.startsWith('a: xxx')).toBe(true);
    expect(lines[5]?.message.length).toBeLessThanOrEqual(65_536);
  });

  test('a level that is none ends the agent', async () => {
    const agent = await puppet({ isolation });
    expect(await agent.tell('log 6 a b')).toMatch(/^ended: trap .*level/);
  });

  test('wasi:config answers what the agent was given, and nothing of another', async () => {
    const config = { greeting: 'hello you', ['__proto__']: 'x', empty: '' };
    const agent = await puppet({ isolation, config });
    const other = await puppet({ isolation, config: { own: '1' } });
    const without = await puppet({ isolation, environment: { greeting: 'not this' } });
    expect(await agent.tell('config greeting')).toBe('config ok hello you');
    expect(await agent.tell('config __proto__')).toBe('config ok x');
    expect(await agent.tell('config empty')).toBe('config ok');
    for (const name of ['constructor', 'own', 'GREETING']) {
      expect(await agent.tell(`config ${name}`)).toBe('config none');
    }
    expect(await agent.tell('config-all')).toBe(
      'config-all ok greeting=hello you __proto__=x empty=',
    );
    expect(await other.tell('config-all')).toBe('config-all ok own=1');
    expect(await without.tell('config-all')).toBe('config-all ok');
    expect(await without.tell('config greeting')).toBe('config none');
  });
});

test.each<[string, Record<string, string>]>([
  ['a name that is empty', { '': 'a' }],
  ['a name that is too long', { ['a'.repeat(257)]: '' }],
  ['too many values', Object.fromEntries(Array.from({ length: 1_001 }, (_, at) => [`${at}`, '']))],
  ['too many characters', { a: 'x'.repeat(1024 * 1024) }],
])('%s is refused, and what is within the bounds is taken', async (_, config) => {
  const refused = host.kernel.spawn({ module, config });
  await expect(refused).rejects.toThrow(RingfenceError);
  await expect(refused).rejects.toMatchObject({ code: 'RF_USAGE' });
  const most = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`${at}`, '']));
  delete most[1];
  const agent = await puppet({
    config: { ...most, ['a'.repeat(256)]: 'long', 0: 'x'.repeat(1_000_000) },
  });
  expect(await agent.tell(`config ${'a'.repeat(256)}`)).toBe('config ok long');
});

test('a child that a guest spawns has nothing of its parent’s config', async () => {
  const child = { arguments: ['child'], config: { a: '1' } };
  const parent = await spawnPuppet(host.kernel, await host.kernel.load(guest('puppet')), {
    grants: { spawn: 1 },
    config: { a: '1' },
  });
  puppets.push(parent);
  const said = (agentId: string) =>
    host.lines.filter((line) => line.agentId === agentId).map(({ message }) => message);
  expect(await parent.tell(`spawn ${module.digest} linked`)).toMatch(/^spawn ok/);
  expect(await parent.tell('list')).toMatch(/^list ok/);
  await expect.poll(() => said('child')).toEqual(['config: 0']);
  const agent = await host.kernel.spawn({ module, agentId: 'given', ...child });
  await agent.exited;
  expect(said('given')).toEqual(['config: 1']);
});
