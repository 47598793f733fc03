/**
 * Goal: no way of an exception gives fuel back or goes to another handler than it would. Method: programs
 * whose handlers lead to places that other ways lead to as well, compared with their plain runs, whose
 * fuel must not depend on slices; and a host that throws where it is asked for fuel.
 */

import { describe, expect, it } from 'vitest';
import { compare } from '../../../test/support/metering/compare.ts';
import { meterForTest, TestHost } from '../../../test/support/metering/meter-run.ts';
import { wat } from '../../../test/support/metering/wat.ts';
import { COST_TRY } from './costs.ts';

const COUNT_TO_1000 =
  '(br_if $l (i32.lt_s (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000)))';

/** What a handler leads to has other ways to it: fuel on those must count too. */
const JOINED = {
  'an if without else': '(if $h (i32.const 0) (then (try_table (catch_all $h) (throw $t))))',
  'an if without else that is taken at times':
    '(if $h (i32.and (local.get $n) (i32.const 1)) (then (try_table (catch_all $h) (throw $t))))',
  'an if with else':
    '(if $h (i32.const 0) (then (try_table (catch_all $h) (throw $t))) (else (nop)))',
  'a block that is left by a branch':
    '(block $h (br_if $h (i32.const 1)) (try_table (catch_all $h) (throw $t)))',
  'a block that is left by a branch on null':
    '(block $h (br_on_null $h (ref.null func)) (drop) (try_table (catch_all $h) (throw $t)))',
  'a block that is left by a table of branches':
    '(block $h (block (br_table $h 0 (i32.const 0))) (try_table (catch_all $h) (throw $t)))',
  'another try': `(try_table $h (catch_all $l)
      (try_table (catch_all $h) (br_if $h (i32.const 1)) (throw $t)))`,
};

/** Where a legacy handler's exception goes when a loop inside of it throws it again. */
const RETHROWN = {
  'out of the only handler':
    'try (result i32) try throw $a catch_all loop rethrow 1 end end i32.const 0 catch $a i32.const 1 end',
  'of the inner handler': `try (result i32) try throw $a catch_all try throw $b catch_all loop rethrow 1 end end end
    i32.const 0 catch $a i32.const 1 catch $b i32.const 2 end`,
  'of the outer handler': `try (result i32) try throw $a catch_all block block try throw $b catch_all loop rethrow 4
    end end end end end i32.const 0 catch $a i32.const 1 catch $b i32.const 2 end`,
  'after some rounds': `try (result i32) try throw $a catch_all
    loop local.get 0 i32.const 1 i32.add local.tee 0 i32.const 9 i32.lt_s br_if 0 rethrow 1 end end
    i32.const 0 catch $a local.get 0 end`,
};

const MODES = [{}, { references: 'unthreaded' }] as const;

describe.each(MODES)('exceptions of a module metered so: %o', (options) => {
  it.each(Object.entries(JOINED))('give no fuel back where they lead to %s', async (_, body) => {
    const text = `(module (tag $t) (func (export "run") (result i32) (local $n i32)
      (loop $l ${body} ${COUNT_TO_1000}) (local.get $n)))`;
    expect(compare(await wat(text), body, options)).toBe('same');
  });

  it.each(Object.entries(RETHROWN))('are thrown again %s', async (_, body) => {
    const text = `(module (tag $a) (tag $b)
      (func (export "run") (result i32) (local i32) ${body}))`;
    expect(compare(await wat(text), body, options)).toBe('same');
  });

  it.each(['return_call', 'call'])('of an imported function by %s', async (call) => {
    const text = `(module (import "env" "throw" (func $throw (param i32)))
      (tag $t (import "env" "wasmtag") (param i32))
      (func $last (try_table (catch_all 0) (${call} $throw (i32.const 2))))
      (func (export "run") (result i32) (block $h (try_table (catch_all $h)
        (call $last) (return (i32.const 1)))) (i32.const 2)))`;
    expect(compare(await wat(text), call, options)).toBe('same');
  });

  it('that the host throws where it is asked give nothing back', async () => {
    const text = `(module (memory 1) (global $caught (export "caught") (mut i32) (i32.const 0))
      (func $work (loop $l (br $l)))
      (func (export "run") (loop $l
        (block $h (try_table (catch_all $h) (call $work)))
        (global.set $caught (i32.add (global.get $caught) (i32.const 1))) (br $l))))`;
    const metered = meterForTest(await wat(text), options);
    const host = new TestHost({ budget: 10_000n, slice: null });
    const injected = host.imports();
    const asked: number[] = [];
    const check = (fuel: number) => {
      asked.push(fuel);
      if (asked.length === 1) throw new RangeError('the stack of the host is at its end');
      return (injected.check as (fuel: number) => number)(fuel);
    };
    const module = new WebAssembly.Module(metered.bytes);
    const { exports } = new WebAssembly.Instance(module, {
      [metered.injected]: { ...injected, check },
    });
    expect(exports.run).toThrow(WebAssembly.RuntimeError);
    // It was caught, and asked again at once.
    expect(asked).toHaveLength(2);
    expect(asked[1]).toBeLessThan(asked[0]!);
    expect((exports.caught as WebAssembly.Global).value).toBe(0);
  });

  it('that nobody takes are paid for where they are let through', async () => {
    const fuelOf = async (depth: number) => {
      const text = `(module (tag $t) (tag $u) (func (export "run")
        try ${'try '.repeat(depth)} throw $t ${'catch $u end '.repeat(depth)} catch_all end))`;
      const metered = meterForTest(await wat(text), options);
      const host = new TestHost({ budget: 1n << 40n, slice: null });
      const module = new WebAssembly.Module(metered.bytes);
      const { exports } = new WebAssembly.Instance(module, { [metered.injected]: host.imports() });
      (exports.run as () => void)();
      return Number(host.used);
    };
    expect((await fuelOf(1000)) - (await fuelOf(0))).toBe(1000 * COST_TRY);
  });
});
