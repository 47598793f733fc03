/**
 * Families 21, 23, 24 and 59: components of several core modules. Goal: they have one budget and one
 * limit, and no name that one gives another stands in for what is counted with. Method: components whose
 * modules spend and grow by turns, and one that brings everything that metering injects.
 */

import { describe, expect, it } from 'vitest';
import { expectOutOfFuel, FUEL, NORMAL, useFence } from './support/fence.ts';
import { componentOf } from './support/guest-text.ts';

const fence = useFence();
const MEBIBYTE = 1024 * 1024;

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
    expect(report.exit).toEqual(NORMAL);
    const endless = await fence().load(await component('-1'));
    expectOutOfFuel(await fence().run(endless, { limits: { fuel: FUEL } }));
    const again = await fence().run(few, { limits: { fuel: report.usage.fuel - 1 } });
    expect(again.report.exit.reason).toBe('fuel');
  });

  it('24: a gas function that is called already is a function like others', async () => {
    // The guest above calls `env.gas` with amounts below zero in each round.
    const module = await fence().load(await component('10'));
    const [first, second] = [await fence().run(module), await fence().run(module)];
    expect(first.report.exit.reason).toBe('normal');
    expect(second.report.usage.fuel).toBe(first.report.usage.fuel);
    expect(first.report.usage.fuel).toBeGreaterThan(10 * 100);
  });
});

describe('family 59: several core modules', () => {
  /** Two modules that spend and grow by turns, with a memory and a table each. */
  const component = (rounds: string) => {
    const worker = (name: string) => `(core module $${name}
      (memory (export "memory") 1) (table $t 1 funcref)
      (func (export "spend") (local $i i32)
        (local.set $i (i32.const 100))
        (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))))
      (func (export "grow") (result i32)
        (drop (table.grow $t (ref.null func) (i32.const 4096)))
        (memory.grow (i32.const 1))))
      (core instance $${name} (instantiate $${name}))`;
    return componentOf(`(component ${worker('one')} ${worker('two')} ${worker('three')}
      (core module $guest
        (import "one" "spend" (func $spend_one)) (import "two" "spend" (func $spend_two))
        (import "one" "grow" (func $grow_one (result i32)))
        (import "two" "grow" (func $grow_two (result i32)))
        (import "three" "grow" (func $grow_three (result i32)))
        (memory (export "memory") 1)
        (func (export "run") (result i32) (local $i i64)
          (loop $l
            (call $spend_one) (call $spend_two)
            (drop (call $grow_one)) (drop (call $grow_two)) (drop (call $grow_three))
            (drop (memory.grow (i32.const 1)))
            (local.set $i (i64.add (local.get $i) (i64.const 1)))
            (br_if $l (i64.lt_u (local.get $i) (i64.const ${rounds}))))
          (i32.const 64)))
      (core instance $guest (instantiate $guest (with "one" (instance $one))
        (with "two" (instance $two)) (with "three" (instance $three))))
      (func (export "run") (result (result (error string)))
        (canon lift (core func $guest "run") (memory (core memory $guest "memory")))))`);
  };

  it('59: they have one budget of fuel', async () => {
    const few = await fence().load(await component('20'));
    const { report } = await fence().run(few);
    expect(report.exit).toEqual(NORMAL);
    const { fuel } = report.usage;
    expect((await fence().run(few, { limits: { fuel } })).report.exit).toEqual(NORMAL);
    const less = await fence().run(few, { limits: { fuel: fuel - 1 } });
    expect(less.report.exit.reason).toBe('fuel');
    const endless = await fence().load(await component('-1'));
    expectOutOfFuel(await fence().run(endless, { limits: { fuel: FUEL } }));
  });

  it('59: and 21: their memories and tables have one limit', async () => {
    const endless = await fence().load(await component('-1'));
    const memoryBytes = 8 * MEBIBYTE;
    const limits = { fuel: 100 * FUEL, memoryBytes };
    const { report } = await fence().run(endless, { limits });
    expect(report.exit.reason).toBe('fuel');
    expect(report.usage.memory_bytes).toBeLessThanOrEqual(memoryBytes);
    expect(report.usage.memory_bytes).toBeGreaterThan(memoryBytes - 65_536);
    const wide = await fence().run(endless, { limits: { ...limits, memoryBytes: 64 * MEBIBYTE } });
    expect(wide.report.usage.memory_bytes).toBeGreaterThan(memoryBytes);
  });
});
