/**
 * Goal: no module gets past a cap, and what is just within it does. Method: for each cap a module that has
 * exactly so many; it passes with that cap and is refused, by the cap's name, with one less.
 */

import { describe, expect, it } from 'vitest';
import { wat } from '../../../test/support/metering/wat.ts';
import { DEFAULT_METER_CAPS, type MeterCaps } from './caps.ts';
import { meter } from './meter.ts';

const many = (count: number, text: string) => Array.from({ length: count }, () => text).join(' ');
const numbered = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');

/** What stands in each module, and how many of the capped thing that is. */
const AT_THE_CAP: Readonly<
  Record<Exclude<keyof MeterCaps, `doubtful${string}`>, readonly [text: string, count: number]>
> = {
  moduleBytes: ['', 8],
  types: [numbered(5, (index) => `(type (func (param ${many(index, 'i32')})))`), 5],
  fields: ['(type (struct (field i32 i32)))', 2],
  allocatedBytes: [
    '(type $s (struct (field i32 i32))) (global (ref $s) (struct.new_default $s))',
    24,
  ],
  parameters: [`(type (func (param ${many(7, 'i32')})))`, 7],
  results: [`(type (func (result ${many(7, 'i32')})))`, 7],
  tagParameters: [`(tag (param ${many(6, 'i64')}))`, 6],
  exceptionTables: ['(table 1 exnref)', 1],
  exceptionGlobals: ['(global exnref (ref.null exn))', 1],
  imports: [numbered(4, (index) => `(import "a" "${index}" (func))`), 4],
  functions: [many(4, '(func)'), 4],
  memories: ['(import "a" "b" (memory 1)) (memory 1)', 2],
  memoryPages: ['(memory i64 3)', 3],
  tables: ['(import "a" "b" (table 1 funcref)) (table 1 funcref)', 2],
  globals: ['(import "a" "b" (global i32)) (global i32 (i32.const 1))', 2],
  tags: ['(import "a" "b" (tag)) (tag)', 2],
  exports: ['(func (export "a") (export "b"))', 2],
  elementSegments: ['(func $f) (elem func $f) (elem func $f)', 2],
  elements: ['(func $f) (elem func $f $f) (elem funcref (ref.func $f))', 3],
  dataSegments: ['(data "a") (data "b")', 2],
  helpers: [
    '(memory 1) (data "a") (func (i32.const 0) (i32.const 0) (i32.const 0) (memory.init 0) (drop (memory.grow (i32.const 1))))',
    2,
  ],
  // 6 bytes, and what is injected: a charge with its check at the entry, and a loop that suspends.
  bodyBytes: ['(func (loop) (nop))', 65],
  // Two bodies of that size, with the size of the first.
  meteredCodeBytes: ['(func (loop) (nop)) (func (loop) (nop))', 2 * 65 + 1],
  locals: [`(func (param i32) (local ${many(4, 'i64')}))`, 8],
  localsTotal: ['(func (local i32 i32)) (func (param i32))', 3],
  nesting: ['(func (block (block (block))))', 4],
  handlers: [
    '(tag $t) (func (block $h (try_table (catch $t $h) (catch $t $h) (catch_all $h))))',
    3,
  ],
  operands: [
    '(func (drop (i32.add (i32.const 1) (i32.const 2))) (drop (v128.const i64x2 0 0)))',
    2,
  ],
  branchTargets: ['(func (param i32) (block (br_table 0 0 1 (local.get 0))))', 3],
  ways: [
    '(func (param i32) (block (br_if 0 (local.get 0)) (br_if 0 (local.get 0)) (br_if 1 (local.get 0))))',
    2,
  ],
  merges: ['(func (param i32) (block (br_if 0 (local.get 0))))', 2 * 3],
  callOperands: [
    '(func $f (param i32 i32) (result i32) (call $f (i32.const 1) (call $f (i32.const 1) (i32.const 1))))',
    6,
  ],
  // The entry, a call of an import, two for a loop without calls, one for a loop with one.
  questions: [
    '(import "a" "f" (func $f)) (func (call $f) (loop (nop)) (loop (call $g))) (func $g (call $f))',
    5,
  ],
};

describe('a module with as much as the cap allows', () => {
  const caps = Object.entries(AT_THE_CAP) as [keyof MeterCaps, readonly [string, number]][];
  const open = { exceptionTables: 1, exceptionGlobals: 1 };

  it.each(caps)('passes, and is refused by name with one more: %s', async (cap, [text, count]) => {
    const bytes = await wat(`(module ${text})`);
    const options = { features: { gc: true } };
    const metered = meter(bytes, { ...open, [cap]: count }, options);
    expect(WebAssembly.validate(metered.bytes)).toBe(true);
    expect(() => meter(bytes, { ...open, [cap]: count - 1 }, options)).toThrow(
      expect.objectContaining({
        code: 'RF_MODULE_REFUSED',
        fields: expect.objectContaining({ cap, limit: count - 1, offset: expect.any(Number) }),
      }),
    );
  });
});

describe('values that are computed twice, before and after many loops', () => {
  // The compiler computes each once, and keeps it past every loop: no local or operand says so.
  const around = (values: number, loops: number) => {
    const each = numbered(
      values,
      (index) => `(i32.store (i32.const 0) (i32.mul (local.get 0) (i32.add (local.get 0)
        (i32.const ${index + 64}))))`,
    );
    return wat(`(module (memory 1) (func (param i32) ${each} ${many(loops, '(loop)')} ${each}))`);
  };

  it('make a function doubtful', async () => {
    expect(meter(await around(4_000, 1_900)).doubtful).toBe(true);
  });

  it('have their positive controls: half of the values, and half of the loops, do not', async () => {
    expect(meter(await around(2_000, 1_900)).doubtful).toBe(false);
    expect(meter(await around(4_000, 800)).doubtful).toBe(false);
  });
});

describe('handlers that an exception passes by', () => {
  const clauses = (count: number) =>
    wat(`(module (tag $t) (func (block $h (try_table ${many(count, '(catch $t $h)')}))))`);
  const legacy = (count: number) =>
    wat(`(module (tag $t) (func try ${many(count - 1, 'catch $t')} catch_all end))`);

  it.each([
    ['try_table', clauses],
    ['legacy try', legacy],
  ])('are few in each %s', async (_, build) => {
    const { handlers } = DEFAULT_METER_CAPS;
    expect(WebAssembly.validate(meter(await build(handlers)).bytes)).toBe(true);
    const more = await build(handlers + 1);
    expect(WebAssembly.validate(more)).toBe(true);
    expect(() => meter(more)).toThrow(
      expect.objectContaining({ fields: expect.objectContaining({ cap: 'handlers' }) }),
    );
  });
});

describe('what V8 would abort the process on', () => {
  const count = DEFAULT_METER_CAPS.ways + 1;
  const bombs = {
    'branches to one label': `(block $b ${many(count, '(br_if $b (local.get 0))')})`,
    'branches to one loop': `(loop $b ${many(count, '(br_if $b (local.get 0))')})`,
    'branches of tables to one label': many(
      count / 1000 + 1,
      `(block (br_table ${many(1000, '1')} (local.get 0)))`,
    ),
    'returns of one function': many(count, '(if (local.get 0) (then (return)))'),
    'calls in one try': `(block $h (try_table (catch_all $h) ${many(count, '(call $g)')}))`,
    'calls in one legacy try': `try ${many(count, 'call $g')} catch_all end`,
    'calls in tries that are delegated': `try ${many(
      count / 1000 + 1,
      `try ${many(1000, 'call $g')} delegate 0`,
    )} catch_all end`,
    'imported calls and their checks in one try': `(block $h (try_table (catch_all $h)
      ${many(count / 2 + 1, '(call $i)')}))`,
    'bulk operations in one try': `(block $h (try_table (catch_all $h) ${many(
      count,
      '(drop (memory.grow (i32.const 0)))',
    )}))`,
  };
  const around = (body: string) =>
    wat(`(module (import "a" "i" (func $i)) (memory 1) (func $g) (func (param i32) ${body}))`);

  it.each(Object.entries(bombs))('is refused: %s', async (_, body) => {
    const bytes = await around(body);
    expect(WebAssembly.validate(bytes)).toBe(true);
    expect(() => meter(bytes)).toThrow(
      expect.objectContaining({ fields: expect.objectContaining({ cap: 'ways' }) }),
    );
  });

  it('has its positive control: half as much passes, and is doubtful', async () => {
    const metered = meter(
      await around(`(block $b ${many(count / 2, '(br_if $b (local.get 0))')})`),
    );
    expect(WebAssembly.validate(metered.bytes)).toBe(true);
    expect(metered.doubtful).toBe(true);
  });
});

describe('compile bombs', () => {
  const bombs = {
    'locals times nested blocks': `(local ${many(40_000, 'i32')})
      ${many(2000, '(block')} ${many(2000, '(br_if 0 (i32.const 0)))')}`,
    'locals times loops': `(local ${many(5_000, 'i32')})
      ${many(3000, '(loop (br_if 0 (i32.const 0)))')}`,
    'calls with hundreds of results that become parameters': `${many(200, 'i32.const 1')}
      ${many(2000, 'call $wide')} ${many(200, 'drop')}`,
    'calls of imports, with a question behind each': many(10_000, '(call $i)'),
    'loops that suspend outside of themselves': many(5_000, '(loop)'),
    'locals beyond what the engine takes': `(local ${many(49_999, 'i32')})`,
  };
  const wide = `(func $wide (param ${many(200, 'i32')}) (result ${many(200, 'i32')})
    ${numbered(200, (index) => `local.get ${index}`)})`;

  it.each(Object.entries(bombs))('are refused: %s', async (_, body) => {
    const bytes = await wat(`(module (import "a" "i" (func $i)) ${wide} (func ${body}))`);
    expect(() => meter(bytes)).toThrow(expect.objectContaining({ code: 'RF_MODULE_REFUSED' }));
  });

  it('that are smaller are doubtful', async () => {
    const bytes = await wat(
      `(module ${wide} (func ${bombs['locals times loops'].replaceAll(/i32 i32 i32 i32/g, 'i32')}))`,
    );
    expect(meter(bytes).doubtful).toBe(true);
    expect(meter(await wat(`(module ${wide})`)).doubtful).toBe(false);
    const loops = (count: number, functions: number) =>
      wat(`(module ${many(functions, `(func ${many(count, '(loop)')})`)})`);
    expect(meter(await loops(2_100, 1)).doubtful).toBe(true);
    expect(meter(await loops(1_500, 4)).doubtful).toBe(false);
    expect(meter(await loops(1_500, 6)).doubtful).toBe(true);
  });
});
