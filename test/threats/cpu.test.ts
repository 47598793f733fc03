/**
 * Families 19, 20 and 26 to 28: CPU. Goal: whatever a guest computes, it ends at its limit, exactly, and
 * holds up nobody. Method: real guests through the public API beside a neighbour on the same worker;
 * each hostile act with the harmless one that differs in a number.
 */

import { describe, expect, it } from 'vitest';
import { RUNS } from '../support/components.ts';
import { guest as example } from '../support/kernel.ts';
import { actsOf, expectOutOfFuel, FUEL, until, useFence } from './support/fence.ts';
import { componentOf, GuestText, PLACE } from './support/guest-text.ts';

const fence = useFence();

const text = new GuestText()
  .use('wasi:random/random', 'get-random-bytes', '$random')
  .use('wasi:clocks/monotonic-clock', 'subscribe-duration', '$subscribe')
  .use('wasi:io/poll', 'poll', '$poll')
  .use('wasi:io/poll', '[resource-drop]pollable', '$drop_pollable');
const run = actsOf(fence, text);
text.act('nothing', '');

describe('family 19: loops where nothing can be suspended, or nobody looks', () => {
  const twice = text.postReturn(`(local.set $i (i32.const 2))
    (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))`);
  const forEver = text.postReturn('(loop $l (br $l))');
  text.act('post-return twice', twice).act('post-return for ever', forEver);

  it('19: a loop in post-return ends by fuel, timeout and kill', async () => {
    expect((await run('post-return twice')).report.exit.reason).toBe('normal');
    expectOutOfFuel(await run('post-return for ever', { limits: { fuel: FUEL } }));
    const late = await run('post-return for ever', { limits: { wallTimeMs: 100 } });
    expect(late.report.exit.reason).toBe('timeout');
    const agent = await run.start('post-return for ever');
    await until(() => agent.slices() > 0);
    agent.kill('enough');
    expect((await agent.exited).exit).toMatchObject({ reason: 'killed', message: 'enough' });
  });

  it('19: a loop in a start function ends by kill', async () => {
    const module = await fence().kernel.load(example('loop-in-start'));
    const agent = await fence().kernel.spawn({ module });
    await until(() => agent.slices() > 0);
    agent.kill('enough');
    expect((await agent.exited).exit).toEqual({ code: -1, reason: 'killed', message: 'enough' });
  });

  it('19: a destructor of the guest’s own is never called: its resource is refused', async () => {
    const component = (more: string) =>
      componentOf(`(component
        (core module $m (func (export "destroy") (param i32) (loop $l (br $l))))
        (core instance $i (instantiate $m)) ${more} ${RUNS})`);
    const refusal = await fence().refusal(
      await component('(type $r (resource (rep i32) (dtor (core func $i "destroy"))))'),
    );
    expect(refusal.code).toBe('RF_MODULE_REFUSED');
    const module = await fence().load(await component(''));
    expect((await fence().run(module)).report.exit.reason).toBe('normal');
  });
});

describe('family 20: recursion', () => {
  text.define(`(func $deeper (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $deeper (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))`);
  const recursing = (depth: number) =>
    text.reallocation(`(drop (call $deeper (i32.const ${depth}))) (i32.const 8192)`);
  const draw = `(call $random (i64.const 8) (i32.const ${PLACE}))`;
  text
    .act('realloc recurses', `${recursing(50)} ${draw}`)
    .act('realloc recurses for ever', `${recursing(-1)} ${draw}`)
    .act(
      'deep realloc recurses',
      `${recursing(5000)} (drop (call $deeper (i32.const 5000))) (call $draw_deep (i32.const 5000))`,
    )
    .define(`(func $draw_deep (param i32)
      (if (local.get 0)
        (then (call $draw_deep (i32.sub (local.get 0) (i32.const 1))) (drop (i32.const 0)))
        (else ${draw})))`);

  it('20: recursion of a realloc within a host call ends by the same depth', async () => {
    expect((await run('realloc recurses')).report.exit.reason).toBe('normal');
    for (const act of ['realloc recurses for ever', 'deep realloc recurses']) {
      const { report } = await run(act);
      expect(report.exit).toEqual({ code: -3, reason: 'trap', message: 'call stack exhausted' });
    }
  });
});

describe('family 26: the edges of fuel', () => {
  text.act('2^64 - 1 random bytes', `(call $random (i64.const -1) (i32.const ${PLACE}))`);
  text.act('8 random bytes', `(call $random (i64.const 8) (i32.const ${PLACE}))`);

  it('26: one unit is one unit, and the largest number of them is enough', async () => {
    const module = await fence().kernel.load(example('endless-loop'));
    const { report } = await fence().run(module, { limits: { fuel: 1 } });
    expect(report.exit.reason).toBe('fuel');
    expect(report.usage.fuel).toBe(1);
    const most = await run('nothing', { limits: { fuel: Number.MAX_SAFE_INTEGER } });
    expect(most.report.exit.reason).toBe('normal');
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '5', 10n, null])(
    '26: %s units are refused',
    async (fuel) => {
      await expect(run('nothing', { limits: { fuel } as never })).rejects.toMatchObject({
        code: 'RF_USAGE',
      });
    },
  );

  it('26: a length of 2^64 - 1 gives no fuel back', async () => {
    expect((await run('8 random bytes')).report.exit.reason).toBe('normal');
    const { report } = await run('2^64 - 1 random bytes', { limits: { fuel: FUEL } });
    expect(report.exit).toMatchObject({ code: -3, reason: 'trap' });
    expect(report.usage.fuel).toBeGreaterThan(0);
    expect(report.usage.fuel).toBeLessThan(FUEL);
  });
});

describe('family 27: loops without a loop', () => {
  text
    .define(`
      (table $tails 2 funcref) (elem (table $tails) (i32.const 0) func $tail $tail_indirect)
      (type $tail (func (param i32) (result i32)))
      (func $tail (type $tail) (if (result i32) (local.get 0)
        (then (return_call $tail (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 7))))
      (func $tail_indirect (type $tail) (if (result i32) (local.get 0)
        (then (return_call_indirect $tails (type $tail)
          (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
        (else (i32.const 7))))
      (func $behind_nothing (type $tail)
        (block $out
          (loop $dead
            (block $here (br $here) (br_if $dead (i32.const 1)) (loop $deader (br $deader)) (br $out))
            (br_if $dead (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (i32.const 7))`)
    .act('tail calls', '(drop (call $tail (i32.const 1000)))')
    .act('tail calls for ever', '(drop (call $tail (i32.const -1)))')
    .act('tail calls by a table', '(drop (call $tail_indirect (i32.const 1000)))')
    .act('tail calls by a table for ever', '(drop (call $tail_indirect (i32.const -1)))')
    .act('around dead code', '(drop (call $behind_nothing (i32.const 1000)))')
    .act('around dead code for ever', '(drop (call $behind_nothing (i32.const 0)))');

  it.each(['tail calls', 'tail calls by a table', 'around dead code'])(
    '27: %s end by fuel',
    async (act) => {
      expect((await run(act)).report.exit.reason).toBe('normal');
      expectOutOfFuel(await run(`${act} for ever`, { limits: { fuel: FUEL } }));
    },
  );
});

describe('family 28: waiting', () => {
  const subscribe = (count: number) => `(loop $l
    (i32.store (i32.add (i32.const 16384) (i32.shl (local.get $i) (i32.const 2)))
      (call $subscribe (i64.const 1000000)))
    (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${count}))))
    (call $poll (i32.const 16384) (i32.const ${count}) (i32.const ${PLACE}))`;
  const drop = (count: number) => `(local.set $i (i32.const 0)) (loop $l
    (call $drop_pollable (i32.load (i32.add (i32.const 16384) (i32.shl (local.get $i) (i32.const 2)))))
    (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${count}))))
    (local.set $i (i32.const 0))`;
  text
    .act('sleep', `${subscribe(3)} ${drop(3)}`)
    .act('sleep storm', `(loop $again ${subscribe(4000)} ${drop(4000)} (br $again))`);

  it('28: a storm of sleeps holds up nobody, and ends by its timeout', async () => {
    expect((await run('sleep')).report.exit.reason).toBe('normal');
    const storm = run('sleep storm', { limits: { wallTimeMs: 1_000 } });
    await fence().everybodyIsWell();
    expect((await storm).report.exit.reason).toBe('timeout');
  });

  it('28: a wait of 2^64 ns uses no fuel, and ends by its timeout', async () => {
    const module = await fence().kernel.load(example('sleeper-in-poll'));
    const limits = { wallTimeMs: 200, fuel: FUEL };
    const { report } = await fence().run(module, { limits });
    expect(report.exit.reason).toBe('timeout');
    expect(report.usage.fuel).toBeLessThan(10_000);
  });
});
