/**
 * Goal: every proposal of WebAssembly 3.0 runs metered as it does plain, and none of them is a way out of
 * the budget. Method: a small program for each, plain and in slices of several lengths; hostile ones, each
 * with a control beside it that does the same thing with measure.
 */

import { describe, expect, it } from 'vitest';
import {
  type HostOptions,
  instantiateMetered,
  meterForTest,
  TestHost,
} from '../../../test/support/metering/meter-run.ts';
import { wat } from '../../../test/support/metering/wat.ts';
import { COST_ALLOCATION, COST_BULK, DEPTH_LIMIT_BYTES } from './costs.ts';
import { type MeteredModule, meter, meterTogether } from './meter.ts';

type Exports = Record<string, (...values: unknown[]) => unknown>;

const FEATURES = { gc: true, relaxedSimd: true };
const PLENTY: HostOptions = { budget: 1n << 40n, slice: null };

interface Run {
  readonly host: TestHost;
  readonly exports: Exports;
  readonly metered: MeteredModule;
}

async function instantiate(text: string, options: HostOptions = PLENTY): Promise<Run> {
  const metered = meterForTest(await wat(`(module ${text})`));
  const host = new TestHost(options);
  const module = new WebAssembly.Module(metered.bytes);
  const instance = instantiateMetered(module, metered, { h: { f: () => {} } }, host);
  return { host, exports: instance.exports as unknown as Exports, metered };
}

/** Sums what `$next` gives from `i` = 20 down. */
const LOOP = (step: string) => `(func (export "run") (result i64) (local $i i32) (local $sum i64)
  (local.set $i (i32.const 20))
  (loop $l (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 3)) ${step}))
    (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
  (local.get $sum))`;
const wide = (text: string) => `(i64.extend_i32_u ${text})`;

/** Each has a function `run` that answers an i64. */
const CORPUS: Readonly<Record<string, string>> = {
  'several memories': `(memory $a 1) (memory $b 2 5) (memory $c (export "m") 1) (data $d "0123456789")
    (func $next (param $i i32) (result i32)
      (i32.store $b offset=70000 (local.get $i) (i32.const 77))
      (memory.fill $a (i32.const 0) (local.get $i) (i32.const 100))
      (memory.copy $c $b (i32.const 5) (i32.const 70000) (i32.const 300))
      (memory.copy $b $a (i32.const 0) (i32.const 3) (i32.const 50))
      (memory.init $c $d (local.get $i) (i32.const 2) (i32.const 5))
      (drop (memory.grow $b (i32.const 1)))
      (i32.add (i32.add (i32.load8_u $b (local.get $i)) (i32.load $c (local.get $i)))
        (i32.add (memory.size $b) (memory.size $c))))
    ${LOOP(wide('(call $next (local.get $i))'))}`,
  'memories of 64 bits': `(memory $m i64 1 4) (memory $n 1) (data $d "0123456789")
    (func $next (param $i i32) (result i64) (local $p i64)
      (local.set $p (i64.extend_i32_u (local.get $i)))
      (i64.store $m offset=0x100 (local.get $p) (local.get $p))
      (memory.fill $m (local.get $p) (i32.const 9) (i64.const 10))
      (memory.copy $m $n (i64.const 50) (i32.const 0) (i32.const 8))
      (memory.copy $n $m (i32.const 0) (local.get $p) (i32.const 8))
      (memory.copy $m $m (i64.const 60) (local.get $p) (i64.const 8))
      (memory.init $m $d (local.get $p) (i32.const 2) (i32.const 5))
      (i64.add (i64.add (memory.grow $m (i64.const 1)) (memory.size $m))
        (i64.load $m (local.get $p))))
    ${LOOP('(call $next (local.get $i))')}`,
  'tables of 64 bits': `(table $t i64 4 40 funcref) (table $u 4 funcref) (elem $e func $one $two)
    (func $one (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
    (func $two (param i32) (result i32) (i32.add (call $h) (local.get 0))) (func $h (result i32) (i32.const 5))
    (func $next (param $i i32) (result i64)
      (table.init $t $e (i64.const 0) (i32.const 0) (i32.const 2))
      (table.fill $t (i64.const 2) (ref.func $two) (i64.const 2))
      (table.copy $u $t (i32.const 1) (i64.const 0) (i32.const 3))
      (table.copy $t $t (i64.const 1) (i64.const 0) (i64.const 2))
      (i64.add (table.grow $t (ref.func $one) (i64.const 1)) (i64.extend_i32_u
        (i32.add (call_indirect $t (param i32) (result i32) (local.get $i) (i64.const 2))
          (call_indirect $u (param i32) (result i32) (local.get $i) (i32.const 1))))))
    (func $last (param $i i32) (result i32)
      (return_call_indirect $t (param i32) (result i32) (local.get $i) (i64.const 3)))
    ${LOOP(`(i64.add (call $next (local.get $i)) ${wide('(call $last (local.get $i))')})`)}`,
  'tables with an initial value': `(func $f (result i32) (i32.const 7)) (table $t 5 (ref func) (ref.func $f))
    ${LOOP(wide('(call_indirect $t (result i32) (i32.const 4))'))}`,
  'calls of references': `(type $t (func (param i32) (result i32))) (elem declare func $f $g)
    (func $f (type $t) (i32.mul (local.get 0) (i32.const 5)))
    (func $g (type $t) (if (result i32) (local.get 0)
      (then (return_call_ref $t (i32.sub (local.get 0) (i32.const 1)) (ref.func $g))) (else (i32.const 4))))
    (func $either (param i32) (result (ref $t))
      (if (result (ref $t)) (i32.and (local.get 0) (i32.const 1)) (then (ref.func $f)) (else (ref.func $g))))
    ${LOOP(wide('(call_ref $t (local.get $i) (call $either (local.get $i)))'))}`,
  'branches on null': `(type $t (func (result i32))) (func $f (type $t) (i32.const 9)) (elem declare func $f)
    (func $next (param $i i32) (result i32) (local $r (ref null $t))
      (if (i32.and (local.get $i) (i32.const 1)) (then (local.set $r (ref.func $f))))
      (block $null (return (call_ref $t (br_on_null $null (local.get $r)))))
      (i32.add (call $other (ref.func $f)) (call $other (ref.null $t))))
    (func $other (param $r (ref null $t)) (result i32)
      (block $some (result (ref $t)) (br_on_non_null $some (local.get $r)) (return (i32.const 3)))
      (drop) (call_ref $t (ref.as_non_null (local.get $r))))
    ${LOOP(wide('(call $next (local.get $i))'))}`,
  'structs of groups of types': `(rec (type $list (struct (field $head (mut i8)) (field $next (ref null $list))))
      (type $visit (func (param (ref null $list)) (result i32))))
    (func $sum (type $visit) (local $s i32)
      (block $end (loop $l
        (local.set $s (i32.add (local.get $s) (struct.get_u $list $head (br_on_null $end (local.get 0)))))
        (local.set 0 (struct.get $list $next (local.get 0))) (br $l)))
      (local.get $s))
    (func $make (param $i i32) (result (ref null $list)) (local $l (ref null $list))
      (loop $again (local.set $l (struct.new $list (local.get $i) (local.get $l)))
        (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (struct.set $list $head (local.get $l) (i32.const 200)) (local.get $l))
    ${LOOP(wide('(call $sum (call $make (local.get $i)))'))}`,
  arrays: `(type $bytes (array (mut i8))) (type $functions (array (mut funcref))) (type $wide (array (mut i64)))
    (data $d "0123456789abcdef") (elem $e func $f $f) (func $f)
    (func $next (param $i i32) (result i32) (local $a (ref null $bytes)) (local $b (ref null $bytes))
      (local $c (ref null $functions))
      (local.set $a (array.new $bytes (i32.const 7) (i32.const 100)))
      (local.set $b (array.new_data $bytes $d (i32.const 2) (i32.const 12)))
      (array.init_data $bytes $d (local.get $a) (local.get $i) (i32.const 3) (i32.const 9))
      (array.copy $bytes $bytes (local.get $a) (i32.const 50) (local.get $b) (i32.const 1) (i32.rem_u (local.get $i) (i32.const 11)))
      (array.fill $bytes (local.get $a) (i32.const 0) (local.get $i) (i32.const 8))
      (local.set $c (array.new_elem $functions $e (i32.const 0) (i32.const 2)))
      (array.init_elem $functions $e (array.new_default $functions (i32.const 3)) (i32.const 1) (i32.const 0) (i32.const 2))
      (array.set $bytes (local.get $b) (i32.const 0) (array.get_s $bytes (local.get $a) (i32.const 51)))
      (drop (array.new_fixed $wide 3 (i64.const 1) (i64.const 2) (i64.const 3)))
      (i32.add (i32.add (array.get_u $bytes (local.get $a) (local.get $i)) (array.get_u $bytes (local.get $b) (i32.const 0)))
        (array.len (local.get $c))))
    ${LOOP(wide('(call $next (local.get $i))'))}`,
  'long arrays, in pieces': `(type $w (array (mut i64))) (type $b (array (mut i8))) (data $d "${'01234567'.repeat(40)}")
    (global $a (mut (ref null $w)) (ref.null $w))
    (func (export "run") (result i64) (local $c (ref $b))
      (global.set $a (array.new_default $w (i32.const 700000)))
      (array.fill $w (global.get $a) (i32.const 5) (i64.const 11) (i32.const 600000))
      (array.set $w (global.get $a) (i32.const 9) (i64.const 99))
      (array.copy $w $w (global.get $a) (i32.const 3) (global.get $a) (i32.const 0) (i32.const 650000))
      (array.copy $w $w (global.get $a) (i32.const 0) (global.get $a) (i32.const 1) (i32.const 650000))
      (local.set $c (array.new $b (i32.const 3) (i32.const 3000000)))
      (array.copy $b $b (local.get $c) (i32.const 100) (local.get $c) (i32.const 0) (i32.const 2900000))
      (i64.add (array.get $w (global.get $a) (i32.const 11))
        (i64.extend_i32_u (array.get_u $b (local.get $c) (i32.const 2999999)))))`,
  'casts of subtypes': `(type $a (sub (struct (field i32)))) (type $b (sub $a (struct (field i32) (field i64))))
    (func $make (param i32) (result (ref $a)) (if (result (ref $a)) (i32.and (local.get 0) (i32.const 1))
      (then (struct.new $a (local.get 0))) (else (struct.new $b (local.get 0) (i64.const 5)))))
    (func $next (param i32) (result i32) (local $r (ref $a)) (local.set $r (call $make (local.get 0)))
      (block $b (result (ref $b)) (drop (br_on_cast $b (ref $a) (ref $b) (local.get $r)))
        (return (i32.add (ref.test (ref $b) (local.get $r)) (i32.const 100))))
      (return (i32.add (struct.get $b 0) (struct.get $a 0 (ref.cast (ref $b) (local.get $r))))))
    ${LOOP(wide('(call $next (local.get $i))'))}`,
  'casts that fail': `(type $a (struct (field i32))) (func $next (param i32) (result i32)
      (block $no (result anyref)
        (return (i31.get_u (br_on_cast_fail $no anyref (ref i31)
          (if (result anyref) (i32.and (local.get 0) (i32.const 1))
            (then (ref.i31 (local.get 0))) (else (struct.new $a (i32.const 3))))))))
      (return (struct.get $a 0 (ref.cast (ref $a)))))
    ${LOOP(wide('(call $next (local.get $i))'))}`,
  'references of the host as any': `(func $next (param i32) (result i32)
      (i31.get_s (ref.cast (ref i31) (any.convert_extern (extern.convert_any (ref.i31 (local.get 0)))))))
    ${LOOP(wide('(call $next (local.get $i))'))}`,
  'constants that are structs': `(type $w (array i64)) (type $s (struct (field i32) (field (ref $w))))
    (global $g (ref $s) (struct.new $s (i32.const 4) (array.new $w (i64.const 8) (i32.const 9))))
    (global $h (ref $w) (array.new_fixed $w 2 (i64.const 3) (i64.const 4))) (global $i i31ref (ref.i31 (i32.const 1)))
    ${LOOP('(i64.add (array.get $w (struct.get $s 1 (global.get $g)) (i32.const 8)) (array.get $w (global.get $h) (i32.const 1)))')}`,
  'exceptions in functions that take no fuel': `(type $t (func (param i32) (result i32))) (tag $x (param i32))
    (elem declare func $f) (func $g (param i32) (result i32) (if (local.get 0) (then (throw $x (local.get 0)))) (i32.const 1))
    (func $f (type $t) (i32.add (call $g (i32.and (local.get 0) (i32.const 3))) (i32.const 5)))
    (func $next (param $i i32) (result i32) (local $n i32)
      (block $h (result i32) (try_table (result i32) (catch $x $h) (call_ref $t (local.get $i) (ref.func $f))))
      (local.set $n) (i32.add (local.get $n) (local.get $i)))
    (func $caught (param $i i32) (result i32)
      (try_table (result i32) (catch $x 0) (return (call_ref $t (local.get $i) (ref.func $f)))))
    ${LOOP(wide('(i32.add (call $next (local.get $i)) (call $caught (local.get $i)))'))}`,
  'relaxed SIMD': LOOP(
    `(i64x2.extract_lane 0 (i8x16.relaxed_laneselect (i64x2.splat (i64.extend_i32_u (local.get $i)))
      (i64x2.splat (i64.const 77)) (i64x2.splat (i64.const -1))))`,
  ),
};

describe('a proposal', () => {
  it.each(Object.entries(CORPUS))(
    '%s: runs as it does plain, the same for all slices',
    async (_, text) => {
      const plain = new WebAssembly.Instance(new WebAssembly.Module(await wat(`(module ${text})`)))
        .exports as unknown as Exports;
      const expected = plain.run!();
      const { host, exports } = await instantiate(text);
      expect(exports.run!()).toBe(expected);
      expect(host.used).toBeGreaterThan(0n);
      expect(host.depth.value).toBe(DEPTH_LIMIT_BYTES);
      for (const slice of [7n, 1_000n]) {
        const sliced = await instantiate(text, { budget: 0n, slice });
        expect(sliced.exports.run!()).toBe(expected);
        expect(sliced.host.used).toBe(host.used);
        expect(sliced.host.suspensions).toBeGreaterThan(0);
      }
      const less = await instantiate(text, { budget: host.used / 2n, slice: null });
      expect(() => less.exports.run!()).toThrow('unreachable');
      expect(less.host.stopped).toBe(true);
    },
  );

  it('of the garbage collector is charged by the published table', async () => {
    const text = `(type $s (struct (field i64) (field (ref null $s)))) (type $b (array (mut i8))) (type $r (array (mut anyref)))
      (data $d "0123456789abcdef")
      (func (export "none"))
      (func (export "struct") (struct.new_default $s) (drop))
      (func (export "array") (array.new_default $b (i32.const 4000)) (drop))
      (func (export "fixed") (array.new_fixed $b 2 (i32.const 1) (i32.const 2)) (drop))
      (func (export "data") (array.new_data $b $d (i32.const 0) (i32.const 16)) (drop))
      (func (export "fill") (local $a (ref null $b)) (local.set $a (array.new_default $b (i32.const 4000)))
        (array.fill $b (local.get $a) (i32.const 0) (i32.const 1) (i32.const 4000)))
      (func (export "copy") (local $a (ref null $r)) (local.set $a (array.new_default $r (i32.const 400)))
        (array.copy $r $r (local.get $a) (i32.const 0) (local.get $a) (i32.const 1) (i32.const 300)))`;
    const { host, exports } = await instantiate(text);
    const costOf = (name: string) => {
      const before = host.used;
      exports[name]!();
      return Number(host.used - before);
    };
    const none = costOf('none');
    const allocated = (bytes: number) => COST_ALLOCATION + bytes / 4;
    expect(costOf('struct') - none).toBe(allocated(16 + 16) + 1);
    expect(costOf('array') - none).toBe(allocated(16 + 4000) + 2);
    // 18 bytes, rounded down.
    expect(costOf('fixed') - none).toBe(allocated(16) + 3);
    expect(costOf('data') - none).toBe(allocated(16 + 16) + 3);
    expect(costOf('fill') - none).toBe(allocated(16 + 4000) + 2 + 4 + COST_BULK + 4000);
    expect(costOf('copy') - none).toBe(allocated(16 + 3200) + 2 + 5 + COST_BULK + 4 * 300);
  });

  it('of the garbage collector or of relaxed SIMD is refused unless it is allowed', async () => {
    const collected = await wat('(module (type (struct)))');
    const relaxed = await wat(
      '(module (func (param v128) (drop (f32x4.relaxed_min (local.get 0) (local.get 0)))))',
    );
    const meterWith = (bytes: Uint8Array, features: object) => () => meter(bytes, {}, { features });
    expect(meterWith(collected, {})).toThrow('GC types (0x5f) at byte 11');
    expect(meterWith(collected, { relaxedSimd: true })).toThrow('GC types');
    expect(meterWith(collected, { gc: true })).not.toThrow();
    expect(meterWith(relaxed, {})).toThrow('relaxed SIMD (f32x4.relaxed_min)');
    expect(meterWith(relaxed, { gc: true })).toThrow('relaxed SIMD');
    expect(meterWith(relaxed, { relaxedSimd: true })).not.toThrow();
  });

  it('of typed references alone is allowed, and is what decides how fuel is passed', async () => {
    const kindOf = async (text: string) => meter(await wat(`(module ${text})`)).references;
    const seen = [
      '(type $t (func)) (func (param (ref null $t)))',
      '(type $t (func)) (func (local (ref null $t)))',
      '(type $t (func)) (global (ref null $t) (ref.null $t))',
      '(type $t (func)) (table 1 (ref null $t))',
      '(type $t (func)) (func (drop (ref.null $t)))',
      '(type $t (func)) (func (block (result (ref null $t)) (ref.null $t)) (drop))',
      '(type $t (func)) (func (unreachable) (call_ref $t))',
      '(type $t (func)) (func (local i32) (return_call_ref $t (ref.null $t)))',
    ];
    expect(await Promise.all(seen.map(kindOf))).toEqual(seen.map(() => 'unthreaded'));
    expect(await kindOf('(table 1 funcref) (func (call_indirect (i32.const 0)))')).toBe('threaded');
  });
});

const FUNCTION = '(type $f (func)) (global $on (export "on") (mut i32) (i32.const 1))';
/** `run` never ends by itself where the global is 1, and does at once where it is 0. */
const ENDLESS: Readonly<Record<string, string>> = {
  'calls of references in a loop': `${FUNCTION} (elem declare func $e) (func $e (type $f))
    (func (export "run") (loop $l (call_ref $f (ref.func $e)) (br_if $l (global.get $on))))`,
  'calls of references to an imported function': `(import "h" "f" (func $e)) ${FUNCTION}
    (elem declare func $e) (func (export "run") (loop $l (call_ref $f (ref.func $e)) (br_if $l (global.get $on))))`,
  'tail calls of references': `${FUNCTION} (elem declare func $e)
    (func $e (export "run") (if (global.get $on) (then (return_call_ref $f (ref.func $e)))))`,
  'tail calls of references in a circle': `${FUNCTION} (elem declare func $a $b)
    (func $a (export "run") (if (global.get $on) (then (return_call_ref $f (ref.func $b)))))
    (func $b (return_call_ref $f (ref.func $a)))`,
  'tail calls through a table, where functions take no fuel': `${FUNCTION} (table 1 (ref null $f)) (elem (table 0) (i32.const 0) (ref null $f) (ref.func $a))
    (func $a (export "run") (if (global.get $on) (then (return_call_indirect (type $f) (i32.const 0)))))`,
  'branches on null': `${FUNCTION} (func (export "run") (local (ref null $f)) (if (global.get $on)
    (then (loop $l (drop (br_on_null $l (local.get 0)))))))`,
  'branches on what is not null': `${FUNCTION} (elem declare func $e) (func $e)
    (func (export "run") (if (global.get $on)
      (then (ref.func $e) (loop $l (param (ref null $f)) (br_on_non_null $l)))))`,
  'branches on casts': `${FUNCTION} (func (export "run") (if (global.get $on)
    (then (ref.i31 (i32.const 1)) (loop $l (param anyref) (br_on_cast $l anyref (ref i31)) (drop)))))`,
  'branches on casts that fail': `${FUNCTION} (func (export "run") (if (global.get $on)
    (then (ref.i31 (i32.const 1)) (loop $l (param anyref) (br_on_cast_fail $l anyref (ref struct)) (drop)))))`,
  'structs made and thrown away': `${FUNCTION} (type $s (struct (field i64)))
    (func (export "run") (loop $l (drop (struct.new_default $s)) (br_if $l (global.get $on))))`,
  'structs made and kept': `${FUNCTION} (type $s (struct (field (ref null $s)))) (global $all (mut (ref null $s)) (ref.null $s))
    (func (export "run") (loop $l (global.set $all (struct.new $s (global.get $all))) (br_if $l (global.get $on))))`,
  'arrays made and kept': `${FUNCTION} (type $b (array (mut i64))) (type $s (struct (field (ref $b)) (field (ref null $s))))
    (global $all (mut (ref null $s)) (ref.null $s)) (func (export "run") (loop $l
      (global.set $all (struct.new $s (array.new_default $b (i32.const 1000)) (global.get $all)))
      (br_if $l (global.get $on))))`,
  'empty bulk operations on arrays': `${FUNCTION} (type $b (array (mut i64)))
    (func (export "run") (local (ref $b)) (local.set 0 (array.new_default $b (i32.const 1)))
      (loop $l (array.fill $b (local.get 0) (i32.const 0) (i64.const 0) (i32.const 0)) (br_if $l (global.get $on))))`,
  'throws and handlers, where functions take no fuel': `${FUNCTION} (tag $x) (func $e (type $f) (throw $x))
    (elem declare func $e) (func (export "run") (loop $l
      (block $h (try_table (catch_all $h) (call_ref $f (ref.func $e)))) (br_if $l (global.get $on))))`,
};

describe('nothing runs past its budget by', () => {
  it.each(Object.entries(ENDLESS))('%s', async (_, text) => {
    const turnOff = ({ exports }: Run) => {
      (exports.on as unknown as WebAssembly.Global).value = 0;
    };
    const ended = await instantiate(text, { budget: 100_000n, slice: null });
    expect(() => ended.exports.run!()).toThrow('unreachable');
    expect(ended.host.stopped).toBe(true);
    expect(ended.host.used).toBeLessThan(105_000n);
    const sliced = await instantiate(text, { budget: 0n, slice: 1_000n, suspensionsMax: 50 });
    expect(() => sliced.exports.run!()).toThrow('unreachable');
    expect(sliced.host.suspensions).toBe(50);
    const control = await instantiate(text, { budget: 100_000n, slice: null });
    turnOff(control);
    control.exports.run!();
    expect(control.host.stopped).toBe(false);
  });

  it('recursion through references: it ends by depth', async () => {
    const text = `(type $f (func (param i32))) (elem declare func $e)
      (func $e (export "run") (type $f) (if (local.get 0)
        (then (call_ref $f (i32.sub (local.get 0) (i32.const 1)) (ref.func $e)))))`;
    const { host, exports } = await instantiate(text);
    expect(() => exports.run!(-1)).toThrow('unreachable');
    expect(host.depthExhausted).toBe(true);
    host.enter();
    exports.run!(1_000);
    expect(host.depthExhausted).toBe(false);
    expect(host.depth.value).toBe(DEPTH_LIMIT_BYTES);
  });

  it('an import that is called by reference and ends the agent', async () => {
    for (const ends of [true, false]) {
      for (const call of ['call_ref $f', 'call $last']) {
        const text = `(type $f (func)) (import "h" "f" (func $i (type $f))) (import "h" "g" (func $g))
          (elem declare func $i) (func $last (param (ref $f)) (return_call_ref $f (local.get 0)))
          (func (export "run") (${call} (ref.func $i)) (call $g))`;
        const metered = meterForTest(await wat(`(module ${text})`));
        const host = new TestHost(PLENTY);
        let calls = 0;
        const imports = { h: { f: () => ends && host.end(), g: () => calls++ } };
        const module = new WebAssembly.Module(metered.bytes);
        const instance = instantiateMetered(module, metered, imports, host);
        const run = instance.exports.run as () => void;
        if (ends) expect(run).toThrow('unreachable');
        else run();
        expect(calls).toBe(ends ? 0 : 1);
      }
    }
  });
});

describe('what is too large', () => {
  it('as a new array is charged before it is made', async () => {
    const text = `(type $b (array (mut i8))) (type $w (array (mut i64))) (data $d "abc")
      (func (export "run") (param i32) (result i32) (array.len (array.new_default $b (local.get 0))))
      (func (export "wide") (param i32) (result i32) (array.len (array.new $w (i64.const 1) (local.get 0))))
      (func (export "data") (param i32) (result i32)
        (array.len (array.new_data $b $d (i32.const 0) (local.get 0))))`;
    const little = { budget: 1_000_000n, slice: null };
    for (const name of ['run', 'wide', 'data']) {
      for (const length of [2 ** 31, 2 ** 31 - 1, -1, 2 ** 28]) {
        const { host, exports } = await instantiate(text, little);
        expect(() => exports[name]!(length)).toThrow('unreachable');
        expect(host.stopped).toBe(true);
      }
      const control = await instantiate(text, little);
      expect(control.exports[name]!(3)).toBe(3);
    }
    const { host, exports } = await instantiate(text);
    expect(() => exports.run!(-1)).toThrow('requested new array is too large');
    expect(host.stopped).toBe(false);
  });

  it('as a bulk operation on arrays is charged before it is done, or traps as in the engine', async () => {
    const text = `(type $b (array (mut i8))) (data $d "abc") (global $a (ref $b) (array.new_default $b (i32.const 1000)))
      (func (export "fill") (param i32 i32) (array.fill $b (global.get $a) (local.get 0) (i32.const 1) (local.get 1)))
      (func (export "copy") (param i32 i32)
        (array.copy $b $b (global.get $a) (i32.const 0) (global.get $a) (local.get 0) (local.get 1)))
      (func (export "init") (param i32 i32)
        (array.init_data $b $d (global.get $a) (local.get 0) (i32.const 0) (local.get 1)))
      (func (export "null") (param i32 i32) (array.fill $b (ref.null $b) (local.get 0) (i32.const 1) (local.get 1)))`;
    const plain = new WebAssembly.Instance(new WebAssembly.Module(await wat(`(module ${text})`)))
      .exports as unknown as Exports;
    const { exports } = await instantiate(text);
    const endOf = (of: Exports, name: string, values: number[]) => {
      try {
        return of[name]!(...values);
      } catch (error) {
        return (error as Error).message;
      }
    };
    for (const name of ['fill', 'copy', 'init', 'null']) {
      for (const values of [
        [0, 3],
        [0, -1],
        [-1, -1],
        [1001, 0],
        [998, 3],
        [-5, 2 ** 31],
        [3, 2 ** 30],
      ]) {
        expect([name, values, endOf(exports, name, values)]).toEqual([
          name,
          values,
          endOf(plain, name, values),
        ]);
      }
    }
  });

  it('as what a memory of 64 bits grows by is refused without a question', async () => {
    const text = `(memory i64 1 10) (table i64 1 10 funcref)
      (func (export "run") (param i64) (result i64) (memory.grow (local.get 0)))
      (func (export "table") (param i64) (result i64) (table.grow (ref.null func) (local.get 0)))`;
    const { host, exports } = await instantiate(text);
    for (const name of ['run', 'table']) {
      for (const delta of [2n ** 48n, 2n ** 32n, 2n ** 63n, -1n, 11n]) {
        expect(exports[name]!(delta)).toBe(-1n);
        expect(host.grownBytes).toBe(0n);
      }
    }
    expect(exports.run!(2n)).toBe(1n);
    expect(exports.table!(2n)).toBe(1n);
    expect(host.grownBytes).toBe(2n * 65_536n + 2n * 16n);
  });

  it('as growth of all memories and tables together is refused', async () => {
    const text = `(memory $a 1 9) (memory $b i64 1 9)
      (func (export "a") (param i32) (result i32) (memory.grow $a (local.get 0)))
      (func (export "b") (param i64) (result i64) (memory.grow $b (local.get 0)))`;
    const { exports } = await instantiate(text, { ...PLENTY, growBytes: 3n * 65_536n });
    expect(exports.a!(2)).toBe(1);
    expect(exports.b!(2n)).toBe(-1n);
    expect(exports.b!(1n)).toBe(1n);
    expect(exports.a!(1)).toBe(-1);
  });

  it('as a bulk operation of 64 bits traps as in the engine, before it writes', async () => {
    const text = `(memory (export "m") i64 40) (table (export "t") i64 60000 funcref) (data $d "abc") (func $f) (elem declare func $f)
      (func (export "fill") (param i64 i64 i64) (memory.fill (local.get 0) (i32.wrap_i64 (local.get 1)) (local.get 2)))
      (func (export "copy") (param i64 i64 i64) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
      (func (export "tableFill") (param i64 i64 i64) (table.fill (local.get 0) (ref.func $f) (local.get 2)))
      (func (export "tableCopy") (param i64 i64 i64) (table.copy (local.get 0) (local.get 1) (local.get 2)))`;
    const plain = new WebAssembly.Instance(new WebAssembly.Module(await wat(`(module ${text})`)))
      .exports as unknown as Exports;
    const run = await instantiate(text);
    const endOf = (of: Exports, name: string, values: bigint[]) => {
      try {
        return of[name]!(...values);
      } catch (error) {
        return (error as Error).message;
      }
    };
    const places = [0n, 5n, 2n ** 32n, 2n ** 63n, -1n, -5n];
    const lengths = [-1n, -6n, 2n ** 63n, 2n ** 32n, 2n ** 32n + 5n];
    for (const name of ['fill', 'copy', 'tableFill', 'tableCopy']) {
      for (const to of places) {
        for (const from of name.endsWith('opy') ? places : [1n]) {
          for (const length of lengths) {
            const end = endOf(run.exports, name, [to, from, length]);
            expect(end).toBe(endOf(plain, name, [to, from, length]));
            expect(end).toMatch(/out of bounds/);
          }
        }
      }
      run.exports[name]!(3n, 7n, 40_000n);
    }
    const memory = new Uint8Array((run.exports.m as unknown as WebAssembly.Memory).buffer);
    expect([2, 3, 39_998, 39_999].map((place) => memory[place])).toEqual([0, 7, 7, 0]);
  });

  it('as the index of a call through a table of 64 bits traps', async () => {
    const text = `(table i64 3 funcref) (elem (i64.const 1) $f) (func $f (result i32) (i32.const 5))
      (func (export "run") (param i64) (result i32) (call_indirect (result i32) (local.get 0)))
      (func (export "last") (param i64) (result i32) (return_call_indirect (result i32) (local.get 0)))`;
    const { exports } = await instantiate(text);
    for (const name of ['run', 'last']) {
      for (const index of [2n ** 32n + 1n, 2n ** 33n + 1n, 2n ** 63n + 1n, -1n, 3n]) {
        expect(() => exports[name]!(index)).toThrow('table index is out of bounds');
      }
      expect(exports[name]!(1n)).toBe(5);
    }
  });

  it('as constants that are made for each instance is refused', async () => {
    const array = (length: string) =>
      wat(
        `(module (import "a" "n" (global $n i32)) (type $a (array i64)) (global (ref $a) (array.new_default $a ${length})))`,
      );
    const meterIt = async (length: string) => {
      const bytes = await array(length);
      return () => meter(bytes, {}, { features: FEATURES }).segmentBytes;
    };
    expect(await meterIt('(i32.const -1)')).toThrow('allocated bytes');
    expect(await meterIt('(i32.const 200000)')).toThrow('allocated bytes');
    expect(await meterIt('(global.get $n)')).toThrow('a constant array whose length is computed');
    expect((await meterIt('(i32.const 100)'))()).toBe(816);
  });
});

describe('modules that share a table', () => {
  /** Its function is one that takes fuel, where nothing is done about it: `(i32, i32) -> i32`. */
  const VICTIM = `(module (table (export "t") 1 funcref) (elem (i32.const 0) func $spend)
    (func $spend (local $i i32) (local.set $i (i32.const 100000))
      (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))))`;
  /** Calls it with a fuel of its own, and as what it is. */
  const ATTACKER = `(module (import "a" "t" (table 1 funcref)) (type $x (func)) (global (ref null $x) (ref.null $x))
    (func (export "forge") (result i32)
      (call_indirect (param i32 i32) (result i32) (i32.const 2000000000) (i32.const 500000) (i32.const 0)))
    (func (export "call") (call_indirect (i32.const 0))))`;

  async function link(together: boolean) {
    const bytes = [await wat(VICTIM), await wat(ATTACKER)];
    const metered = together ? meterTogether(bytes) : bytes.map((each) => meter(each));
    const host = new TestHost(PLENTY);
    const [victim, attacker] = metered.map(
      (each) => [new WebAssembly.Module(each.bytes), each] as const,
    ) as [[WebAssembly.Module, MeteredModule], [WebAssembly.Module, MeteredModule]];
    const a = instantiateMetered(...victim, {}, host).exports as WebAssembly.ModuleImports;
    const { exports } = instantiateMetered(...attacker, { a }, host);
    return {
      host,
      exports: exports as unknown as Exports,
      kinds: metered.map((each) => each.references),
    };
  }

  it('can not call each other with a fuel that is made up', async () => {
    const { host, exports, kinds } = await link(true);
    expect(kinds).toEqual(['unthreaded', 'unthreaded']);
    expect(() => exports.forge!()).toThrow('function signature mismatch');
    const before = host.used;
    exports.call!();
    expect(host.used - before).toBeGreaterThan(500_000n);
  });

  it('could, were each metered by itself', async () => {
    const { host, exports, kinds } = await link(false);
    expect(kinds).toEqual(['threaded', 'unthreaded']);
    const before = host.used;
    // What is left of the fuel that was made up: the work was done, and nobody has paid for it.
    expect(exports.forge!()).toBeLessThan(2_000_000_000 - 500_000);
    expect(host.used - before).toBeLessThan(100n);
  });
});
