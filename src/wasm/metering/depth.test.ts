/**
 * Goal: recursion ends as a trap of ours, at the same frame on every run, before the engine's own stack
 * does, and no way out of a function leaves its frame counted. Method: recursive functions of every shape
 * that costs stack, cold, on the small stack that suspending needs.
 */

import { describe, expect, it } from 'vitest';
import { meterForTest, TestHost } from '../../../test/support/metering/meter-run.ts';
import { wat } from '../../../test/support/metering/wat.ts';
import { DEPTH_LIMIT_BYTES, FRAME_BYTES, FRAME_BYTES_PER_SLOT } from './costs.ts';
import type { MeterOptions } from './meter.ts';

interface Promising {
  promising(fn: unknown): (...values: unknown[]) => Promise<unknown>;
}
const { promising } = WebAssembly as unknown as Promising;

const PLENTY = { budget: 1n << 50n, slice: null };

/** Functions that take depth as a parameter, and such as keep it in its global. */
const KINDS: readonly (readonly [string, MeterOptions])[] = [
  ['threaded', {}],
  ['unthreaded', { references: 'unthreaded' }],
];

async function instantiate(
  text: string,
  host: TestHost,
  imports: WebAssembly.Imports = {},
  options: MeterOptions = {},
) {
  const metered = meterForTest(await wat(`(module ${text})`), options);
  const module = new WebAssembly.Module(metered.bytes);
  const all = { ...imports, [metered.injected]: host.imports() };
  return new WebAssembly.Instance(module, all).exports as unknown as Record<
    string,
    (...values: unknown[]) => unknown
  >;
}

/** Runs `run` on a stack of its own; answers how it ended and how deep it was. */
async function recurse(text: string, options: MeterOptions) {
  const host = new TestHost(PLENTY);
  const exports = await instantiate(text, host, {}, options);
  const failure = await promising(exports.run)().then(
    () => null,
    (error: unknown) => error,
  );
  const frames = (exports.frames as unknown as WebAssembly.Global | undefined)?.value;
  return { failure, frames: frames as number | undefined, exhausted: host.depthExhausted };
}

const many = (count: number, text: string) => Array.from({ length: count }, () => text).join(' ');
const VECTOR = '(v128.const i64x2 1 1)';
const COUNT = `(global $frames (export "frames") (mut i32) (i32.const 0))`;
const STEP = '(global.set $frames (i32.add (global.get $frames) (i32.const 1)))';

const SHAPES = {
  'no locals': `${COUNT} (func $f (export "run") ${STEP} (call $f))`,
  '50 locals': `${COUNT} (func $f (export "run") (local ${many(50, 'i64')}) ${STEP} (call $f))`,
  '1,000 locals': `${COUNT} (func $f (export "run") (local ${many(1000, 'i64')}) ${STEP} (call $f))`,
  '20,000 locals': `${COUNT} (func $f (export "run") (local ${many(20_000, 'i64')}) ${STEP} (call $f))`,
  '45,000 locals': `${COUNT} (func $f (export "run") (local ${many(45_000, 'i64')}) ${STEP} (call $f))`,
  '200 vectors': `${COUNT} (func $f (export "run") (local ${many(200, 'v128')}) ${STEP} (call $f))`,
  '900 parameters': `${COUNT} (func $f (param ${many(900, 'i64')}) ${STEP}
    (call $f ${many(900, '(i64.const 1)')})) (func (export "run") (call $f ${many(900, '(i64.const 1)')}))`,
  '300 vector parameters': `${COUNT} (func $f (param ${many(300, 'v128')}) ${STEP}
    (call $f ${many(300, '(v128.const i64x2 1 1)')}))
    (func (export "run") (call $f ${many(300, '(v128.const i64x2 1 1)')}))`,
  '250 results': `${COUNT} (func $f (export "run") (result ${many(250, 'i64')}) ${STEP} (call $f))`,
  '250 vector results': `${COUNT} (func $f (result ${many(250, 'v128')}) ${STEP} (call $f))
    (func (export "run") (call $f) ${many(250, 'drop')})`,
  'many operands': `${COUNT} (func $f (export "run") (result i64) ${STEP}
    ${many(500, 'i64.const 1')} (call $f) ${many(500, 'i64.add')})`,
  'mutual recursion': `${COUNT} (func $f (export "run") ${STEP} (call $g)) (func $g (local i32) ${STEP} (call $f))`,
  'calls through a table': `${COUNT} (table 1 funcref) (elem (i32.const 0) $f)
    (func $f (export "run") ${STEP} (call_indirect (i32.const 0)))`,
  'inside of handlers': `${COUNT} (tag $t) (func $f (export "run") ${STEP}
    (block $h (try_table (catch_all $h) (throw $t))) (call $f))`,
  'inside of legacy handlers': `${COUNT} (tag $t) (func $f (export "run") ${STEP}
    try throw $t catch_all call $f end)`,
  'bulk operations at the bottom': `${COUNT} (memory 1) (func $f (export "run") ${STEP}
    (memory.fill (i32.const 0) (i32.const 0) (i32.const 100)) (drop (memory.grow (i32.const 0))) (call $f))`,
};

describe.each(KINDS)('endless recursion of %s functions', (_, options) => {
  it.each(Object.entries(SHAPES))('is ended by the counted depth: %s', async (_name, text) => {
    const first = await recurse(text, options);
    expect(first.exhausted).toBe(true);
    expect(first.failure).toEqual(expect.any(WebAssembly.RuntimeError));
    expect(first.frames).toBeGreaterThan(0);
    expect((await recurse(text, options)).frames).toBe(first.frames);
  });

  it('comes as deep as its frames say', async () => {
    const frame = FRAME_BYTES + FRAME_BYTES_PER_SLOT * (10 + 2);
    const text = `${COUNT} (func $f (export "run") (local ${many(10, 'i64')}) ${STEP} (call $f))`;
    expect((await recurse(text, options)).frames).toBe(Math.floor(DEPTH_LIMIT_BYTES / frame));
  });

  it('can not be caught', async () => {
    const caught = '(global $caught (export "caught") (mut i32) (i32.const 0))';
    const text = `${caught} (func $f (export "run") (block $h (try_table (catch_all $h) (call $f)))
      (global.set $caught (i32.const 1)))`;
    const host = new TestHost(PLENTY);
    const exports = await instantiate(text, host, {}, options);
    expect(() => exports.run!()).toThrow('unreachable');
    expect((exports.caught as unknown as WebAssembly.Global).value).toBe(0);
  });

  it('ends at the stack of the engine where that comes first, and no handler takes that', async () => {
    // A handler would find the fuel that was put into the global before, and what ran since were free.
    const text = `${COUNT} (global $caught (export "caught") (mut i32) (i32.const 0))
      (func $f ${STEP} (call $f))
      (func (export "run") (block $h (try_table (catch_all $h) (call $f)))
        (global.set $caught (i32.const 1)))`;
    const host = new TestHost(PLENTY);
    const exports = await instantiate(text, host, {}, options);
    host.depth.value = 2 ** 30;
    await expect(promising(exports.run)()).rejects.toThrow(RangeError);
    expect(host.depthExhausted).toBe(false);
    expect((exports.caught as unknown as WebAssembly.Global).value).toBe(0);
  });

  it('is ended where it goes through another module and its table', async () => {
    const host = new TestHost(PLENTY);
    let again = () => {};
    const inner = await instantiate(
      '(import "h" "again" (func $a)) (table 1 funcref) (elem (i32.const 0) $a) (func (export "f") (call_indirect (i32.const 0)))',
      host,
      { h: { again: () => again() } },
      options,
    );
    const outer = await instantiate(
      '(import "i" "f" (func $f)) (func (export "run") (call $f))',
      host,
      {
        i: inner as WebAssembly.ModuleImports,
      },
      options,
    );
    again = outer.run as () => void;
    // Frames of JavaScript lie between, so the engine's own stack may end first; the host has none.
    expect(() => outer.run!()).toThrow();
  });

  it.each([
    ['parameters', `(param ${many(990, 'i64')})`, many(990, '(i64.const 1)'), '', ''],
    ['vector parameters', `(param ${many(990, 'v128')})`, many(990, VECTOR), '', ''],
    ['vector results', `(result ${many(256, 'v128')})`, '', many(256, VECTOR), many(256, '(drop)')],
  ])(
    'comes before the engine’s between modules that pass many %s',
    async (...[, type, passed, left, dropped]) => {
      const host = new TestHost(PLENTY);
      const inner = await instantiate(
        `(table (export "table") 1 funcref)
      (func (export "far") ${type} (call_indirect (i32.const 0)) ${left})`,
        host,
      );
      const outer = await instantiate(
        `(import "inner" "far" (func $far ${type})) (import "inner" "table" (table 1 funcref))
      (elem (i32.const 0) $f) (func $f (export "run") (call $far ${passed}) ${dropped})`,
        host,
        { inner: inner as unknown as WebAssembly.ModuleImports },
      );
      await expect(promising(outer.run)()).rejects.toThrow(WebAssembly.RuntimeError);
      expect(host.depthExhausted).toBe(true);
    },
  );

  it('has its positive control: a recursion that is not too deep returns', async () => {
    const text = `(func $f (export "run") (param i32) (result i32) (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))`;
    const host = new TestHost(PLENTY);
    const exports = await instantiate(text, host, {}, options);
    expect(exports.run!(4000)).toBe(4000);
    expect(host.depthExhausted).toBe(false);
  });
});

const LEAVES = {
  'by its end': '(call $leaf)',
  'by return': '(call $leaf) (return)',
  'by a branch to its label': '(call $leaf) (br 0)',
  'by a table of branches': '(call $leaf) (block (br_table 0 1 (local.get 0)))',
  'by a conditional branch': '(call $leaf) (br_if 0 (local.get 0)) (call $leaf)',
  'by a tail call': '(call $leaf) (return_call $deep)',
  'by a tail call of an imported function': '(call $leaf) (return_call $host)',
  'by a tail call through a table': '(call $leaf) (return_call_indirect (i32.const 0))',
  'with an exception that it caught': '(block $h (try_table (catch_all $h) (call $throws)))',
  'with an exception from far below': '(block $h (try_table (catch $t $h) (call $far)))',
  'with an exception caught at its label': '(block (try_table (catch $t 1) (call $far)))',
  'with an exception caught at a loop': `(loop $l (if (i32.eqz (local.get 0)) (then (return)))
      (local.set 0 (i32.const 0)) (try_table (catch $t $l) (call $far)))`,
  'with an exception of the host': '(block $h (try_table (catch_all $h) (call $hostThrows)))',
  'with a legacy handler': 'try call $far catch $t call $leaf end',
  'with a delegate': 'try try call $far delegate 0 catch_all end',
  'with a rethrow': 'try try call $far catch_all rethrow 0 end catch_all end',
  'many times':
    '(loop $l (call $leaf) (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))',
};

describe.each(KINDS)('a frame is given back when one of %s functions is left', (_, options) => {
  it.each(Object.entries(LEAVES))('%s', async (_name, body) => {
    const host = new TestHost(PLENTY);
    const seen: number[] = [];
    const look = () => seen.push(host.depth.value);
    const imports = {
      h: {
        f: () => {},
        throws: () => {
          throw new Error('from the host');
        },
        look,
      },
    };
    const text = `
      (import "h" "f" (func $host)) (import "h" "throws" (func $hostThrows)) (import "h" "look" (func $look))
      (tag $t) (table 1 funcref) (elem (i32.const 0) $deep)
      (func $leaf (loop)) (func $deep (call $leaf)) (func $throws (call $leaf) (throw $t))
      (func $far (local i64 i64 i64) (call $further)) (func $further (local v128) (call $throws))
      (func $body (param i32) ${body})
      (func (export "run") (call $look) (call $body (i32.const 3)) (call $look))`;
    const exports = await instantiate(text, host, imports, options);
    exports.run!();
    expect(seen[0]).toBeLessThan(DEPTH_LIMIT_BYTES);
    expect(seen[1]).toBe(seen[0]);
  });

  it('by a million tail calls', async () => {
    const text = `(func $leaf (loop)) (func $f (export "run") (param i32) (call $leaf)
      (if (local.get 0) (then (return_call $f (i32.sub (local.get 0) (i32.const 1))))))`;
    const host = new TestHost(PLENTY);
    (await instantiate(text, host, {}, options)).run!(1_000_000);
    expect(host.depthExhausted).toBe(false);
  });
});
