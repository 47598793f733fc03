/** Goal: what a host reads of an instance and writes back is all that was there, in the same place. */

import { describe, expect, it } from 'vitest';
import { meterForTest, TestHost } from '../../../test/support/metering/meter-run.ts';
import { wat } from '../../../test/support/metering/wat.ts';

async function instantiate(text: string) {
  const metered = meterForTest(await wat(text));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), {
    [metered.injected]: new TestHost({ budget: 1n << 40n, slice: null }).imports(),
  });
  return {
    image: metered.image,
    exports: exports as Record<string, (...values: unknown[]) => unknown>,
  };
}

const MODULE = `(module
  (global $constant i32 (i32.const 1))
  (global $a (mut i32) (i32.const -2)) (global $b (mut i64) (i64.const 0x7fffffffffffffff))
  (global $c (export "ringfence:read-globals") (mut f32) (f32.const -0)) (global $d (mut f64) (f64.const 0.1))
  (func (export "change") (global.set $a (i32.const 7)) (global.set $b (i64.const 8))
    (global.set $c (f32.const 9)) (global.set $d (f64.const 10)))
  (func (export "d") (result f64) (global.get $d)))`;

describe('the image of globals', () => {
  it('reads and writes all that can change, under names that no export has', async () => {
    const { image, exports } = await instantiate(MODULE);
    const { read, write, count } = image!.globals!;
    expect([read, count]).toEqual(['ringfence:read-globals:2', 4]);
    const before = [-2, 0x7fff_ffff_ffff_ffffn, -0, 0.1];
    expect(exports[read]!()).toEqual(before);
    exports.change!();
    expect(exports[read]!()).toEqual([7, 8n, 9, 10]);
    exports[write]!(...before);
    expect(exports[read]!()).toEqual(before);
    expect(exports.d!()).toBe(0.1);
  });

  it('is a value and no list where there is one', async () => {
    const { image, exports } = await instantiate(
      '(module (global $a (mut i64) (i64.const 5)) (func (export "run") (global.set $a (i64.const 6))))',
    );
    exports.run!();
    expect(exports[image!.globals!.read]!()).toBe(6n);
  });

  it('is nothing where none can change, and there is none where one is a reference', async () => {
    const { image } = await instantiate(
      '(module (global i32 (i32.const 1)) (func (export "run")))',
    );
    expect(image).toEqual({ memories: [], globals: null });
    const other = await instantiate(
      '(module (global (mut funcref) (ref.null func)) (func (export "run")))',
    );
    expect(other.image).toBeNull();
  });

  it('has memories only where they are no imports', async () => {
    const text = await wat('(module (memory 1) (func (export "run") (drop (memory.size))))');
    expect(meterForTest(text).image!.memories).toEqual(['ringfence:memory:0']);
    expect(meterForTest(text, { importMemories: true }).image!.memories).toEqual([]);
  });
});
