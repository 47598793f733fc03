/**
 * Goal: the runner of the official suite sees what it should see. Method: small scripts in the suite's
 * language, metered, and in the metering's place what does something else.
 */

import { beforeAll, describe, expect, test } from 'vitest';
import { RingfenceError } from '../../../src/errors.ts';
import { meter } from '../../../src/wasm/metering/meter.ts';
import { wat } from '../metering/wat.ts';
import { readCommands } from './commands.ts';
import { type Counts, noCounts } from './counts.ts';
import type { Meter } from './prepare.ts';
import { compileHostModules, runScript, type ScriptReport } from './suite-run.ts';
import type { HostModules } from './world.ts';

const SCRIPT = `
  (module $first (; a (; nested ;) comment ;)
    (import "spectest" "print_i32" (func $print (param i32)))
    (tag $thrown)
    (memory (export "memory") 1)
    (global (export "global") (mut f32) (f32.const nan:0x200001))
    (func (export "count") (param i32) (result i32)
      (loop $again
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br_if $again (local.get 0)))
      (call $print (i32.const 7))
      (i32.store (i32.const 8) (i32.const 7))
      (local.get 0))
    (func (export "nan") (result f32) (f32.div (f32.const 0) (f32.const 0)))
    (func (export "same") (param v128 externref) (result v128 externref)
      (local.get 0) (local.get 1))
    (func (export "trap") unreachable)
    (func (export "throw") (throw $thrown))
    (func $deep (export "deep") (result i64) (i64.add (call $deep) (i64.const 1))))
  (register "first" $first)
  (assert_return (invoke "count" (i32.const 1000)) (i32.const 0))
  (assert_return (get "global") (f32.const nan:0x200001))
  (assert_return (invoke "nan") (f32.const nan:canonical))
  (assert_return (invoke "same" (v128.const i32x4 1 2 3 -4) (ref.extern 5))
    (v128.const i32x4 1 2 3 0xfffffffc) (ref.extern 5))
  (assert_trap (invoke "trap") "unreachable")
  (assert_exception (invoke "throw"))
  (assert_exhaustion (invoke "deep") "call stack exhausted")
  (assert_trap (module (func $start unreachable) (start $start)) "unreachable")
  (assert_unlinkable (module (import "first" "trap" (func (param i32)))) "incompatible")
  (module quote "(func (export \\"one\\") (result i64)" "(i64.const 1))")
  (assert_return (invoke "one") (i64.const 1))
  (assert_return (invoke $first "count" (i32.const 1)) (i32.const 0))
  (assert_malformed (module quote "(func") "unexpected")
  (assert_invalid (module (func (result i32))) "type mismatch")`;

const ADDS = `(module (func (export "f") (param i32) (result i32)
  (i32.add (local.get 0) (i32.const 1))))`;
const ONE_ASSERTION = `${ADDS} (assert_return (invoke "f" (i32.const 3)) (i32.const 4))`;

const metered: Meter = (bytes, options) => meter(bytes, {}, options);

let modules: HostModules;

async function run(script: string, by: Meter): Promise<{ report: ScriptReport; counts: Counts }> {
  const counts = noCounts();
  return { report: await runScript(script, modules, counts, by), counts };
}

beforeAll(async () => {
  modules = await compileHostModules();
});

describe('the runner of the official suite', () => {
  test('runs every kind of command, and metered code does the same', async () => {
    const { report, counts } = await run(SCRIPT, metered);
    expect(report).toEqual({ differences: [], plain: [] });
    expect(counts).toMatchObject({
      modulesRun: 4,
      assertionsCompared: 11,
      plainAsTheScriptSays: 11,
      assertionsSkipped: 0,
      invalid: { badText: 1, refusedByBoth: 1 },
    });
    expect(counts.fuel).toBeGreaterThan(4_000n);
  });

  test('sees that a metered module gives another result', async () => {
    expect((await run(ONE_ASSERTION, metered)).report.differences).toEqual([]);
    const other = await wat(ADDS.replace('i32.add', 'i32.sub'));
    const { report } = await run(ONE_ASSERTION, () => meter(other));
    expect(report.plain).toEqual([]);
    expect(report.differences).toHaveLength(4);
  });

  test('sees that results differ in bits of a NaN which the script names', async () => {
    const text = (bits: string) =>
      `(module (func (export "f") (result f64) (f64.const nan:0x${bits})))`;
    const assertion = '(assert_return (invoke "f") (f64.const nan:0x4000000000001))';
    const script = `${text('4000000000001')} ${assertion}`;
    expect((await run(script, metered)).report).toEqual({ differences: [], plain: [] });
    const other = await wat(text('4000000000002'));
    expect((await run(script, () => meter(other))).report.differences).toHaveLength(4);
  });

  test('sees that another memory is left behind', async () => {
    const text = (value: number) =>
      `(module (memory (export "m") 1) (data (i32.const 0) "${value}"))`;
    expect((await run(text(1), metered)).report.differences).toEqual([]);
    const other = await wat(text(2));
    expect((await run(text(1), () => meter(other))).report.differences).toHaveLength(4);
  });

  test('counts the fuel that metered code uses', async () => {
    const { counts } = await run(ONE_ASSERTION, metered);
    expect(counts.fuel).toBeGreaterThan(0n);
    const plain: Meter = (bytes) => ({ bytes, injected: 'ringfence', startExport: null });
    expect((await run(ONE_ASSERTION, plain)).counts.fuel).toBe(0n);
  });

  test('says what is refused by name, and runs nothing that needs it', async () => {
    const refuse: Meter = () => {
      throw new RingfenceError('RF_MODULE_REFUSED', 'refused', { feature: 'additions (0x6a)' });
    };
    const { report, counts } = await run(ONE_ASSERTION, refuse);
    expect(report).toEqual({ differences: [], plain: [] });
    expect(counts).toMatchObject({ refused: { additions: 1 }, assertionsSkipped: 1 });
  });

  test.each([
    ['throws something else', new TypeError('of the metering itself')],
    ['calls a valid module broken', new RingfenceError('RF_MODULE_INVALID', 'broken')],
  ])('reports a metering that %s', async (_, error) => {
    const fail: Meter = () => {
      throw error;
    };
    expect((await run(ONE_ASSERTION, fail)).report.differences).toHaveLength(1);
  });

  test('reads scripts with annotations, escapes and commands that it does not know', () => {
    const script =
      '((@a "(") module (@b) $m) (register "\\u{e9}\\n\\41" $m) (assert_new (invoke "f"))';
    expect(readCommands(script)).toMatchObject([
      { kind: 'module', id: '$m' },
      { kind: 'register', name: 'é\nA', id: '$m' },
      { kind: 'unknown', head: 'assert_new' },
    ]);
  });
});
