/**
 * Families 19 to 31: memory and CPU. Goal: whatever a guest computes, it ends at its limit, exactly,
 * and takes no more than it may. Method: real guests through the public API beside a neighbour on the
 * same worker; each hostile act with the harmless one that differs in a number.
 */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { leb, RUNS, sectionsOf } from '../support/components.ts';
import { guest as example } from '../support/kernel.ts';
import { actsOf, type Ran, until, useFence } from './support/fence.ts';
import { componentOf, GuestText, PLACE } from './support/guest-text.ts';

const fence = useFence();
const MEBIBYTE = 1024 * 1024;
const FUEL = 1_000_000;

/** The agent used up exactly what it was given. */
function expectOutOfFuel({ report }: Ran): void {
  expect(report.exit).toMatchObject({ code: -1, reason: 'fuel' });
  expect(report.usage.fuel).toBe(FUEL);
}

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

describe('family 21: memory', () => {
  text.define('(table $grown 1 funcref)');
  const grow = (elements: number) => `(table.grow $grown (ref.null func) (i32.const ${elements}))`;
  const grown = text.text('grown');
  const refused = text.text('refused');
  const tell = (answer: string) => `(if (i32.eq ${answer} (i32.const -1))
    (then (call $say ${refused.operands})) (else (call $say ${grown.operands})))`;
  text
    .act('tables', `${tell(grow(10_000_000))} ${tell(grow(1000))}`)
    .act(
      'memory',
      `${tell('(memory.grow (i32.const -1))')} ${tell('(memory.grow (i32.const 1))')}`,
    );

  it('21: table.grow by 10^7 answers -1, by 10^3 it grows', async () => {
    const { report, said } = await run('tables', { limits: { memoryBytes: 32 * MEBIBYTE } });
    expect(report.exit.reason).toBe('normal');
    expect(said).toEqual(['refused', 'grown']);
    expect(report.usage.memory_bytes).toBeLessThan(2 * MEBIBYTE);
  });

  it('21: memory.grow by 2^32 - 1 pages answers -1 and costs nothing, by 1 it grows', async () => {
    const { report, said } = await run('memory', { limits: { fuel: FUEL } });
    expect(report.exit.reason).toBe('normal');
    expect(said).toEqual(['refused', 'grown']);
    const { report: quiet } = await run('nothing');
    expect(report.usage.memory_bytes - quiet.usage.memory_bytes).toBe(65_536);
    expect(report.usage.fuel).toBeLessThan(quiet.usage.fuel + 50_000);
  });

  it.each([
    ['a memory of 4 GiB', '(memory 65536)', '(memory 1)'],
    ['a table of 10^7 elements', '(table 10000000 funcref)', '(table 10 funcref)'],
  ])('21: %s is refused for what it declares', async (_, huge, small) => {
    const component = (definition: string) =>
      componentOf(`(component (core module $m ${definition})
        (core instance (instantiate $m)) ${RUNS})`);
    const spawning = async (bytes: Uint8Array) => {
      const module = await fence().load(bytes);
      return fence().run(module, { limits: { memoryBytes: 32 * MEBIBYTE } });
    };
    await expect(spawning(await component(huge))).rejects.toMatchObject({
      code: expect.stringMatching(/^RF_MODULE_/),
    });
    expect((await spawning(await component(small))).report.exit.reason).toBe('normal');
  });

  it('21: a data segment that says it has 1 GiB is refused, one of 4 bytes is not', async () => {
    const core = (length: readonly number[]) => [
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...section(11, [1, 0x01, ...length, 1, 2, 3, 4]),
    ];
    const section = (id: number, content: number[]) => [id, ...leb(content.length), ...content];
    const with_ = async (length: readonly number[]) => {
      const runs = await componentOf(`(component ${RUNS})`);
      const extra = sectionsOf([1, core(length)]).subarray(8);
      return Uint8Array.from([...runs, ...extra]);
    };
    expect((await fence().refusal(await with_(leb(2 ** 30)))).code).toBe('RF_MODULE_INVALID');
    expect((await fence().load(await with_([4]))).world).toBe('ringfence:agent');
  });
});

describe('family 22: bulk operations', () => {
  text.define(`(table $bulk 60000 funcref) (elem $segment funcref ${'(ref.null func) '.repeat(64)})
    (data $bytes "${'x'.repeat(4096)}")`);
  const LENGTH = 900_000;
  const operations = {
    'memory.fill': (length: number) =>
      `(memory.fill (i32.const 65536) (i32.const 7) (i32.const ${length}))`,
    'memory.copy': (length: number) =>
      `(memory.copy (i32.const 65536) (i32.const 65537) (i32.const ${length}))`,
    'table.fill': (length: number) =>
      `(table.fill $bulk (i32.const 0) (ref.null func) (i32.const ${Math.min(length, 50_000)}))`,
    'table.copy': (length: number) =>
      `(table.copy $bulk $bulk (i32.const 0) (i32.const 1) (i32.const ${Math.min(length, 50_000)}))`,
    'memory.init': (length: number) =>
      `(memory.init $bytes (i32.const 65536) (i32.const 0) (i32.const ${Math.min(length, 4096)}))`,
    'table.init': (length: number) =>
      `(table.init $bulk $segment (i32.const 0) (i32.const 0) (i32.const ${Math.min(length, 64)}))`,
  };
  const names = Object.keys(operations) as (keyof typeof operations)[];
  for (const name of names) {
    const operation = operations[name];
    text
      .act(name, operation(LENGTH))
      .act(`${name} for ever`, `(loop $l ${operation(LENGTH)} (br $l))`)
      .act(`${name} of 2^32 - 1`, operation(LENGTH).replace(/\d+\)\)$/, '-1))'));
  }

  it.each(names)('22: %s is charged by its length, in a loop it ends by fuel', async (name) => {
    const { report } = await run(name);
    expect(report.exit.reason).toBe('normal');
    expectOutOfFuel(await run(`${name} for ever`, { limits: { fuel: FUEL } }));
  });

  it.each(names)('22: %s of 2^32 - 1 traps before anything is done', async (name) => {
    const { report } = await run(`${name} of 2^32 - 1`, { limits: { fuel: FUEL } });
    expect(report.exit).toMatchObject({ code: -3, reason: 'trap' });
    expect(report.exit.message).toMatch(/out of bounds/);
    expect(report.usage.fuel).toBeLessThan(50_000);
  });

  it('22: 256 MiB at a time end by fuel, in the middle of one instruction', async () => {
    const module = await fence().kernel.load(example('bulk'));
    const limits = { memoryBytes: 1024 * MEBIBYTE, fuel: FUEL };
    expectOutOfFuel(await fence().run(module, { limits }));
  });
});

describe('families 23 and 24: a guest that brings its own fuel', () => {
  /** Has everything that metering injects, under the same names, and one that others inject. */
  const FAKE = `(core module $fake
    (global (export "fuel") (mut i64) (i64.const 0x7fffffffffffffff))
    (global (export "depth") (mut i32) (i32.const -1000000))
    (func (export "check") (result i32) (i32.const 0))
    (func (export "suspend"))
    (func (export "grow") (param i64) (result i32) (i32.const 1))
    (func (export "ungrow") (param i64))
    (func (export "exhausted_depth"))
    (func (export "gas") (param i64))
    (func (export "useGas") (param i32)))
    (core instance $fake (instantiate $fake))`;
  /** Sets every global that there is, its own and what it took for the host's, then goes round. */
  const component = (rounds: string) =>
    componentOf(`(component ${FAKE}
      (core module $guest
        (import "ringfence" "fuel" (global $their_fuel (mut i64)))
        (import "ringfence" "depth" (global $their_depth (mut i32)))
        (import "ringfence" "check" (func $check (result i32)))
        (import "ringfence" "suspend" (func $suspend))
        (import "ringfence" "grow" (func $grow (param i64) (result i32)))
        (import "env" "gas" (func $gas (param i64)))
        (import "metering" "useGas" (func $use_gas (param i32)))
        (global $first (export "fuel") (mut i64) (i64.const 0))
        (global $second (export "ringfence") (mut i64) (i64.const 0))
        (global $third (export "ringfence_1") (mut i32) (i32.const 0))
        (global $fourth (export "") (mut i64) (i64.const 0))
        (memory (export "memory") 1)
        (export "depth" (global $their_depth))
        (export "check" (func $check)) (export "suspend" (func $suspend))
        (func $recurse (param i32)
          (global.set $their_depth (i32.const -1000000))
          (if (local.get 0) (then (call $recurse (i32.sub (local.get 0) (i32.const 1))))))
        (func (export "run") (result i32) (local $round i64)
          (loop $again
            (global.set $their_fuel (i64.const 0x7fffffffffffffff))
            (global.set $first (i64.const 0x7fffffffffffffff))
            (global.set $second (i64.const 0x7fffffffffffffff))
            (global.set $third (i32.const -1))
            (global.set $fourth (i64.const -1))
            (drop (call $check)) (call $suspend) (drop (call $grow (i64.const 1)))
            (call $gas (i64.const -0x7fffffffffffffff))
            (call $use_gas (i32.const -1))
            (call $recurse (i32.const 100))
            (local.set $round (i64.add (local.get $round) (i64.const 1)))
            (br_if $again (i64.lt_u (local.get $round) (i64.const ${rounds}))))
          (if (i64.ne (global.get $their_fuel) (i64.const 0x7fffffffffffffff)) (then (unreachable)))
          (if (i32.ne (global.get $their_depth) (i32.const -1000000)) (then (unreachable)))
          (i32.const 64)))
      (core instance $guest (instantiate $guest
        (with "ringfence" (instance $fake)) (with "env" (instance $fake))
        (with "metering" (instance $fake))))
      (func (export "run") (result (result (error string)))
        (canon lift (core func $guest "run") (memory (core memory $guest "memory")))))`);

  it('23: names of what is injected are names like others: it counts all the same', async () => {
    const few = await fence().load(await component('10'));
    const { report } = await fence().run(few, { limits: { fuel: FUEL } });
    expect(report.exit).toEqual({ code: 0, reason: 'normal', message: null });
    const endless = await fence().load(await component('-1'));
    expectOutOfFuel(await fence().run(endless, { limits: { fuel: FUEL } }));
    const again = await fence().run(few, { limits: { fuel: report.usage.fuel - 1 } });
    expect(again.report.exit.reason).toBe('fuel');
  });

  it('24: a gas function that is called already is a function like others', async () => {
    // The guest above calls `env.gas` with amounts below zero in each round.
    const module = await fence().load(await component('100'));
    const [first, second] = [await fence().run(module), await fence().run(module)];
    expect(first.report.exit.reason).toBe('normal');
    expect(second.report.usage.fuel).toBe(first.report.usage.fuel);
    expect(first.report.usage.fuel).toBeGreaterThan(100 * 100);
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

describe('family 31: what is freed', () => {
  it('31: a thousand agents that crash with 2 MiB each leave the process as it was', async () => {
    const program = fileURLToPath(new URL('fixtures/crash-loop.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [program]);
    const { reasons, grown } = JSON.parse(stdout) as { reasons: string[]; grown: number };
    expect(reasons).toEqual(['trap']);
    // Without freeing it would be 2,000 MiB.
    expect(grown).toBeLessThan(400 * MEBIBYTE);
  });
});
