/**
 * Goal: the tools of the catalogue are offered where somebody says so, to agents that were granted them, and
 * reach what those hold and nothing else. Method: a guest that does what the test tells it, in each isolation.
 */

import { afterEach, describe, expect, test } from 'vitest';
import { CATALOGUE_NAMES, type Isolation, openKernel, type SpawnOptions } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

let host: TestKernel | null = null;
const puppets: Puppet[] = [];
afterEach(async () => {
  await Promise.all(puppets.splice(0).map((puppet) => puppet.end()));
  await host?.kernel.close();
  host = null;
});

async function puppet(options: Omit<SpawnOptions, 'module'> = {}): Promise<Puppet> {
  host ??= await testKernel({
    catalogue: {
      tools: 'all',
      exec: { echo: { command: '/bin/echo', arguments: ['said:', { name: 'what' }] } },
    },
  });
  const module = await host.kernel.load(guest('puppet'));
  const made = await spawnPuppet(host.kernel, module, options);
  puppets.push(made);
  return made;
}

const answerOf = (told: string): unknown => {
  expect(told).toMatch(/^tool ok /);
  return JSON.parse(told.replace('tool ok ', ''));
};

describe.each<Isolation>(['shared', 'process'])('isolation %s', (isolation) => {
  test('an agent that was granted none reaches none', async () => {
    const agent = await puppet({ isolation });
    for (const name of [...CATALOGUE_NAMES, 'exec.echo']) {
      expect(await agent.tell(`tool ${name} {}`)).toMatch(/^tool err denied/);
    }
  });

  test('time.now needs clocks', async () => {
    const agent = await puppet({ isolation, grants: { tools: ['time.now'] } });
    expect(answerOf(await agent.tell('tool time.now {}'))).toMatchObject({
      unixMs: expect.any(Number),
    });
    const without = await puppet({ isolation, grants: { tools: ['time.now'], clocks: false } });
    expect(await without.tell('tool time.now {}')).toMatch(/^tool err denied .*clocks/);
  });

  test('env.get knows the agent’s own variables', async () => {
    const agent = await puppet({
      isolation,
      grants: { tools: ['env.get'] },
      environment: { OWN: 'value', __proto__: 'x' },
    });
    expect(answerOf(await agent.tell('tool env.get {"name":"OWN"}'))).toEqual({ value: 'value' });
    for (const name of ['PATH', 'HOME', '__proto__', 'constructor', 'own']) {
      expect(await agent.tell(`tool env.get {"name":"${name}"}`)).toMatch(/^tool err not-found/);
    }
  });

  test('kv.* keeps values for an owner', async () => {
    const grants = { tools: ['kv.get', 'kv.set', 'kv.list', 'kv.delete'] };
    const agent = await puppet({ isolation, grants, owner: 'one' });
    const other = await puppet({ isolation, grants, owner: 'one' });
    const stranger = await puppet({ isolation, grants });
    expect(await agent.tell('tool kv.set {"key":"a","value":{"b":[1]}}')).toMatch(
      /^tool ok {"version":\d+}$/,
    );
    expect(answerOf(await other.tell('tool kv.get {"key":"a"}'))).toEqual({
      value: { b: [1] },
      version: expect.any(Number),
    });
    expect(answerOf(await other.tell('tool kv.list {}'))).toEqual({ keys: ['a'], more: false });
    expect(await stranger.tell('tool kv.get {"key":"a"}')).toMatch(/^tool err not-found/);
    expect(await agent.tell('tool kv.delete {"key":"a"}')).toBe('tool ok {"deleted":true}');
    expect(await other.tell('tool kv.get {"key":"a"}')).toMatch(/^tool err not-found/);
  });

  test('exec.NAME runs its command with what fits', async () => {
    const agent = await puppet({ isolation, grants: { tools: ['exec.echo'] } });
    expect(answerOf(await agent.tell('tool exec.echo {"what":"$(id)"}'))).toEqual({
      exitCode: 0,
      signal: null,
      stdout: 'said: $(id)\n',
      stderr: '',
      truncated: false,
    });
    expect(await agent.tell('tool exec.echo {"what":"-n"}')).toMatch(/^tool err invalid/);
    expect(await agent.tell('tool exec.other {}')).toMatch(/^tool err denied/);
    agent.say('end');
    const { tools } = await agent.agent.exited;
    expect(tools).toMatchObject([{ name: 'exec.echo', calls: 2, failed: 1 }]);
  });
});

test('nothing of it is offered where nobody says so', async () => {
  await using kernel = await openKernel();
  const told: string[] = [];
  const agent = await kernel.spawn({
    grants: { tools: 'all' },
    work: async ({ tools }) => {
      told.push(...(await tools()).map(({ name }) => name));
    },
  });
  await agent.exited;
  expect(told).toEqual([]);
});

test.each<[string, unknown, RegExp]>([
  ['a tool that is not there', { tools: ['fs.format'] }, /tools/],
  ['a command that is a shell', { exec: { x: { command: '/bin/sh' } } }, /is a shell/],
  ['a field that nobody knows', { shell: true }, /shell/],
  ['no record', 'all', /catalogue/],
])('a kernel is not opened with %s', async (_, catalogue, why) => {
  await expect(openKernel({ catalogue: catalogue as never })).rejects.toMatchObject({
    code: 'RF_USAGE',
    message: expect.stringMatching(why),
  });
});
