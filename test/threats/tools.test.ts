/**
 * Families 36 to 38, 40 and 41 at the tools: floods of calls, arguments that are bombs, answers that are, and
 * commands. Goal: each comes out in a typed way within its bound, is counted, and the neighbour's call works.
 * Method: a guest that floods, and puppets that do what the test says.
 */

import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Isolation, LoadedModule, SpawnOptions } from '../../src/index.ts';
import { guest as example } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';
import { actsOf, HOST_WORDS, NORMAL, useFence } from './support/fence.ts';
import { GuestText, PLACE } from './support/guest-text.ts';

const fence = useFence();
const FLOOD = 20_000;

const text = new GuestText().use('ringfence:agent/tools', 'call', '$call').sayOutcomes();
const call = (name: string, json: string) =>
  `(call $call ${text.text(name).operands} ${text.text(json).operands} (i32.const ${PLACE}))`;
/** Calls so often, and says how many calls were answered by ok. */
const flood = (calling: string) => `(local.set $i (i32.const ${FLOOD}))
  (loop $l
    ${calling}
    (local.set $n (i64.add (local.get $n)
      (i64.extend_i32_u (i32.eqz (i32.load8_u (i32.const ${PLACE}))))))
    (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
  (call $say_number (local.get $n))`;
const run = actsOf(
  fence,
  text
    .act('floods a tool', flood(call('fine', '{}')))
    .act('floods nobody', flood(call('nobody', '{}')))
    .act('floods with bad arguments', flood(call('fine', '{"more":1}'))),
);

let module: LoadedModule;
const secret = new Error('at /srv/host/secret.ts: the password is hunter2');
beforeAll(async () => {
  module = await fence().kernel.load(example('puppet'));
  const { kernel } = fence();
  const parameters = { type: 'object', additionalProperties: false };
  kernel.registerTool({ name: 'fine', description: '', parameters }, () => 'fine');
  kernel.registerTool({ name: 'any', description: '' }, () => 'any');
  kernel.registerTool({ name: 'throws', description: '' }, () => {
    throw secret;
  });
  kernel.registerTool({ name: 'throws later', description: '' }, async function* () {
    yield 1;
    throw secret;
  });
  kernel.registerTool(
    { name: 'never', description: '', timeoutMs: 50 },
    () => new Promise(() => {}),
  );
  const huge = 'x'.repeat(500 * 1024 * 1024);
  kernel.registerTool({ name: 'gigabyte', description: '' }, () => [huge, huge]);
  kernel.registerTool({ name: 'endless', description: '' }, async function* () {
    for (;;) {
      yield 'x'.repeat(20);
    }
  });
});

const puppets: Puppet[] = [];
afterEach(async () => {
  await Promise.all(puppets.splice(0).map((puppet) => puppet.end()));
});

async function puppet(options: Omit<SpawnOptions, 'module'> = {}): Promise<Puppet> {
  const made = await spawnPuppet(fence().kernel, module, { grants: { tools: 'all' }, ...options });
  puppets.push(made);
  return made;
}

describe('family 41: floods of calls', () => {
  const grants = { tools: 'all' } as const;
  const sum = (said: readonly string[]) => Number.parseInt(said[0] ?? '', 16);

  it('41: of 20,000 calls those are worked on that the limit allows', async () => {
    const { said, report } = await run('floods a tool', { grants, limits: { toolCalls: 100 } });
    expect(sum(said)).toBe(100);
    expect(report.exit).toEqual(NORMAL);
    expect(report.usage.tool_calls).toBe(100);
    expect(report.tools).toMatchObject([{ name: 'fine', calls: 100, failed: 0 }]);
  });

  it('41: where there is no limit all are, and the neighbour’s call too', async () => {
    const neighbour = await puppet();
    const flooding = run('floods a tool', { grants, limits: { toolCalls: 0 } });
    expect(await neighbour.tell('tool any {}')).toBe('tool ok "any"');
    const { said } = await flooding;
    expect(sum(said)).toBe(FLOOD);
  });

  it('41: of tools that are not there, and of calls that are refused, one row is kept', async () => {
    const limits = { toolCalls: 0 };
    const nobody = await run('floods nobody', { grants, limits });
    expect(sum(nobody.said)).toBe(0);
    expect(nobody.report.tools).toMatchObject([{ name: null, calls: FLOOD, failed: FLOOD }]);
    const bad = await run('floods with bad arguments', { grants, limits });
    expect(bad.report.tools).toMatchObject([{ name: 'fine', calls: FLOOD, failed: FLOOD }]);
  });
});

describe('family 41: agents that keep a tool to themselves', () => {
  it.each([
    ['41: an agent that asks without end leaves the turn after next to another', [1], true],
    ['41: agents of one owner that ask without end do too', [1, 2, 3, 4], true],
    ['41: one that is their sibling waits as they do', [1, 2, 3, 4], false],
  ])('%s', async (_, askers, isOther) => {
    const { kernel } = fence();
    onTestFinished(() => void kernel.unregisterTool('one turn'));
    const turns: string[] = [];
    let endTurn: (() => void) | undefined;
    kernel.registerTool(
      { name: 'one turn', description: '', concurrency: 1, queue: 8 },
      (_args, { agentId }) =>
        new Promise<void>((resolve) => {
          turns.push(agentId);
          endTurn = resolve;
        }),
    );
    const grants = { tools: ['one turn'] };
    const flood = await Promise.all(
      askers.map((asker) =>
        kernel.spawn({
          agentId: `asker ${asker}`,
          owner: 'many',
          grants,
          work: async ({ callTool }) => {
            await Promise.allSettled(Array.from({ length: 20 }, () => callTool('one turn', {})));
          },
        }),
      ),
    );
    await expect.poll(() => turns.length).toBe(1);
    const asked = Promise.withResolvers<void>();
    const other = await kernel.spawn({
      agentId: 'other',
      owner: isOther ? 'other' : 'many',
      grants,
      work: async ({ callTool }) => {
        const answer = callTool('one turn', {});
        asked.resolve();
        await answer;
        return 'answered';
      },
    });
    await asked.promise;
    let hasEnded = false;
    const exited = Promise.all([other, ...flood].map((agent) => agent.exited)).then(() => {
      hasEnded = true;
    });
    while (!hasEnded) {
      endTurn?.();
      await new Promise(setImmediate);
    }
    await exited;
    expect(other.result).toBe('answered');
    expect(turns.slice(0, isOther ? 3 : 6)).toContain('other');
    expect(turns.length).toBeGreaterThan(6);
  });
});

describe.each<Isolation>(['shared', 'process'])('isolation %s', (isolation) => {
  it.each([
    ['36: 10^5 levels', 'any', '['.repeat(100_000), /^tool err invalid/],
    [
      '36: __proto__ where arguments are described',
      'fine',
      '{"__proto__":{"x":1}}',
      /^tool err invalid/,
    ],
    [
      '36: a key of 10^5 characters',
      'fine',
      `{"${'k'.repeat(100_000)}":1}`,
      /^tool err invalid .{1,300}$/,
    ],
    ['36: no JSON', 'any', '{"a":', /^tool err invalid/],
    ['36: a stream that nobody has opened', 'any', '{"$stream":"1"}', /^tool err not-found/],
    ['36: a stream by a name that is none', 'any', '{"$stream":{"a":1}}', /^tool err invalid/],
  ])('%s: refused in a sentence, and the next call works', async (_, tool, json, why) => {
    const agent = await puppet({ isolation });
    expect(await agent.tell(`tool ${tool} ${json}`)).toMatch(why);
    expect(await agent.tell('tool any {}')).toBe('tool ok "any"');
  });

  it('36: names of 10^4 tools reach none that is not there', async () => {
    const agent = await puppet({ isolation, limits: { toolCalls: 0 } });
    for (let at = 0; at < 10_000; at += 500) {
      agent.say(`tool n${at}${'x'.repeat(200)} {}`);
      expect(await agent.answer()).toMatch(/^tool err not-found/);
    }
    agent.say('end');
    const { tools } = await agent.agent.exited;
    expect(tools).toMatchObject([{ name: null, calls: 20 }]);
  });

  it('37: what a tool throws is the operator’s, at once or in a stream', async () => {
    const agent = await puppet({ isolation });
    const once = await agent.tell('tool throws {}');
    expect(once).toBe('tool err unavailable the tool failed: the host knows why');
    agent.say('end');
    await agent.agent.exited;
    const warnings = fence().warnings.splice(0);
    expect(warnings).toEqual([expect.stringContaining('hunter2')]);
    expect(once).not.toMatch(HOST_WORDS);
  });

  it('38: a tool that never answers is given up in its time', async () => {
    const agent = await puppet({ isolation });
    expect(await agent.tell('tool never {}')).toMatch(/^tool err timeout/);
    expect(await agent.tell('tool any {}')).toBe('tool ok "any"');
  });

  it('41: an answer of a gigabyte is refused before it is written', async () => {
    const agent = await puppet({ isolation });
    expect(await agent.tell('tool gigabyte {}')).toMatch(/^tool err limit-exceeded/);
    expect(await agent.tell('tool any {}')).toBe('tool ok "any"');
  });

  it('41: streams without end are bounded, each and together', async () => {
    const agent = await puppet({ isolation });
    for (let open = 0; open < 16; open += 1) {
      const answer = await agent.tell('tool endless {}');
      expect(answer).toMatch(/^tool ok \{"\$stream"/);
      expect(answer.length).toBeLessThan(64 * 30);
    }
    expect(await agent.tell('tool endless {}')).toMatch(/^tool err limit-exceeded/);
    const neighbour = await puppet({ isolation });
    expect(await neighbour.tell('tool endless {}')).toMatch(/^tool ok/);
  });
});
