/**
 * Families 28 and 41, as far as neighbours go: agents that wake each other without end, and mail that
 * fills what the host holds for its receiver. Goal: others get on. Method: agents beside a victim that
 * has something left to do.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { guest as example } from '../support/kernel.ts';
import { actsOf, NORMAL, until, useFence } from './support/fence.ts';
import { GuestText, PLACE } from './support/guest-text.ts';

const fence = useFence();
const MEBIBYTE = 1024 * 1024;

/** Slices of who computes, over which two others are watched… */
const SLICES = 100;
/** …and by how much more than who computes they may run meanwhile. With turns of equal length it is 1. */
const TIMES_AS_LONG_MAX = 10;

/** Handles that the victim opens once its mailbox is full. */
const HANDLES = 500;

const text = new GuestText()
  .use('wasi:clocks/monotonic-clock', 'subscribe-duration', '$subscribe')
  .use('ringfence:agent/ipc', 'receive', '$receive')
  .use('ringfence:agent/ipc', 'send', '$send')
  .use('ringfence:agent/tools', 'call', '$call');
const run = actsOf(fence, text);
const grants = { ipc: 'all', tools: 'all' } as const;

const word = text.text('a word');
const whom = text.text('whom');
const when = text.text('when');
const nothing = text.text('null');
const receive = `(call $receive (i32.const 0) (i64.const 0) (i32.const 0)
  (i32.const 0) (i64.const 0) (i32.const ${PLACE}))`;
/** Sends a text (0) or bytes (2) to a pid, without waiting. */
const send = (pid: string, kind: number, at: string, bytes: string) => `(call $send
  (i32.const 0) ${pid} (i32.const 0) (i64.const 0) (i32.const 0)
  (i32.const ${kind}) ${at} ${bytes} (i32.const 0) (i64.const 0) (i32.const ${PLACE}))`;
/** The pid that the tool answers, as JSON, in `$n`. */
const askWhom = `
  (call $call ${whom.operands} ${nothing.operands} (i32.const ${PLACE}))
  (local.set $i (i32.load offset=4 (i32.const ${PLACE})))
  (local.set $j (i32.add (local.get $i) (i32.load offset=8 (i32.const ${PLACE}))))
  (loop $digits
    (local.set $n (i64.add (i64.mul (local.get $n) (i64.const 10))
      (i64.sub (i64.load8_u (local.get $i)) (i64.const 48))))
    (br_if $digits
      (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $j))))`;

text
  // Answers whoever wrote; what the kernel writes is passed on to whom the tool says.
  .act(
    'chats',
    `(loop $l
       ${receive}
       (local.set $n (i64.load offset=16 (i32.const ${PLACE})))
       (if (i64.eqz (local.get $n)) (then ${askWhom}))
       ${send('(local.get $n)', 0, ...operandsOf(word))}
       (br $l))`,
  )
  // Messages of 256 KiB, then of half as much, and so on to the last byte.
  .act(
    'fills a mailbox',
    `${askWhom}
     (local.set $k (i32.const 262144))
     (loop $l
       ${send('(local.get $n)', 2, '(i32.const 0)', '(local.get $k)')}
       (br_if $l (i32.eqz (i32.load8_u (i32.const ${PLACE}))))
       (br_if $l (local.tee $k (i32.shr_u (local.get $k) (i32.const 1)))))`,
  )
  .act(
    'opens handles',
    `(call $call ${when.operands} ${nothing.operands} (i32.const ${PLACE}))
     (local.set $i (i32.const ${HANDLES}))
     (loop $l
       (drop (call $subscribe (i64.const 0)))
       (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
     (call $say ${word.operands})`,
  );

function operandsOf({ at, bytes }: { at: number; bytes: number }): [string, string] {
  return [`(i32.const ${at})`, `(i32.const ${bytes})`];
}

let asked: () => unknown = () => null;
let released: () => unknown = () => null;
beforeAll(() => {
  fence().kernel.registerTool({ name: 'whom', description: 'Says a pid.' }, () => asked());
  fence().kernel.registerTool({ name: 'when', description: 'Answers later.' }, () => released());
});

describe('family 28: agents that wake each other without end', () => {
  it('28: starve nobody who computes', async () => {
    const limits = { messages: 0, wallTimeMs: 0 };
    const one = await run.start('chats', { grants, limits });
    const other = await run.start('chats', { grants, limits });
    const endless = await fence().kernel.load(example('endless-loop'));
    const computing = await fence().spawn(endless, { limits });
    asked = () => other.pid;
    await one.send('begin');
    const sent = () => one.usage().messages_sent;
    await until(() => sent() > 100 && computing.slices() > 0);
    const [slices, messages] = [computing.slices(), sent()];
    const ranMs = (...agents: { usage(): { cpu_time_ms: number } }[]) =>
      agents.reduce((sum, agent) => sum + agent.usage().cpu_time_ms, 0);
    const [chattedMs, computedMs] = [ranMs(one, other), ranMs(computing)];
    await until(() => computing.slices() >= slices + SLICES);
    // Both get on. Whoever is woken first always would leave nothing: one slice in a hundred and more.
    expect(sent() - messages).toBeGreaterThan(SLICES);
    expect(ranMs(one, other) - chattedMs).toBeLessThan(
      (ranMs(computing) - computedMs) * TIMES_AS_LONG_MAX,
    );
    for (const agent of [one, other, computing]) {
      agent.kill();
      expect((await agent.exited).exit.reason).toBe('killed');
    }
  });
});

describe('family 41: mail that fills what the host holds', () => {
  it('41: leaves its receiver room for handles of its own', async () => {
    const opened = Promise.withResolvers<void>();
    released = () => opened.promise;
    const limits = { hostBytes: MEBIBYTE };
    const victim = await run.start('opens handles', { grants, limits });
    asked = () => victim.pid;
    await until(() => victim.usage().tool_calls === 1);
    const sender = await run('fills a mailbox', { grants });
    expect(sender.report.exit).toEqual(NORMAL);
    expect(sender.report.usage.messages_sent).toBeGreaterThan(3);
    await expect(victim.send('')).rejects.toMatchObject({ code: 'RF_MAILBOX_FULL' });
    opened.resolve();
    const { report, said } = await fence().ended(victim);
    expect(report.exit).toEqual(NORMAL);
    expect(said).toEqual(['a word']);
  });

  it('41: what is held for it otherwise is still bounded', async () => {
    released = () => null;
    const limits = { hostBytes: (HANDLES / 2) * 256 };
    const { report } = await run('opens handles', { grants, limits });
    expect(report.exit).toMatchObject({ reason: 'trap' });
    expect(report.exit.message).toMatch(/limit-exceeded/);
  });
});
