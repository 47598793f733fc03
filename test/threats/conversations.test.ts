/**
 * Family 41: floods of mail, monitors, subscriptions, timers and links, and replies that nobody asked
 * for. Goal: each ends at its cap, with a sentence that says so, and its victim keeps what it had.
 * Method: a guest that floods, and puppets that do what the test says; each beside what is allowed.
 */

import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LoadedModule, SpawnOptions } from '../../src/index.ts';
import { ASKED_MAX } from '../../src/ipc/conversations.ts';
import { MAILBOX_MESSAGES_MAX, MESSAGE_BYTES_MAX } from '../../src/ipc/message.ts';
import { RELATIONS_PER_AGENT_MAX } from '../../src/ipc/relations.ts';
import { TOPICS_PER_AGENT_MAX } from '../../src/ipc/topics.ts';
import { TIMERS_MAX } from '../../src/wasm/worker/timers.ts';
import { guest as example } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';
import { actsOf, NORMAL, useFence } from './support/fence.ts';
import { GuestText, PLACE } from './support/guest-text.ts';

const fence = useFence();
const FLOOD = 1_000_000;
const patient = { timeout: 180_000 };
const UNLIMITED = { messages: 0, wallTimeMs: 0 } as const;

/** Memory for messages that are too large by far. */
const text = new GuestText('1200')
  .use('ringfence:agent/ipc', 'send', '$send')
  .use('ringfence:agent/process', 'parent', '$parent')
  .sayOutcomes();
const word = text.text('a word');
const send = (kind: number, operands: string) => `(call $send
  (i32.const 0) (call $parent) (i32.const 0) (i64.const 0) (i32.const 0)
  (i32.const ${kind}) ${operands} (i32.const 0) (i64.const 0) (i32.const ${PLACE}))`;
const sendBytes = (bytes: number) =>
  `${send(2, `(i32.const 0) (i32.const ${bytes})`)} (call $say_outcome (i32.const ${PLACE}))`;
const run = actsOf(
  fence,
  text
    .act(
      'floods its parent',
      `(local.set $i (i32.const ${FLOOD}))
       (loop $l
         ${send(0, word.operands)}
         (local.set $n (i64.add (local.get $n)
           (i64.extend_i32_u (i32.eqz (i32.load8_u (i32.const ${PLACE}))))))
         (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
       (call $say_number (local.get $n))`,
    )
    .act('sends 64 MB', sendBytes(64 * 1024 * 1024))
    .act('sends a byte too many', sendBytes(MESSAGE_BYTES_MAX + 1))
    .act('sends almost 16 MiB', sendBytes(MESSAGE_BYTES_MAX - 65_536)),
);

let module: LoadedModule;
beforeAll(async () => {
  module = await fence().kernel.load(example('puppet'));
});

const puppets: Puppet[] = [];
afterEach(async () => {
  for (const { agent } of puppets.splice(0)) {
    agent.kill();
    await agent.exited;
  }
});

async function puppet(options: Omit<SpawnOptions, 'module'> = {}): Promise<Puppet> {
  const made = await spawnPuppet(fence().kernel, module, {
    grants: { ipc: 'all', spawn: 4 },
    ...options,
    limits: { messages: 0, ...options.limits },
  });
  puppets.push(made);
  return made;
}

/** Says the same so often at once, and answers how each came out. */
async function often(who: Puppet, times: number, line: (at: number) => string): Promise<string[]> {
  const answers: string[] = [];
  for (let at = 0; at < times; at += 1) {
    who.say(line(at));
  }
  for (let at = 0; at < times; at += 1) {
    answers.push(await who.answer());
  }
  return answers;
}

const oks = (answers: readonly string[]): number =>
  answers.filter((answer) => / ok\b/.test(answer)).length;

describe('family 41: mail', () => {
  it(
    '41: of 10^6 messages one who reads none gets 1,024, and reads on after those',
    patient,
    async () => {
      const victim = await puppet({ limits: { hostBytes: 0 } });
      const flood = await run('floods its parent', {
        parent: victim.agent,
        grants: { ipc: 'all' },
        limits: UNLIMITED,
      });
      expect(flood.report.exit).toEqual(NORMAL);
      expect(flood.report.usage.messages_sent).toBe(FLOOD);
      expect(Number(`0x${flood.said[0]}`)).toBe(MAILBOX_MESSAGES_MAX);
      const taken = await often(victim, MAILBOX_MESSAGES_MAX, () => 'receive 0');
      expect(new Set(taken)).toEqual(new Set([`receive ok ${flood.agent.pid} a word`]));
      expect(await victim.tell('receive 0')).toMatch(/^receive err timeout/);
      await victim.agent.send('news');
      expect(await victim.tell('receive 9000')).toBe('receive ok 0 news');
    },
  );

  it('41: a message of 64 MB ends its sender, and one of almost 16 MiB arrives', async () => {
    const limits = { hostBytes: 64 * 1024 * 1024 };
    const parent = await puppet({ limits });
    const options = {
      parent: parent.agent,
      grants: { ipc: 'all' },
      limits: { ...limits, messages: 9 },
    } as const;
    for (const act of ['sends 64 MB', 'sends a byte too many']) {
      const { said, report } = await run(act, options);
      // It is not even read out of the sender's memory.
      expect(report.exit).toMatchObject({
        reason: 'trap',
        message: 'the arguments of one call take more than 16777216 bytes: pass less at a time',
      });
      expect(said).toEqual([]);
    }
    expect(await parent.tell('receive 0')).toMatch(/^receive err timeout/);
    const sent = await run('sends almost 16 MiB', options);
    expect([sent.report.exit.message, ...sent.said]).toEqual([null, 'ok']);
  });

  it('41: what is sent to the dead, to nobody and to others is refused, and said why', async () => {
    const dead = await puppet();
    const friend = await puppet();
    const [ghost, stranger] = [dead.agent.pid, fence().neighbour.pid];
    await dead.end();
    const pids = [ghost, friend.agent.pid, 4_000_000];
    const sender = await puppet({ grants: { ipc: { pids } } });
    for (const word of ['send', 'request']) {
      expect(await sender.tell(`${word} ${ghost} boo`)).toMatch(RegExp(`^${word} err closed`));
      expect(await sender.tell(`${word} 4000000 boo`)).toMatch(RegExp(`^${word} err not-found`));
      expect(await sender.tell(`${word} ${stranger} boo`)).toMatch(RegExp(`^${word} err denied`));
      expect(await sender.tell(`${word} ${friend.agent.pid} hello`)).toMatch(RegExp(`^${word} ok`));
    }
    const { pid } = sender.agent;
    expect(await friend.tell('receive 9000')).toBe(`receive ok ${pid} hello`);
  });

  it('41: replies under every id that a stranger can guess are for nobody', async () => {
    const asked = await puppet();
    const asker = await puppet();
    const stranger = await puppet();
    expect(await asker.tell(`request ${asked.agent.pid} how`)).toBe('request ok 1');
    const guesses = await often(stranger, 300, (at) => `reply ${at} forged`);
    expect(guesses.every((each) => each.startsWith('reply err not-found'))).toBe(true);
    // Who was asked something by others replies to those.
    await stranger.tell(`request ${stranger.agent.pid} myself`);
    await stranger.tell('receive 9000');
    expect(await stranger.tell('reply 1 forged')).toBe('reply ok');
    await asked.tell('receive 9000');
    expect(await asked.tell('reply 1 well')).toBe('reply ok');
    expect(await asker.tell('receive 9000')).toBe(`receive ok reply ${asked.agent.pid} 1 well`);
    expect(await asker.tell('receive 0')).toMatch(/^receive err timeout/);
  });

  it('41: who asks more than it can wait for gives the oldest up, and nobody else’s', async () => {
    const asked = await puppet({ limits: { hostBytes: 0 } });
    const polite = await puppet();
    const flooder = await puppet();
    expect(await polite.tell(`request ${asked.agent.pid} please`)).toBe('request ok 1');
    expect(await asked.tell('receive 9000')).toMatch(/please$/);
    const { pid } = asked.agent;
    for (let round = 0; round < 2; round += 1) {
      expect(oks(await often(flooder, ASKED_MAX - 1, () => `request ${pid} x`))).toBe(
        ASKED_MAX - 1,
      );
      await often(asked, ASKED_MAX - 1, () => 'receive 0');
    }
    expect(await flooder.tell('await 1 0')).toMatch(/^receive err not-found/);
    expect(await flooder.tell(`await ${2 * ASKED_MAX - 2} 0`)).toMatch(/^receive err timeout/);
    expect(await asked.tell('reply 1 well')).toBe('reply ok');
    expect(await polite.tell('await 1 9000')).toBe(`receive ok reply ${pid} 1 well`);
  });
});

describe('family 41: watching', () => {
  it('41: a storm of monitors of itself, of others and of the dead ends at its cap', async () => {
    const watcher = await puppet();
    const other = await puppet();
    const { pid } = watcher.agent;
    const storm = await often(watcher, RELATIONS_PER_AGENT_MAX, () => `monitor ${pid}`);
    expect(oks(storm)).toBe(RELATIONS_PER_AGENT_MAX);
    for (const target of [pid, other.agent.pid, 4_000_000]) {
      expect(await watcher.tell(`monitor ${target}`)).toMatch(/^monitor err limit-exceeded/);
    }
    // What others hold of it is theirs.
    expect(await other.tell(`monitor ${pid}`)).toMatch(/^monitor ok/);
    expect(await watcher.tell(`demonitor ${storm[0]?.split(' ')[2]}`)).toBe('demonitor ok');
    expect(await watcher.tell(`monitor ${other.agent.pid}`)).toMatch(/^monitor ok/);
    watcher.agent.kill();
    expect(await other.tell('receive 9000')).toMatch(RegExp(`^receive ok down \\d+ ${pid} killed`));
    expect(await other.tell('receive 0')).toMatch(/^receive err timeout/);
  });

  it('41: monitors of the dead are told at once, and none more while those lie unread', async () => {
    const watcher = await puppet();
    const answers = await often(watcher, 1_100, () => 'monitor 4000000');
    expect(oks(answers)).toBe(1_024);
    expect(answers.at(-1)).toMatch(/^monitor err limit-exceeded/);
    expect(await watcher.tell('receive 0')).toMatch(/^receive ok down/);
    expect(await watcher.tell('monitor 4000000')).toMatch(/^monitor ok/);
  });

  it('41: a ring of links ends whole, each once, and nobody beside it', async () => {
    const ring = [await puppet(), await puppet(), await puppet()];
    const beside = await puppet();
    const pids = ring.map(({ agent }) => agent.pid);
    for (const [at, pid] of pids.entries()) {
      fence().kernel.link(pid, pids[(at + 1) % pids.length] as number);
      fence().kernel.link(pid, pid);
      await beside.tell(`monitor ${pid}`);
    }
    ring[1]?.agent.kill();
    for (const { agent } of ring) {
      expect((await agent.exited).exit.reason).toBe('killed');
    }
    const told = await often(beside, 3, () => 'receive 9000');
    expect(told.map((each) => Number(each.split(' ')[4])).sort()).toEqual([...pids].sort());
    expect(await beside.tell('receive 0')).toMatch(/^receive err timeout/);
  });
});

describe('family 41: topics and timers', () => {
  it('41: who subscribes to everything has 256 topics, and others theirs', async () => {
    const greedy = await puppet();
    const modest = await puppet();
    const answers = await often(greedy, TOPICS_PER_AGENT_MAX + 40, (at) => `subscribe t${at}`);
    expect(oks(answers)).toBe(TOPICS_PER_AGENT_MAX);
    expect(answers.at(-1)).toMatch(/^subscribe err limit-exceeded/);
    expect(await modest.tell('subscribe t290')).toBe('subscribe ok');
    expect(await fence().kernel.publish('t290', 'x')).toBe(1);
    expect(await greedy.tell('unsubscribe t1')).toBe('unsubscribe ok');
    expect(await greedy.tell('subscribe t290')).toBe('subscribe ok');
  });

  it('41: who sets timers without end has 256, also where they have rung', async () => {
    const agent = await puppet();
    const answers = await often(agent, TIMERS_MAX, (at) => (at % 2 ? 'every 1 t' : 'after 1 t'));
    expect(oks(answers)).toBe(TIMERS_MAX);
    expect(await agent.tell('after 1 t')).toMatch(/^after err limit-exceeded/);
    // The first rings once: then there is room for one.
    expect(await agent.tell('receive 9000')).toMatch(/^receive ok timer/);
    await often(agent, TIMERS_MAX - 1, () => 'receive 9000');
    expect(await agent.tell('after 1 t')).toMatch(/^after ok/);
  });
});
