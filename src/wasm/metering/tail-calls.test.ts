/**
 * Goal: a chain of tail calls takes no more stack the longer it is, pays for what each call passes on, and
 * does what it did, whatever stands on the stack of one function and not of the next. Method: two
 * functions that call each other so, with numbers of parameters that do and don't fit registers.
 */

import { describe, expect, it } from 'vitest';
import { compare } from '../../../test/support/metering/compare.ts';
import { meterForTest, TestHost } from '../../../test/support/metering/meter-run.ts';
import { wat } from '../../../test/support/metering/wat.ts';
import { SLOTS_PER_UNIT } from './costs.ts';

const many = (count: number, text: string) => Array.from({ length: count }, () => text).join(' ');
const MODES = [{}, { references: 'unthreaded' }] as const;
const VALUES = { i64: '(i64.const 1)', v128: '(v128.const i64x2 1 1)' } as const;
const SLOTS = { i64: 1, v128: 2 } as const;
const COUNTS = [0, 7, 990];

/** How `$to`, the table's element `place`, is called last. */
const BY = {
  'its index': (to: string) => [`return_call $${to}`, ''],
  'a table': (to: string, place: number) => [
    `return_call_indirect (type $of-${to})`,
    `(i32.const ${place})`,
  ],
  'a reference': (to: string) => [`return_call_ref $of-${to}`, `(ref.func $${to})`],
} as const;

interface Chain {
  readonly by: keyof typeof BY;
  readonly passed: keyof typeof VALUES;
  readonly first: number;
  readonly second: number;
}

const CHAINS: readonly Chain[] = (Object.keys(BY) as (keyof typeof BY)[]).flatMap((by) =>
  (['i64', 'v128'] as const).flatMap((passed) =>
    COUNTS.flatMap((first) => COUNTS.map((second) => ({ by, passed, first, second }))),
  ),
);

/** `run(n)`: n tail calls to and fro. */
function chain({ by, passed, first, second }: Chain): string {
  const values = (count: number) => many(count, VALUES[passed]);
  const type = (name: string, count: number) =>
    `(type $of-${name} (func (param i32 ${many(count, passed)}) (result i32)))`;
  const func = (name: string, to: string, place: number, count: number, result: number) => {
    const [call, target] = BY[by](to, place);
    return `(func $${name} (type $of-${name}) (if (local.get 0) (then
      (${call} (i32.sub (local.get 0) (i32.const 1)) ${values(count)} ${target})))
      (i32.const ${result}))`;
  };
  return `(module ${type('a', first)} ${type('b', second)} (table 2 funcref) (elem (i32.const 0) $a $b)
    ${func('a', 'b', 1, second, 5)} ${func('b', 'a', 0, first, 7)}
    (func (export "run") (param i32) (result i32) (call $a (local.get 0) ${values(first)})))`;
}

describe.each(MODES)('a chain of tail calls in a module metered so: %o', (options) => {
  it.each(CHAINS)('goes by $by from $first to $second of $passed', async (each) => {
    const bytes = await wat(chain(each));
    expect(compare(bytes, 'a chain', options)).toBe('same');
    const metered = meterForTest(bytes, options);
    const host = new TestHost({ budget: 1n << 40n, slice: null });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), {
      [metered.injected]: host.imports(),
    });
    const run = exports.run as (calls: number) => number;
    const usedBy = (calls: number) => {
      const before = host.used;
      expect(run(calls)).toBe(calls % 2 === 0 ? 5 : 7);
      return Number(host.used - before);
    };
    const calls = 2_000;
    const used = usedBy(calls);
    expect(host.depthExhausted).toBe(false);
    // What is passed is paid for by who calls and by who is called.
    const slots = ((each.first + each.second) / 2) * SLOTS[each.passed];
    expect(used).toBeGreaterThan((2 * calls * slots) / SLOTS_PER_UNIT);
  });
});
