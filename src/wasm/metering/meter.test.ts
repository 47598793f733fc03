/**
 * Goal: fuel is charged as the table says, nothing runs past its budget, growth and bulk operations obey,
 * and what is injected changes nothing else. Method: small programs in text, each with what it must not do.
 */

import { describe, expect, it } from 'vitest';
import {
  type HostOptions,
  meterForTest,
  TestHost,
} from '../../../test/support/metering/meter-run.ts';
import { wat } from '../../../test/support/metering/wat.ts';
import {
  BULK_PIECE_BYTES,
  COST_BULK,
  COST_CALL,
  COST_CALL_IMPORTED,
  COST_DIVISION,
  COST_FUNCTION,
  COST_GROW,
  COST_GROWN_PAGE,
  COST_LOOP,
  COST_THROW,
} from './costs.ts';
import type { MeterOptions } from './meter.ts';

type Exports = Record<string, (...values: unknown[]) => unknown>;

interface Run {
  readonly host: TestHost;
  readonly exports: Exports;
  readonly start: (() => void) | null;
  readonly instance: WebAssembly.Instance;
}

const PLENTY: HostOptions = { budget: 1n << 40n, slice: null };

async function instantiate(
  text: string,
  options: HostOptions | TestHost = PLENTY,
  imports: WebAssembly.Imports = {},
  meterOptions: MeterOptions = {},
): Promise<Run> {
  const metered = meterForTest(await wat(`(module ${text})`), meterOptions);
  const host = options instanceof TestHost ? options : new TestHost(options);
  const all = { ...imports, [metered.injected]: host.imports() };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(metered.bytes), all);
  const exports = instance.exports as unknown as Exports;
  const start = metered.startExport === null ? null : (exports[metered.startExport] as () => void);
  return { host, exports, start, instance };
}

/** Fuel that one call of `run` uses. */
async function fuelOf(body: string, ...values: unknown[]): Promise<number> {
  const { host, exports } = await instantiate(body);
  exports.run!(...values);
  return Number(host.used);
}

describe('fuel', () => {
  it('is charged by the published table', async () => {
    const run = (code: string) => fuelOf(`(memory 1) (func (export "run") (param i32) ${code})`, 1);
    expect(await run('')).toBe(COST_FUNCTION);
    expect(await run('(nop) (block (nop))')).toBe(COST_FUNCTION);
    expect(await run('(drop (i32.add (i32.const 1) (local.get 0)))')).toBe(COST_FUNCTION + 4);
    expect(await run('(drop (i32.div_s (i32.const 1) (local.get 0)))')).toBe(
      COST_FUNCTION + 3 + COST_DIVISION,
    );
    expect(await run('(drop (memory.grow (i32.const 1)))')).toBe(
      COST_FUNCTION + 2 + COST_GROW + COST_GROWN_PAGE,
    );
    expect(await run('(memory.fill (i32.const 0) (i32.const 1) (i32.const 800))')).toBe(
      COST_FUNCTION + 3 + COST_BULK + 100,
    );
  });

  it('is charged for calls, of imported functions too', async () => {
    const text = '(import "h" "f" (func $f)) (func $g) (func (export "run") (call $g) (call $f))';
    const { host, exports } = await instantiate(text, PLENTY, { h: { f: () => {} } });
    exports.run!();
    expect(host.used).toBe(BigInt(COST_FUNCTION + COST_CALL + COST_CALL_IMPORTED));
  });

  it('is charged for every pass of a loop, however little stands in it', async () => {
    const text = `(func (export "run") (param i32)
      (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))`;
    const once = await fuelOf(text, 1);
    expect(await fuelOf(text, 1001)).toBe(once + 1000 * (once - COST_FUNCTION));
    expect(once - COST_FUNCTION).toBe(COST_LOOP + 5);
  });

  it('is charged for the arm that is taken only', async () => {
    const text = `(func (export "run") (param i32) (if (local.get 0)
      (then ${'(drop (i32.const 1))'.repeat(50)}) (else (nop))))`;
    expect(await fuelOf(text, 0)).toBe(COST_FUNCTION + 2);
    expect(await fuelOf(text, 1)).toBe(COST_FUNCTION + 2 + 100);
  });

  it('is not charged for a throw that a branch passes by', async () => {
    const text = `(tag $t) (func (export "run") (block $b (br_if $b (i32.const 1)) (throw $t)))`;
    expect(await fuelOf(text)).toBeLessThan(COST_THROW);
  });

  it('is enough exactly where it is what a run uses', async () => {
    const text = `(func $leaf) (func (export "run") (local i32) (local.set 0 (i32.const 9))
      (loop $l (call $leaf) (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))`;
    const used = BigInt(await fuelOf(text));
    const enough = await instantiate(text, { budget: used, slice: null });
    enough.exports.run!();
    expect(enough.host.checks).toBe(0);
    expect(enough.host.fuel.value).toBe(0);
    const less = await instantiate(text, { budget: used - 1n, slice: null });
    expect(() => less.exports.run!()).toThrow('unreachable');
    expect(less.host.stopped).toBe(true);
  });

  it('is one budget for all modules of an agent', async () => {
    const host = new TestHost(PLENTY);
    const inner = '(func (export "spend") (drop (i32.const 1)))';
    const { exports } = await instantiate(inner, host);
    const outer = '(import "inner" "spend" (func $s)) (func (export "run") (call $s) (call $s))';
    const { exports: outerExports } = await instantiate(outer, host, {
      inner: exports as WebAssembly.ModuleImports,
    });
    outerExports.run!();
    expect(host.used).toBe(
      BigInt(COST_FUNCTION + 2 * COST_CALL_IMPORTED + 2 * (COST_FUNCTION + 2)),
    );
  });
});

/** Functions that take fuel as a parameter, and such as keep it in its global. */
const KINDS: readonly (readonly [string, MeterOptions])[] = [
  ['threaded', {}],
  ['unthreaded', { references: 'unthreaded' }],
];

/** Programs that never end by themselves; `$reached` is set where they would have got away. */
const ENDLESS = {
  'an empty loop': '(loop $l (br $l))',
  'a loop by br_if': '(loop $l (br_if $l (i32.const 1)))',
  'a loop by br_table': '(loop $l (br_table $l $l (i32.const 7)))',
  'loops in each other': '(loop $a (loop $b (br_if $a (i32.const 1)) (br $b)))',
  'a loop of empty calls': '(loop $l (call $empty) (br $l))',
  'a loop of imported calls': '(loop $l (call $host) (br $l))',
  'a loop of imported calls through a table': '(loop $l (call_indirect (i32.const 0)) (br $l))',
  'a loop of calls through a table': '(loop $l (call_indirect (i32.const 1)) (br $l))',
  'tail calls of itself': '(return_call $self)',
  'tail calls in a circle': '(return_call $tail)',
  'tail calls through a table': '(return_call_indirect (i32.const 3))',
  'a loop of throws': '(loop $l (block $h (try_table (catch_all $h) (throw $t))) (br $l))',
  'a handler that leads to its loop': '(loop $l (try_table (catch_all $l) (throw $t)))',
  'a handler that leads to an outer loop':
    '(loop $l (block (try_table (catch $t $l) (call $thrower))))',
  'a loop of references thrown again': `(loop $l (block $h (result exnref)
      (try_table (catch_all_ref $h) (throw $t)) (unreachable)) (drop) (br $l))`,
  'a loop of nothing grown': '(loop $l (drop (memory.grow (i32.const 0))) (br $l))',
  'a loop of nothing filled':
    '(loop $l (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)) (br $l))',
  'a handler that leads to an if, which is not entered':
    '(loop $l (if $h (global.get $reached) (then (try_table (catch_all $h) (throw $t)))) (br $l))',
  'a loop inside of a catch_all': `(block $h (try_table (catch_all $h) (loop $l (br $l))))
    (global.set $reached (i32.const 1)) (loop $m (br $m))`,
};

const ENDLESS_LEGACY = {
  'a loop inside of a try': 'try loop $l br $l end catch_all i32.const 1 global.set $reached end',
  'a try inside of a loop': 'loop $l try throw $t catch_all br $l end end',
  'a rethrow inside of a loop':
    'loop $l try try throw $t catch $t rethrow 0 end catch_all br $l end end',
  'a delegate inside of a loop': 'loop $l try try throw $t delegate 0 catch $t br $l end end',
  'a call that throws inside of a loop': 'loop $l try call $thrower catch $t br $l end end',
};

const around = (body: string) => `
  (import "h" "f" (func $host))
  (tag $t) (memory 1) (global $reached (export "reached") (mut i32) (i32.const 0))
  (table 4 funcref) (elem (i32.const 0) $host $empty $thrower $self)
  (func $empty) (func $thrower (throw $t)) (func $tail (return_call $self))
  (func $self (export "run") ${body})`;

describe.each(KINDS)('nothing runs past its budget where functions are %s', (_, options) => {
  const all = Object.entries({ ...ENDLESS, ...ENDLESS_LEGACY });

  it.each(all)('%s', async (_name, body) => {
    const imports = { h: { f: () => {} } };
    const { host, exports, instance } = await instantiate(
      around(body),
      { budget: 100_000n, slice: null },
      imports,
      options,
    );
    expect(() => exports.run!()).toThrow(WebAssembly.RuntimeError);
    expect(host.stopped).toBe(true);
    // What is overrun is a path between two checks.
    expect(host.used).toBeLessThan(105_000n);
    expect((instance.exports.reached as WebAssembly.Global).value).toBe(0);
  });

  it.each(all)('%s, suspended again and again', async (_name, body) => {
    const host = new TestHost({ budget: 0n, slice: 1_000n, suspensionsMax: 50 });
    const { exports } = await instantiate(around(body), host, { h: { f: () => {} } }, options);
    expect(() => exports.run!()).toThrow(WebAssembly.RuntimeError);
    expect(host.suspensions).toBe(50);
  });

  it.each([
    [40n, true],
    [60n, false],
  ])(
    'a small function that is called by a reference, with a budget of %i',
    async (...[budget, stops]) => {
      const text = `(global $reached (export "reached") (mut i32) (i32.const 0))
      (table 1 funcref) (elem (i32.const 0) $small)
      (func $small ${'(drop (i32.const 1))'.repeat(17)} (global.set $reached (i32.const 1)))
      (func (export "run") (call_indirect (i32.const 0)))`;
      const { host, exports, instance } = await instantiate(text, { budget, slice: null });
      if (stops) expect(() => exports.run!()).toThrow('unreachable');
      else exports.run!();
      expect(host.stopped).toBe(stops);
      expect((instance.exports.reached as WebAssembly.Global).value).toBe(stops ? 0 : 1);
    },
  );

  it('a start function: it is an export now', async () => {
    const text = '(func $s (loop $l (br $l))) (start $s)';
    const { host, start } = await instantiate(text, { budget: 1_000n, slice: null }, {}, options);
    expect(host.used).toBe(0n);
    expect(() => start!()).toThrow('unreachable');
    expect(host.stopped).toBe(true);
  });

  it('long straight code: it is asked at times', async () => {
    const text = `(func (export "run") ${'(drop (i32.const 1))'.repeat(20_000)})`;
    const { host, exports } = await instantiate(
      text,
      { budget: 10_000n, slice: null },
      {},
      options,
    );
    expect(() => exports.run!()).toThrow('unreachable');
    expect(host.used).toBeLessThan(15_000n);
  });
});

describe.each(KINDS)(
  'an agent of %s functions that is ended inside of a host call',
  (_, options) => {
    const ways = {
      'called directly': '(call $f) (call $g)',
      'called through a table': '(call_indirect (i32.const 0)) (call $g)',
      'called by a reference that was moved':
        '(table.set (i32.const 1) (ref.func $f)) (call_indirect (i32.const 1)) (call $g)',
      'called last, by a function': '(call $last) (call $g)',
      'called last through a table, by a function': '(call $lastIndirect) (call $g)',
      'called by code that catches everything':
        '(block $h (try_table (catch_all $h) (call $f) (call $g))) (call $g)',
      'called by code that catches what the host throws':
        '(block $h (try_table (catch_all $h) (call $throws))) (call $g)',
    };
    const text = (body: string) => `
    (import "h" "f" (func $f)) (import "h" "g" (func $g)) (import "h" "throws" (func $throws))
    (table 2 funcref) (elem (i32.const 0) $f)
    (func $last (return_call $f)) (func $lastIndirect (return_call_indirect (i32.const 0)))
    (func (export "run") ${body})`;

    it.each(Object.entries(ways))('makes no further one: %s', async (_name, body) => {
      const runWith = async (ends: boolean) => {
        const host = new TestHost(PLENTY);
        let calls = 0;
        const end = () => {
          if (ends) host.end();
        };
        const throws = () => {
          end();
          throw new Error('from the host');
        };
        const imports = { h: { f: end, g: () => calls++, throws } };
        const { exports } = await instantiate(text(body), host, imports, options);
        let failure: unknown = null;
        try {
          exports.run!();
        } catch (error) {
          failure = error;
        }
        return { calls, failure };
      };
      expect(await runWith(true)).toEqual({
        calls: 0,
        failure: expect.any(WebAssembly.RuntimeError),
      });
      const control = await runWith(false);
      expect(control.failure).toBe(null);
      expect(control.calls).toBeGreaterThan(0);
    });
  },
);

describe('growth', () => {
  it('of the memory is asked for in bytes and refused with -1', async () => {
    const text =
      '(memory (export "m") 1 5) (func (export "run") (param i32) (result i32) (memory.grow (local.get 0)))';
    const { host, exports } = await instantiate(text, { ...PLENTY, growBytes: 3n * 65_536n });
    expect(exports.run!(0)).toBe(1);
    expect(exports.run!(2)).toBe(1);
    expect(host.grownBytes).toBe(2n * 65_536n);
    expect(exports.run!(2)).toBe(-1);
    expect(exports.run!(-1)).toBe(-1);
    expect(exports.run!(1)).toBe(3);
    expect(exports.run!(0)).toBe(4);
    expect(host.grownBytes).toBe(3n * 65_536n);
  });

  it('that the engine refuses is given back', async () => {
    const text = `(memory 1 2) (table 1 2 funcref)
      (func (export "run") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "table") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))`;
    const { host, exports } = await instantiate(text);
    expect(exports.run!(5)).toBe(-1);
    expect(exports.table!(5)).toBe(-1);
    expect(host.grownBytes).toBe(0n);
    expect(exports.run!(1)).toBe(1);
    expect(host.grownBytes).toBe(65_536n);
  });

  it('of a table counts 16 bytes an element, for tables of either kind of reference', async () => {
    const text = `(table $f 1 funcref) (table $e 1 externref)
      (func (export "run") (param i32) (result i32) (table.grow $f (ref.null func) (local.get 0)))
      (func (export "other") (param i32) (result i32) (table.grow $e (ref.null extern) (local.get 0)))`;
    const { host, exports } = await instantiate(text, { ...PLENTY, growBytes: 16n * 100n });
    expect(exports.run!(60)).toBe(1);
    expect(exports.other!(60)).toBe(-1);
    expect(exports.other!(40)).toBe(1);
    expect(host.grownBytes).toBe(1_600n);
  });

  it('that would pass the budget ends the agent', async () => {
    const text = '(memory 1) (func (export "run") (result i32) (memory.grow (i32.const 100)))';
    const { host, exports } = await instantiate(text, { budget: 5_000n, slice: null });
    expect(() => exports.run!()).toThrow('unreachable');
    expect(host.stopped).toBe(true);
  });
});

describe('bulk operations', () => {
  const MIB = 1 << 20;
  const text = `(memory (export "m") 128 128) (table $t (export "t") 60000 funcref) (table $u 60000 funcref)
    (data $d "${'0123456789abcdef'.repeat(8)}") (elem $e func ${'$a $b '.repeat(20)})
    (func $a) (func $b)
    (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
    (func (export "drop") (data.drop $d) (elem.drop $e))
    (func (export "tableFill") (param i32 i32 i32)
      (table.fill $t (local.get 0) (ref.func $a) (local.get 2)))
    (func (export "tableCopy") (param i32 i32 i32)
      (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
    (func (export "tableInit") (param i32 i32 i32)
      (table.init $t $e (local.get 0) (local.get 1) (local.get 2)))`;
  const memoryOf = ({ instance }: Run) =>
    new Uint8Array((instance.exports.m as WebAssembly.Memory).buffer);

  it('are charged by their length', async () => {
    const { host, exports } = await instantiate(text);
    const used = (bytes: number) => {
      const before = host.used;
      exports.fill!(0, 1, bytes);
      return Number(host.used - before);
    };
    expect(used(7 * MIB) - used(0)).toBe((7 * MIB) / 8);
    expect(used(8000) - used(0)).toBe(1000);
  });

  it('are done in pieces, with a check before each', async () => {
    const run = await instantiate(text, { budget: 100n, slice: 1n << 30n });
    const { host, exports } = run;
    exports.fill!(0, 7, 3 * BULK_PIECE_BYTES + 5);
    expect(
      memoryOf(run)
        .subarray(0, 3 * BULK_PIECE_BYTES + 6)
        .lastIndexOf(7),
    ).toBe(3 * BULK_PIECE_BYTES + 4);
    expect(host.suspensions).toBe(1);
    const ended = await instantiate(text, {
      budget: BigInt(2.5 * BULK_PIECE_BYTES) / 8n,
      slice: null,
    });
    expect(() => ended.exports.fill!(0, 7, 7 * BULK_PIECE_BYTES)).toThrow('unreachable');
    expect(memoryOf(ended).lastIndexOf(7)).toBe(2 * BULK_PIECE_BYTES - 1);
  });

  const end = 128 * 65_536;
  const lengths = [
    0,
    1,
    5,
    BULK_PIECE_BYTES - 1,
    BULK_PIECE_BYTES,
    BULK_PIECE_BYTES + 1,
    3 * MIB + 17,
  ];
  const copies = lengths.flatMap((length) => [
    [100, 103, length],
    [103, 100, length],
    [BULK_PIECE_BYTES + 50, 50, length],
    [50, BULK_PIECE_BYTES + 50, length],
    [end - length, 0, length],
    [0, end - length, length],
  ]);

  it.each(copies)('copy as the engine does: from %i to %i, %i bytes', async (to, from, length) => {
    const plainBytes = await wat(`(module ${text})`);
    const plain = new WebAssembly.Instance(new WebAssembly.Module(plainBytes));
    const run = await instantiate(text);
    const expected = new Uint8Array((plain.exports.m as WebAssembly.Memory).buffer);
    const actual = memoryOf(run);
    for (let index = 0; index < 5 * MIB; index++) {
      const value = (index * 31 + (index >> 8)) & 0xff;
      actual[index] = value;
      expected[index] = value;
    }
    (plain.exports as unknown as Exports).copy!(to, from, length);
    run.exports.copy!(to, from, length);
    expect(Buffer.compare(actual, expected)).toBe(0);
  });

  it.each([
    ['fill', [end - 5, 1, 6]],
    ['fill', [end - 2 * MIB, 1, 2 * MIB + 1]],
    ['fill', [-1, 1, -1]],
    ['fill', [end + 1, 1, 0]],
    ['copy', [0, end - 2 * MIB, 2 * MIB + 1]],
    ['copy', [end - 2 * MIB, 0, 2 * MIB + 1]],
    ['copy', [5, 10, -1]],
    ['copy', [10, 5, -1]],
    ['copy', [0, end + 1, 0]],
    ['init', [0, 100, 29]],
    ['init', [end - 1, 0, 2]],
    ['init', [0, 0, 2 * MIB]],
    ['init', [0, -1, 2]],
    ['tableFill', [59_990, 0, 11]],
    ['tableFill', [0, 0, 60_001]],
    ['tableCopy', [0, 30_000, 30_001]],
    ['tableCopy', [30_000, 0, 30_001]],
    ['tableInit', [0, 39, 2]],
    ['tableInit', [59_999, 0, 2]],
    ['tableInit', [0, 0, 50_000]],
  ] as const)('%s(%j) traps as in the engine, before it writes', async (name, values) => {
    const run = await instantiate(text);
    const plain = new WebAssembly.Instance(new WebAssembly.Module(await wat(`(module ${text})`)));
    const messageOf = (exports: Exports) => {
      try {
        exports[name]!(...values);
        return 'no trap';
      } catch (error) {
        return (error as Error).message;
      }
    };
    const expected = messageOf(plain.exports as unknown as Exports);
    expect(expected).not.toBe('no trap');
    expect(messageOf(run.exports)).toBe(expected);
    expect(run.host.checks).toBe(0);
    expect(memoryOf(run).every((byte) => byte === 0)).toBe(true);
    const table = run.instance.exports.t as WebAssembly.Table;
    expect([0, 30_000, 59_989, 59_999].map((index) => table.get(index))).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('on segments that were dropped trap, unless they are empty', async () => {
    const { exports } = await instantiate(text);
    exports.init!(0, 120, 8);
    exports.tableInit!(0, 0, 40);
    exports.drop!();
    exports.init!(0, 0, 0);
    exports.tableInit!(0, 0, 0);
    expect(() => exports.init!(0, 0, 1)).toThrow('memory access out of bounds');
    expect(() => exports.init!(0, 0, 2 * MIB)).toThrow('memory access out of bounds');
    expect(() => exports.tableInit!(0, 0, 1)).toThrow(WebAssembly.RuntimeError);
  });

  it('move long stretches of tables as the engine does', async () => {
    const names = (instance: WebAssembly.Instance) => {
      const table = instance.exports.t as WebAssembly.Table;
      return Array.from({ length: 60_000 }, (_, index) => (table.get(index) === null ? 0 : 1)).join(
        '',
      );
    };
    const bytes = await wat(`(module ${text})`);
    const plain = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    const run = await instantiate(text);
    for (const exports of [plain.exports as unknown as Exports, run.exports]) {
      exports.tableInit!(7, 0, 40);
      exports.tableFill!(100, 0, 20_000);
      exports.tableCopy!(5_000, 0, 50_000);
      exports.tableCopy!(1_000, 9_000, 40_000);
    }
    expect(names(run.instance)).toBe(names(plain));
  });
});

describe('references to imported functions', () => {
  it('may be declared by an export alone', async () => {
    const text = `(import "h" "f" (func $f (result i32))) (export "f" (func $f)) (table 1 funcref)
      (func (export "run") (result i32) (table.set (i32.const 0) (ref.func $f))
        (call_indirect (result i32) (i32.const 0)))`;
    const { exports } = await instantiate(text, PLENTY, { h: { f: () => 42 } });
    expect(exports.run!()).toBe(42);
  });

  it('may be in globals, segments, and the start section', async () => {
    let calls = 0;
    const text = `(import "h" "f" (func $f)) (start $f) (table $t 2 funcref)
      (global $g funcref (ref.func $f)) (elem (table $t) (i32.const 0) funcref (ref.func $f) (ref.null func))
      (func (export "run") (table.set $t (i32.const 1) (global.get $g))
        (call_indirect (i32.const 0)) (call_indirect (i32.const 1)))`;
    const { exports, start } = await instantiate(text, PLENTY, { h: { f: () => calls++ } });
    start!();
    exports.run!();
    expect(calls).toBe(3);
  });
});

describe('suspending', () => {
  it('lets endless loops of one thread share it', async () => {
    const text = `(global $n (export "n") (mut i64) (i64.const 0)) (func (export "run")
      (loop $l (global.set $n (i64.add (global.get $n) (i64.const 1))) (br $l)))`;
    const turns: number[] = [];
    const runs = await Promise.all(
      [0, 1, 2].map(async (agent) => {
        const host = new TestHost({ budget: 0n, slice: 10_000n, suspensionsMax: 20 });
        const suspending = WebAssembly as unknown as {
          Suspending: new (fn: () => Promise<void>) => WebAssembly.ExportValue;
          promising: (fn: unknown) => () => Promise<void>;
        };
        host.imports = () => ({
          ...TestHost.prototype.imports.call(host),
          suspend: new suspending.Suspending(async () => {
            turns.push(agent);
            host.suspended();
          }),
        });
        const { exports, instance } = await instantiate(text, host);
        return { run: suspending.promising(exports.run), instance };
      }),
    );
    const ends = await Promise.allSettled(runs.map(({ run }) => run()));
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(turns).toHaveLength(60);
    // Each had its turn in each round.
    for (let round = 0; round < 20; round++) {
      expect(turns.slice(round * 3, round * 3 + 3).toSorted()).toEqual([0, 1, 2]);
    }
    const counts = runs.map(({ instance }) => (instance.exports.n as WebAssembly.Global).value);
    expect(new Set(counts).size).toBe(1);
  });
});

describe('memories that become imports', () => {
  const TEXT = `(import "m" "first" (memory 1)) (memory $second 1 2) (memory $third 0)
    (data (memory $second) (i32.const 3) "x")
    (export "third" (memory $third))
    (func (export "run") (result i32)
      (i32.store8 $third (i32.const 5) (i32.load8_u $second (i32.const 3)))
      (i32.add (i32.load8_u (i32.const 0)) (memory.size $third)))`;
  const importsOf = (bytes: Uint8Array<ArrayBuffer>) =>
    WebAssembly.Module.imports(new WebAssembly.Module(bytes)).flatMap(({ module, name, kind }) =>
      kind === 'memory' ? [`${module} ${name}`] : [],
    );

  it('stand behind its own, in their order, and are used as they were', async () => {
    const metered = meterForTest(await wat(`(module ${TEXT})`), { importMemories: true });
    expect(metered.importsMemories).toBe(true);
    expect(importsOf(metered.bytes)).toEqual([
      'm first',
      `${metered.injected} memory:0`,
      `${metered.injected} memory:1`,
    ]);
    const [first, second, third] = [
      new WebAssembly.Memory({ initial: 1 }),
      new WebAssembly.Memory({ initial: 1, maximum: 2 }),
      new WebAssembly.Memory({ initial: 1 }),
    ];
    new Uint8Array(first!.buffer)[0] = 41;
    const given = { ...new TestHost(PLENTY).imports(), 'memory:0': second, 'memory:1': third };
    const module = new WebAssembly.Module(metered.bytes);
    const imports = { m: { first }, [metered.injected]: given } as WebAssembly.Imports;
    const { exports } = new WebAssembly.Instance(module, imports);
    expect((exports as unknown as Exports).run!()).toBe(42);
    expect(exports.third).toBe(third);
    expect(new Uint8Array(third!.buffer)[5]).toBe('x'.charCodeAt(0));
    // What has another type than was declared is not taken.
    const wrong = { ...given, 'memory:0': new WebAssembly.Memory({ initial: 1 }) };
    expect(
      () => new WebAssembly.Instance(module, { ...imports, [metered.injected]: wrong } as never),
    ).toThrow(WebAssembly.LinkError);
  });

  it('are none where it is not asked for, or one of them has 64 bits', async () => {
    const plain = meterForTest(await wat(`(module ${TEXT})`));
    expect([plain.importsMemories, importsOf(plain.bytes)]).toEqual([false, ['m first']]);
    const wide = meterForTest(await wat('(module (memory 1) (memory i64 1))'), {
      importMemories: true,
    });
    expect([wide.importsMemories, importsOf(wide.bytes)]).toEqual([false, []]);
  });
});
