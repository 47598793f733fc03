/**
 * Families 53 to 55 and 58: exceptions, and what a guest does where the host calls back into it or
 * has ended it. Goal: it harms itself alone, gets no budget back, and does nothing after its end.
 * Method: reallocs and post-returns that misbehave, each with one that doesn't.
 */

import { describe, expect, it } from 'vitest';
import {
  actsOf,
  expectOutOfFuel,
  FUEL,
  NORMAL,
  TRAPPED,
  until,
  useFence,
} from './support/fence.ts';
import { agentOf, GUEST_PAGES, GuestText, importText, many, PLACE } from './support/guest-text.ts';

const fence = useFence();
const text = new GuestText(`${GUEST_PAGES} ${GUEST_PAGES + 8}`)
  .sayOutcomes()
  .use('wasi:random/random', 'get-random-bytes', '$random')
  .use('wasi:random/random', 'get-random-u64', '$number')
  .use('wasi:clocks/monotonic-clock', 'subscribe-duration', '$subscribe')
  .use('wasi:io/poll', '[method]pollable.block', '$block')
  .use('ringfence:agent/tools', 'call', '$call');
const run = actsOf(fence, text);

describe('family 53: exceptions', () => {
  text
    .define(`(tag $oops (param i32))
      (func $throws (throw $oops (i32.const 7)))
      (func $spends_and_throws (local $i i32)
        (local.set $i (i32.const 1000))
        (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
        (throw $oops (i32.const 7)))
      (func $thrown_through_the_host (param $caught i32)
        (block $all
          (try_table (catch_all $all)
            (call $random (i64.const 8) (i32.const ${PLACE})))
          (return))
        (unreachable))`)
    .act('throws', '(call $throws)')
    .act('throws and catches', '(block $c (try_table (catch_all $c) (call $throws)))')
    .act(
      'realloc throws and catches',
      text.reallocation('(block $c (try_table (catch_all $c) (call $throws))) (i32.const 8192)') +
        '(call $thrown_through_the_host (i32.const 0))',
    )
    .act(
      'realloc throws',
      text.reallocation('(call $throws) (i32.const 8192)') +
        '(call $thrown_through_the_host (i32.const 0))',
    )
    .act(
      'realloc throws, uncaught',
      text.reallocation('(call $throws) (i32.const 8192)') +
        `(call $random (i64.const 8) (i32.const ${PLACE}))`,
    )
    .act(
      'realloc spends and throws for ever',
      text.reallocation('(call $spends_and_throws) (i32.const 8192)') +
        `(loop $l (block $c (try_table (catch_all $c)
            (call $random (i64.const 8) (i32.const ${PLACE})))) (br $l))`,
    )
    .act('post-return throws', text.postReturn('(call $throws)'))
    .act(
      'spends and throws for ever',
      '(loop $l (block $c (try_table (catch_all $c) (call $spends_and_throws))) (br $l))',
    );

  it('53: one that nobody catches is a trap; one that is caught is nothing', async () => {
    expect((await run('throws')).report.exit).toMatchObject({ code: -3, reason: 'trap' });
    expect((await run('throws and catches')).report.exit).toEqual(NORMAL);
    expect((await run('post-return throws')).report.exit).toMatchObject({ reason: 'trap' });
  });

  it('53: one that leaves a realloc is a trap that the guest can not catch', async () => {
    for (const act of ['realloc throws', 'realloc throws, uncaught']) {
      const { report } = await run(act);
      expect(report.exit).toMatchObject({ code: -3, reason: 'trap' });
      expect(report.exit.message).toMatch(/cabi_realloc/);
    }
    expect((await run('realloc throws and catches')).report.exit).toEqual(NORMAL);
  });

  it('53: nothing that was spent before a throw comes back', async () => {
    expectOutOfFuel(await run('spends and throws for ever', { limits: { fuel: FUEL } }));
    const { report } = await run('realloc spends and throws for ever', { limits: { fuel: FUEL } });
    expect(report.exit.reason).toBe('trap');
  });
});

describe('family 54: waiting and ending where nothing can be suspended', () => {
  const wait = (nanoseconds: string) =>
    `(call $block (call $subscribe (i64.const ${nanoseconds})))`;
  const caught = (body: string) => `(block $c (try_table (catch_all $c) ${body}))`;
  text
    .act(
      'waits in realloc',
      `${text.reallocation(`${caught(wait('1000000'))} (i32.const 8192)`)}
      ${caught(`(call $random (i64.const 8) (i32.const ${PLACE}))`)}`,
    )
    .act('waits in post-return', text.postReturn(caught(wait('1000000'))))
    .act('asks for a number in post-return', text.postReturn(caught('(drop (call $number))')))
    .act('waits in run', wait('1000000'))
    .act('computes in post-return', text.postReturn('(local.set $i (i32.const 7))'));

  it.each(['waits in realloc', 'waits in post-return', 'asks for a number in post-return'])(
    '54: %s: it is ended, and does not catch that',
    async (act) => {
      const { report } = await run(act);
      expect(report.exit).toMatchObject(TRAPPED);
      expect(report.exit.message).toMatch(
        /it called an import from within (cabi_realloc|post-ret)/,
      );
    },
  );

  it('54: waiting in run and computing in post-return are fine', async () => {
    for (const act of ['waits in run', 'computes in post-return']) {
      expect((await run(act)).report.exit).toEqual(NORMAL);
    }
  });

  it('54: a start function that waits is killed while it does', async () => {
    const component = await agentThatWaitsInStart('-1');
    const agent = await fence().spawn(await fence().load(component));
    await until(() => agent.state === 'running');
    agent.kill('enough');
    expect((await agent.exited).exit).toMatchObject({ reason: 'killed', message: 'enough' });
    const brief = await fence().load(await agentThatWaitsInStart('1000000'));
    expect((await fence().run(brief)).report.exit).toEqual(NORMAL);
  });

  const agentThatWaitsInStart = (nanoseconds: string) =>
    agentOf(`(module
      ${importText('wasi:clocks/monotonic-clock', 'subscribe-duration', '$subscribe')}
      ${importText('wasi:io/poll', '[method]pollable.block', '$block')}
      (memory (export "memory") 1)
      (func $start ${wait(nanoseconds)})
      (start $start)
      (func (export "run") (result i32) (i32.const 64)))`);
});

describe('family 55: a straight line of host calls', () => {
  // As many as one function may have, beside those of the other acts: more are refused (caps.ts).
  const CALLS = 9_000;
  const name = text.text('end me');
  const nothing = text.text('null');
  const line = text.text('a line after the end');
  text.act(
    'calls on',
    `(call $call ${name.operands} ${nothing.operands} (i32.const ${PLACE}))
     ${many(CALLS, () => `(call $log (i32.const 2) ${line.operands})`)}`,
  );

  it('55: not one of nine thousand is performed after the kill', async () => {
    let end = false;
    fence().kernel.registerTool({ name: 'end me', description: 'May kill.' }, (_, { pid }) => {
      if (end) fence().kernel.kill(pid, 'enough');
    });
    const grants = { tools: ['end me'] };
    const alive = await run('calls on', { grants });
    expect(alive.report.exit).toEqual(NORMAL);
    expect(alive.said).toHaveLength(CALLS);
    end = true;
    const dead = await run('calls on', { grants });
    expect(dead.report.exit).toMatchObject({ reason: 'killed', message: 'enough' });
    expect(dead.said).toEqual([]);
  });
});

describe('family 58: what a realloc does and answers', () => {
  const draw = `(call $random (i64.const 8) (i32.const ${PLACE}))`;
  const drawn = `(if (i64.eqz (i64.load (i32.load (i32.const ${PLACE})))) (then (unreachable)))
    (if (i32.ne (i32.load offset=4 (i32.const ${PLACE})) (i32.const 8)) (then (unreachable)))`;
  const caught = `(block $c (try_table (catch_all $c) ${draw}) (br $c))`;
  const last = GUEST_PAGES * 65_536;
  const wrong: readonly [name: string, body: string][] = [
    ['traps', '(unreachable)'],
    ['calls an import', '(drop (call $number)) (i32.const 8192)'],
    ['answers the end of memory', `(i32.const ${last})`],
    ['answers a place that ends behind memory', `(i32.const ${last - 4})`],
    ['answers -1', '(i32.const -1)'],
    ['answers -8', '(i32.const -8)'],
    ['answers 2^31', '(i32.const 0x80000000)'],
  ];
  for (const [what, body] of wrong) {
    text.act(`realloc ${what}`, `${text.reallocation(body)} ${caught}`);
  }
  const grow = '(drop (memory.grow (i32.const 2)))';
  const fine: readonly [name: string, body: string][] = [
    ['answers the last place', `(i32.const ${last - 8})`],
    ['grows the memory', `${grow} (i32.const 8192)`],
    [
      'answers a place in what it has just grown',
      `(i32.mul (memory.grow (i32.const 1)) (i32.const 65536))`,
    ],
  ];
  for (const [what, body] of fine) {
    text.act(`realloc ${what}`, `${text.reallocation(body)} ${draw} ${drawn}`);
  }
  text
    .act(
      'realloc answers the place of the result',
      `${text.reallocation(`(i32.const ${PLACE})`)} ${draw}`,
    )
    .act(
      'realloc answers what the arguments stand in',
      `
      ${text.reallocation(`(i32.const ${PLACE})`)} (call $get_arguments (i32.const ${PLACE}))`,
    )
    .act(
      'realloc answers 0',
      `${text.reallocation('(i32.const 0)')} ${draw}
      (if (i64.eqz (i64.load (i32.const 0))) (then (unreachable)))`,
    );

  it.each(wrong)('58: a realloc that %s ends the agent, which does not catch it', async (what) => {
    const { report } = await run(`realloc ${what}`);
    expect(report.exit).toMatchObject(TRAPPED);
  });

  it.each(fine)('58: a realloc that %s is taken at its word', async (what) => {
    expect((await run(`realloc ${what}`)).report.exit).toEqual(NORMAL);
  });

  it('58: one that overlaps what the host writes harms the guest alone', async () => {
    for (const what of ['the place of the result', 'what the arguments stand in', '0']) {
      expect((await run(`realloc answers ${what}`)).report.exit).toEqual(NORMAL);
    }
  });

  it('58: one that grows asks within the limit of memory', async () => {
    const quiet = (await run('realloc answers the last place')).report.usage.memory_bytes;
    const limits = { memoryBytes: quiet + 65_536 };
    const { report } = await run('realloc grows the memory', { limits });
    // Two pages were asked for where one was left: -1, and it went on.
    expect(report.exit).toEqual(NORMAL);
    expect(report.usage.memory_bytes).toBe(quiet);
  });
});
