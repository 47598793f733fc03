import { describe, expect, it } from 'vitest';
import { meterForTest } from '../../../test/support/metering/meter-run.ts';
import { seedBytes } from '../../../test/support/metering/module-generator.ts';
import { generateProgram } from '../../../test/support/metering/program-generator.ts';
import { wat } from '../../../test/support/metering/wat.ts';
import { RingfenceError } from '../../errors.ts';
import { meter } from './meter.ts';

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

function refusalOf(bytes: Uint8Array): RingfenceError {
  try {
    meter(bytes);
  } catch (error) {
    if (error instanceof RingfenceError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('what is refused by name', () => {
  const refused = {
    'shared memory': '(memory 1 1 shared)',
    'custom page sizes': '(memory 1 (pagesize 1))',
    'GC types': '(type (struct (field i32)))',
    'GC types (0x5e)': '(type (array i8))',
    'GC types (heap)': '(func (param anyref))',
    'GC types (i31)': '(global i31ref (ref.i31 (i32.const 1)))',
    'GC types (struct.new)': '(func struct.new 0)',
    'GC types (ref.eq)': '(func (param eqref) (result i32) (ref.eq (local.get 0) (local.get 0)))',
    'GC types (ref.i31)': '(func (drop (ref.i31 (i32.const 1))))',
    'GC types (rec)': '(rec (type (func)) (type (func)))',
    'GC types (sub)': '(type (sub (func)))',
    'GC types (nofunc)': '(func (param nullfuncref))',
    'relaxed SIMD':
      '(func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))',
    'threads (atomic instructions)': '(func (atomic.fence))',
    'tables of exceptions': '(table 1 exnref)',
    'globals of exceptions': '(global exnref (ref.null exn))',
    'an exception inside an exception': '(tag (param exnref))',
    'parameters of a tag': `(tag (param ${'i64 '.repeat(9)}))`,
  };
  it.each(Object.entries(refused))('%s', async (name, text) => {
    const bytes = await wat(`(module ${text})`);
    const { code, message, fields } = refusalOf(bytes);
    expect(code).toBe('RF_MODULE_REFUSED');
    expect(message).toContain(name.replace(/ \((?!call_ref|atomic).*/, ''));
    expect(message).toContain(`at byte ${fields.offset}`);
    expect(fields.offset).toBeGreaterThan(8);
    expect(fields.offset).toBeLessThan(bytes.length);
  });

  it('nothing of what is run', async () => {
    const text = `(module
      (import "a" "f" (func)) (import "a" "t" (table 1 funcref)) (import "a" "g" (global (mut i32)))
      (import "a" "tag" (tag (param i32)))
      (memory 1 2) (table 1 2 externref) (tag (param i32 i64))
      (global v128 (v128.const i64x2 0 0)) (global (mut externref) (ref.null extern))
      (global i32 (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3))))
      (func (param (ref null func) externref) (result i32 v128) (unreachable)) (start 0))`;
    expect(WebAssembly.validate(meter(await wat(text)).bytes)).toBe(true);
  });

  it.each([
    ['an unknown section', [99, 0], 'RF_MODULE_REFUSED'],
    ['sections in the wrong order', [3, 1, 0, 1, 1, 0], 'RF_MODULE_INVALID'],
    ['a section twice', [1, 1, 0, 1, 1, 0], 'RF_MODULE_INVALID'],
    ['a section beyond the end', [1, 5, 0], 'RF_MODULE_INVALID'],
    ['a section longer than its content', [1, 2, 0, 0], 'RF_MODULE_INVALID'],
    ['a count that nothing can hold', [1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f], 'RF_MODULE_INVALID'],
    ['an unknown kind of import', [2, 5, 1, 0, 0, 0x7f, 0], 'RF_MODULE_REFUSED'],
    ['compact imports', [2, 7, 1, 1, 0x61, 0, 0x7e, 0, 0], 'RF_MODULE_REFUSED'],
    ['functions without bodies', [1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0], 'RF_MODULE_INVALID'],
    ['a name that is not UTF-8', [0, 2, 1, 0xff], 'RF_MODULE_INVALID'],
  ] as const)('%s', (_, bytes, code) => {
    expect(refusalOf(Uint8Array.from([...HEADER, ...bytes])).code).toBe(code);
  });

  it.each([
    ['nothing', []],
    ['text', [...Buffer.from('<!doctype html>')]],
    ['a component', [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]],
  ])('%s is no core module', (_, bytes) => {
    expect(refusalOf(Uint8Array.from(bytes)).code).toBe('RF_MODULE_INVALID');
  });
});

describe('what a module says of itself', () => {
  it('is told as it was before the rewriting', async () => {
    const bytes = await wat(`(module
      (import "a" "f" (func $f (param i32))) (import "" "memory" (memory 1))
      (import "ringfence" "fuel" (global (mut i64)))
      (table 3 7 funcref) (table 2 externref)
      (elem (i32.const 0) func $f $f) (elem $passive func $f)
      (data (i32.const 0) "12345") (data "passive")
      (func $s) (start $s) (export "ringfence:start" (func $s)) (export "m" (memory 0)))`);
    const metered = meter(bytes);
    expect(metered.imports).toEqual([
      { module: 'a', name: 'f', kind: 'function' },
      { module: '', name: 'memory', kind: 'memory' },
      { module: 'ringfence', name: 'fuel', kind: 'global' },
    ]);
    expect(metered.exports.map(({ name, kind }) => [name, kind])).toEqual([
      ['ringfence:start', 'function'],
      ['m', 'memory'],
    ]);
    expect(metered.tables).toEqual([
      { initial: 3, maximum: 7 },
      { initial: 2, maximum: null },
    ]);
    expect(metered.memories).toEqual([]);
    expect(metered.segmentBytes).toBe(5 + 2 * 16);
    expect(metered.doubtful).toBe(false);
  });

  it('never shares the names of what is injected', async () => {
    const bytes = await wat(`(module (import "ringfence" "fuel" (global (mut i64)))
      (func $s) (start $s) (export "ringfence:start" (func $s)))`);
    const metered = meter(bytes);
    const injected = WebAssembly.Module.imports(new WebAssembly.Module(metered.bytes)).slice(1);
    expect(metered.injected).not.toBe('ringfence');
    expect(new Set(injected.map(({ module }) => module))).toEqual(new Set([metered.injected]));
    expect(metered.startExport).not.toBe('ringfence:start');
    const exports = WebAssembly.Module.exports(new WebAssembly.Module(metered.bytes));
    expect(exports.map(({ name }) => name)).toEqual(['ringfence:start', metered.startExport]);
  });
});

/** Meters it; whatever is accepted must be valid wherever the input was. Says which of the two it was. */
function survives(bytes: Uint8Array<ArrayBuffer>): boolean {
  const valid = WebAssembly.validate(bytes);
  try {
    const { bytes: output } = meterForTest(bytes);
    if (valid && !WebAssembly.validate(output)) throw new Error('valid bytes became invalid');
    return true;
  } catch (error) {
    if (error instanceof RingfenceError && typeof error.fields.offset === 'number') return false;
    throw error;
  }
}

/** A little of everything, so that every byte of it means something else. */
const SMALL = {
  legacy: `(tag $t (param i32)) (func (export "h") (result i32)
    try (result i32) (call $f (i32.const 1) (i64.const 2)) catch $t rethrow 0 catch_all i32.const 7 end
    try (call $i) delegate 0)`,
  current: `(tag $t (param i32)) (func (export "h") (result i32)
    (block $all (block $number (result i32)
      (try_table (catch $t $number) (catch_all $all) (call $i))
      (return (i32.const 1))) (return)) (throw $t (i32.const 1)))`,
};

const smallModule = (form: keyof typeof SMALL) =>
  wat(`(module (import "a" "i" (func $i)) (import "a" "g" (global $g i32))
    (memory (export "m") 1 2) (table $t 3 funcref) (global $m (mut i64) (i64.const -5))
    (elem (offset (i32.add (global.get $g) (i32.const 1))) $i $f) (elem $p funcref (ref.func $i) (ref.null func))
    (data (i32.const 3) "ab") (data $d "cd") (start $i)
    (func $f (export "f") (param i32 i64) (result i32) (local f64 v128 v128)
      (global.set $m (i64.add (global.get $m) (local.get 1)))
      (memory.init $d (i32.const 1) (i32.const 0) (i32.const 2))
      (drop (table.grow $t (ref.func $i) (memory.grow (i32.const 1))))
      (local.set 3 (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (local.get 3) (local.get 4)))
      (loop $l (block $b (br_table $l $b 2 (local.get 0))))
      (if (result i32) (local.get 0) (then (return (i32.load offset=3 (local.get 0))))
        (else (return_call_indirect (param i32 i64) (result i32) (local.get 0) (local.get 1) (i32.const 1)))))
    ${SMALL[form]})`);

/** … and of what WebAssembly 3.0 has besides. */
const COLLECTED = `(module
  (rec (type $s (sub (struct (field (mut i8)) (field (ref null $s))))) (type $f (func (param (ref $s)) (result i32))))
  (type $a (array (mut i64))) (memory 1) (memory $n i64 1 3) (table $t i64 2 (ref null $f)) (table 1 (ref $f) (ref.func $g))
  (global (ref $s) (struct.new $s (i32.const 1) (ref.null $s))) (global (ref $a) (array.new $a (i64.const 1) (i32.const 5)))
  (data $d "abc") (elem declare func $g)
  (func $g (type $f) (struct.get_u $s 0 (local.get 0)))
  (func (export "run") (param anyref) (result i32) (local $a (ref null $a))
    (local.set $a (array.new_data $a $d (i32.const 0) (i32.const 0)))
    (array.fill $a (local.get $a) (i32.const 0) (i64.const 1) (i32.const 0))
    (array.copy $a $a (local.get $a) (i32.const 0) (array.new_fixed $a 1 (i64.const 1)) (i32.const 0) (i32.const 0))
    (drop (memory.grow $n (i64.const 1))) (i64.store $n offset=0x100000000 (i64.const 0) (i64.const 1))
    (memory.copy $n 0 (i64.const 0) (i32.const 0) (i32.const 1)) (drop (table.grow $t (ref.null $f) (i64.const 1)))
    (drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0)))
    (block $b (result (ref $s)) (br_on_cast $b anyref (ref $s) (local.get 0)) (drop) (return (i32.const 1)))
    (return_call_ref $f (ref.func $g))))`;

describe('hostile bytes of WebAssembly 3.0', () => {
  it('are refused wherever a module ends too early', async () => {
    const bytes = await wat(COLLECTED);
    expect(survives(bytes)).toBe(true);
    let accepted = 0;
    for (let length = 0; length < bytes.length; length++) {
      if (survives(bytes.slice(0, length))) accepted++;
    }
    expect(accepted).toBeLessThan(6);
  });

  it('never break the decoder: each bit flipped, each place set to the largest number', async () => {
    const original = await wat(COLLECTED);
    let accepted = 0;
    for (let bit = 0; bit < original.length * 8; bit++) {
      const bytes = original.slice();
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
      if (survives(bytes)) accepted++;
    }
    expect(accepted).toBeGreaterThan(100);
    for (let place = 8; place < original.length; place++) {
      const bytes = original.slice();
      bytes.set([0xff, 0xff, 0xff, 0xff, 0x0f], Math.min(place, original.length - 5));
      survives(bytes);
    }
  });
});

describe.each(['legacy', 'current'] as const)(
  'hostile bytes, exceptions in the %s form',
  (form) => {
    it('are refused wherever a module ends too early', async () => {
      const bytes = await smallModule(form);
      let accepted = 0;
      for (let length = 0; length < bytes.length; length++) {
        if (survives(bytes.slice(0, length))) accepted++;
      }
      expect(survives(bytes)).toBe(true);
      // It may end between two sections, before the bodies are announced.
      expect(accepted).toBeLessThan(6);
    });

    it('never break the decoder: each bit flipped', async () => {
      const original = await smallModule(form);
      let accepted = 0;
      for (let bit = 0; bit < original.length * 8; bit++) {
        const bytes = original.slice();
        bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
        if (survives(bytes)) accepted++;
      }
      // Constants may be flipped freely.
      expect(accepted).toBeGreaterThan(100);
    });

    it('never make it loop or allocate by a count: each place set to the largest number', async () => {
      const original = await smallModule(form);
      for (let place = 8; place < original.length; place++) {
        const bytes = original.slice();
        bytes.set([0xff, 0xff, 0xff, 0xff, 0x0f], Math.min(place, original.length - 5));
        survives(bytes);
      }
    });

    it('never break the decoder: random changes of a random program', async () => {
      const original = await wat(generateProgram(5, form));
      const random = seedBytes(form, 3 * 3000);
      for (let change = 0; change < 300; change++) {
        const bytes = original.slice();
        const at =
          (random[change * 6]! * 65_536 + random[change * 6 + 1]! * 256 + random[change * 6 + 2]!) %
          bytes.length;
        bytes[at] = random[change * 6 + 3]!;
        survives(bytes);
      }
    });
  },
);
