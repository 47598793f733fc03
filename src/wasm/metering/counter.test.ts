/**
 * Goal: no guest takes the counter past its 32 bits, where it would come back as fuel. Method: frames that
 * are left one after another without a check, each behind as many segments as can be begun with little,
 * which all charge for what stands behind the place that they are left from.
 */

import { describe, expect, it } from 'vitest';
import { meterForTest, TestHost } from '../../../test/support/metering/meter-run.ts';
import { wat } from '../../../test/support/metering/wat.ts';

/** As many frames as the depth allows, nearly: 72 bytes each. */
const FRAMES = 6_500;
/** No path comes lower, so that what ends an agent, 2 ** 30 below zero, doesn't wrap either. */
const COUNTER_MIN = -(2 ** 30);
const SMALL = '(drop (global.get $one))';

/** What may be charged with a segment that control has left before: all that isn't split off. */
const BEHIND = {
  'instructions and an arm of an if': `${SMALL.repeat(31)}
    (if (global.get $one) (then ${SMALL.repeat(8)}))`,
  'a call of a leaf': `${SMALL.repeat(30)} (call $leaf)`,
};

const LEFT = {
  'a branch': '(br_if $out (global.get $one))',
  'a return': '(if (global.get $one) (then (return)))',
};

async function instantiate(levels: number, behind: string, left: string) {
  const text = `(module
    (global $one (mut i32) (i32.const 1)) (global $frames (mut i32) (i32.const 0))
    (func $leaf ${SMALL.repeat(23)})
    (func $f
      (block $call (br_if $call (i32.eqz (global.get $frames)))
        (global.set $frames (i32.sub (global.get $frames) (i32.const 1))) (call $f))
      (block $out ${'(if (global.get $one) (then '.repeat(levels)} ${left}
        ${`${behind} ))`.repeat(levels)}))
    (func (export "run") (param i32) (global.set $frames (local.get 0)) (call $f)))`;
  const metered = meterForTest(await wat(text));
  const host = new TestHost({ budget: 1n << 40n, slice: null });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), {
    [metered.injected]: host.imports(),
  });
  return { host, run: exports.run as (frames: number) => void };
}

describe.each(Object.entries(LEFT))('a counter that frames left by %s charge', (_, left) => {
  it.each(
    Object.entries(BEHIND).flatMap(([what, code]) =>
      // As deep as blocks may stand, and as deep as nothing is asked in between.
      [4_080, 450].map((levels) => ({ what, code, levels })),
    ),
  )('does not wrap with $what behind $levels blocks', async ({ code, levels }) => {
    const { host, run } = await instantiate(levels, code, left);
    const usedBy = (frames: number) => {
      host.enter();
      const before = host.used;
      run(frames);
      expect(host.fuel.value).toBeGreaterThan(COUNTER_MIN);
      return host.used - before;
    };
    const one = usedBy(0);
    const each = usedBy(1) - one;
    // Its positive control: this many frames are there, and all of them are counted.
    expect(usedBy(FRAMES)).toBe(one + each * BigInt(FRAMES));
    expect(host.depthExhausted).toBe(false);
  });
});
