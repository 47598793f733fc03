/**
 * Goal: features of WebAssembly that have to be allowed run where they are, and nowhere else: not out of
 * a cache, not for a child, not beside other agents; and what fills the heap that comes with one of them
 * ends by itself. Method: components from text, through load and spawn, each refusal beside what runs.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { print } from '@bytecodealliance/jco';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModule, SpawnOptions } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { spawnPuppet } from '../support/puppet.ts';
import { agentOf, commandOf, componentOf } from '../threats/support/guest-text.ts';

const MIB = 1024 * 1024;
const GC = { gc: true } as const;
const RELAXED = { relaxedSimd: true } as const;
const NORMAL = { code: 0, reason: 'normal', message: null };

const cache = mkdtempSync(join(tmpdir(), 'ringfence-features-'));
let host: TestKernel;
beforeAll(async () => {
  host = await testKernel({ cacheDirectory: cache });
});
afterAll(async () => {
  await host.kernel.close();
  rmSync(cache, { recursive: true, force: true });
});

/** An agent whose `run` is ok where its body leaves 0, as a component by itself: no tool has to know the feature. */
const agentText = (definitions: string, body: string) => `(component
  (core module $guest ${definitions}
    (memory (export "memory") 1) (data (i32.const 16) "\\01\\00\\00\\00\\20\\00\\00\\00\\03\\00\\00\\00") (data (i32.const 32) "no!")
    (func (export "run") (result i32) (local $i i32) (local $n i32)
      (if (result i32) ${body} (then (i32.const 16)) (else (i32.const 64)))))
  (core instance $guest (instantiate $guest))
  (func (export "run") (result (result (error string)))
    (canon lift (core func $guest "run") (memory (core memory $guest "memory")))))`;

const component = (definitions: string, body: string) => componentOf(agentText(definitions, body));

const NODE = '(type $node (struct (field $next (ref null $node)) (field $value i64)))';
/** A list of a thousand nodes, its sum compared with what it must be. */
const SUMS = [
  `${NODE} (type $bytes (array (mut i8)))
   (func $make (param $i i32) (result (ref null $node)) (local $list (ref null $node))
     (loop $l
       (local.set $list (struct.new $node (local.get $list) (i64.extend_i32_u (local.get $i))))
       (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
     (local.get $list))
   (func $sum (param $list (ref null $node)) (result i64) (local $sum i64)
     (block $end (loop $l
       (local.set $sum (i64.add (local.get $sum) (struct.get $node $value (br_on_null $end (local.get $list)))))
       (local.set $list (struct.get $node $next (local.get $list))) (br $l)))
     (local.get $sum))`,
  `(i64.ne (call $sum (call $make (i32.const 1000))) (i64.const 500500))`,
] as const;

const LANES = [
  '',
  `(i32.ne (i32x4.extract_lane 0 (i32x4.relaxed_trunc_f32x4_s (f32x4.splat (f32.const 7)))) (i32.const 7))`,
] as const;

const load = async (text: readonly [string, string], features = {}) =>
  host.kernel.load(await component(...text), { features });

const run = async (module: LoadedModule, options: Omit<SpawnOptions, 'module'>) => {
  const agent = await host.kernel.spawn({ module, ...options });
  return agent.exited;
};

const refusal = (feature: string) =>
  expect.objectContaining({
    code: 'RF_MODULE_REFUSED',
    message: expect.stringMatching(
      new RegExp(`the feature '${feature}' is not allowed: .*--wasm-features ${feature}.*\\.$`),
    ),
    fields: expect.objectContaining({ feature }),
  });

describe('types of the garbage collector', () => {
  test('run in a process where they are allowed', async () => {
    const module = await load(SUMS, GC);
    expect(module.features).toEqual({ gc: true, relaxedSimd: false });
    const report = await run(module, { isolation: 'process', features: GC });
    expect(report.exit).toEqual(NORMAL);
    expect(report.deterministic).toBe(true);
    const again = await run(module, { isolation: 'process', features: GC });
    expect(again.usage.fuel).toBe(report.usage.fuel);
  });

  test('are refused at the load, and out of the cache, where they are not', async () => {
    const bytes = await component(...SUMS);
    for (const features of [undefined, {}, RELAXED, { gc: false }]) {
      await expect(host.kernel.load(bytes, { features })).rejects.toEqual(refusal('gc'));
    }
    await host.kernel.load(bytes, { features: GC });
    const { kernel } = await testKernel({ cacheDirectory: cache });
    try {
      await expect(kernel.load(bytes)).rejects.toEqual(refusal('gc'));
      expect(await kernel.load(bytes, { features: GC })).toMatchObject({ fromCache: true });
    } finally {
      await kernel.close();
    }
  });

  test('are refused at each spawn that does not allow them, whoever has loaded the module', async () => {
    const module = await load(SUMS, GC);
    for (const features of [undefined, {}, RELAXED]) {
      await expect(run(module, { isolation: 'process', features })).rejects.toEqual(refusal('gc'));
    }
    await expect(
      host.kernel.supervise({ children: [{ id: 'a', module, isolation: 'process' }] }),
    ).rejects.toMatchObject({ code: 'RF_CHILD_START' });
  });

  test.each(['shared', 'thread', undefined] as const)(
    'are refused with isolation %s, by its name',
    async (isolation) => {
      const module = await load(SUMS, GC);
      await expect(run(module, { isolation, features: GC })).rejects.toMatchObject({
        code: 'RF_MODULE_REFUSED',
        message: expect.stringMatching(
          new RegExp(`isolation '${isolation ?? 'shared'}'.*--isolation process`),
        ),
      });
    },
  );

  test("of a child are those that its parent may use, at its parent's isolation", async () => {
    const puppet = await host.kernel.load(guest('puppet'));
    const { digest } = await load(SUMS, GC);
    const parentWith = (more: Partial<SpawnOptions>) =>
      spawnPuppet(host.kernel, puppet, { grants: { spawn: 4 }, ...more });
    const spawn = `spawn ${digest}`;
    const without = await parentWith({ isolation: 'process' });
    expect(await without.tell(spawn)).toMatch(/^spawn err invalid/);
    const beside = await parentWith({ features: GC });
    expect(await beside.tell(spawn)).toMatch(/^spawn err invalid/);
    const may = await parentWith({ isolation: 'process', features: GC });
    expect(await may.tell(spawn)).toMatch(/^spawn ok/);
  });

  test('leave nothing behind for the next agent of the module', async () => {
    // Ok where the global is as the module says; it is changed, and so is what it refers to.
    const module = await load(
      [
        `(type $cell (struct (field $value (mut i32))))
         (global $own (ref $cell) (struct.new $cell (i32.const 0)))
         (global $made (mut (ref null $cell)) (ref.null $cell))`,
        `(block (result i32)
           (local.set $i (i32.or (struct.get $cell $value (global.get $own))
             (i32.eqz (ref.is_null (global.get $made)))))
           (struct.set $cell $value (global.get $own) (i32.const 1))
           (global.set $made (global.get $own))
           (local.get $i))`,
      ],
      GC,
    );
    for (let times = 0; times < 3; times += 1) {
      const report = await run(module, { isolation: 'process', features: GC });
      expect(report.exit).toEqual(NORMAL);
    }
  });
});

describe('whatever fills the heap', () => {
  const ENDLESS = '(i32.const 0)';
  /** What stays reachable, and what to do until it is ended. */
  const HOSTILE: Readonly<Record<string, readonly [string, string]>> = {
    'a list without end': [
      `${NODE} (global $list (mut (ref null $node)) (ref.null $node))
       (func $fill (loop $l
         (global.set $list (struct.new $node (global.get $list) (i64.const 1))) (br $l)))`,
      `(block (result i32) (call $fill) ${ENDLESS})`,
    ],
    'an array of 700 MB': [
      `(type $bytes (array (mut i8))) (global $kept (mut (ref null $bytes)) (ref.null $bytes))`,
      `(block (result i32)
         (global.set $kept (array.new_default $bytes (i32.const 700000000))) ${ENDLESS})`,
    ],
    'arrays beside a memory that grows': [
      `(type $bytes (array (mut i8))) (type $kept (struct (field (ref null $kept)) (field (ref $bytes))))
       (global $kept (mut (ref null $kept)) (ref.null $kept))
       (func $fill (loop $l
         (drop (memory.grow (i32.const 16)))
         (global.set $kept (struct.new $kept (global.get $kept) (array.new $bytes (i32.const 7) (i32.const 1000000))))
         (br $l)))`,
      `(block (result i32) (call $fill) ${ENDLESS})`,
    ],
    'a list in the start function': [
      `${NODE} (global $list (mut (ref null $node)) (ref.null $node))
       (func $fill (loop $l
         (global.set $list (struct.new $node (global.get $list) (i64.const 1))) (br $l)))
       (start $fill)`,
      ENDLESS,
    ],
  };

  const neighbour = async () =>
    host.kernel.spawn({ module: await load(SUMS, GC), isolation: 'process', features: GC });

  async function fill(name: string, memoryBytes: number) {
    const module = await load(HOSTILE[name]!, GC);
    const beside = await neighbour();
    const limits = { memoryBytes, wallTimeMs: 60_000 };
    const report = await run(module, { isolation: 'process', features: GC, limits });
    expect((await beside.exited).exit).toEqual(NORMAL);
    expect((await (await neighbour()).exited).exit).toEqual(NORMAL);
    return report;
  }

  const outOfMemory = (bound: string) => ({
    code: -3,
    reason: 'trap',
    message: `out of memory: its structures, arrays and memories take more than ${bound}`,
  });

  test.each(Object.keys(HOSTILE))(
    '%s traps at its limit of memory, and nobody else ends',
    async (name) => {
      const { exit, usage } = await fill(name, 64 * MIB);
      expect(exit).toEqual(outOfMemory(`its limit of ${64 * MIB} bytes (--max-memory)`));
      expect(usage.memory_bytes).toBeLessThanOrEqual(64 * MIB);
    },
    120_000,
  );

  test.each(['a list without end', 'an array of 700 MB'])(
    '%s traps at what its process has, where it has no limit',
    async (name) => {
      expect((await fill(name, 0)).exit).toEqual(outOfMemory('its process has'));
    },
    120_000,
  );

  test('an array within the limit is made', async () => {
    const text = HOSTILE['an array of 700 MB']!.map((part) =>
      part.replace('700000000', '40000000'),
    );
    const module = await load(text as [string, string], GC);
    const limits = { memoryBytes: 64 * MIB };
    const report = await run(module, { isolation: 'process', features: GC, limits });
    expect(report.exit).toEqual(NORMAL);
  });

  test('what becomes garbage at once does not count', async () => {
    const module = await load(
      [
        `${NODE} (func $churn (param $i i32) (loop $l
           (drop (struct.new $node (ref.null $node) (i64.const 1)))
           (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))))`,
        `(block (result i32) (call $churn (i32.const 4000000)) (i32.const 0))`,
      ],
      GC,
    );
    const limits = { memoryBytes: 16 * MIB };
    const report = await run(module, { isolation: 'process', features: GC, limits });
    expect(report.exit).toEqual(NORMAL);
  });
});

describe('relaxed SIMD', () => {
  test('runs beside others where it is allowed, and the report says that machines differ', async () => {
    const module = await load(LANES, RELAXED);
    expect(module.features).toEqual({ gc: false, relaxedSimd: true });
    const report = await run(module, { features: RELAXED });
    expect(report).toMatchObject({ exit: NORMAL, deterministic: false });
  });

  test('is refused where it is not', async () => {
    await expect(load(LANES)).rejects.toEqual(refusal('relaxed-simd'));
    await expect(load(LANES, GC)).rejects.toEqual(refusal('relaxed-simd'));
    const module = await load(LANES, RELAXED);
    await expect(run(module, {})).rejects.toEqual(refusal('relaxed-simd'));
    await expect(run(module, { features: GC })).rejects.toEqual(refusal('relaxed-simd'));
  });

  test('and garbage collection are allowed each by itself', async () => {
    const both = [SUMS[0], `(i32.or ${SUMS[1]} ${LANES[1]})`] as const;
    await expect(load(both, GC)).rejects.toEqual(refusal('relaxed-simd'));
    const features = { ...GC, ...RELAXED };
    const module = await load(both, features);
    const report = await run(module, { isolation: 'process', features });
    expect(report).toMatchObject({ exit: NORMAL, deterministic: false });
  });
});

test('a module without either needs nothing, whatever is allowed', async () => {
  const module = await load(['', '(i32.const 0)'], { ...GC, ...RELAXED });
  expect(module.features).toEqual({ gc: false, relaxedSimd: false });
  expect(await run(module, {})).toMatchObject({ exit: NORMAL, deterministic: true });
});

test('components that tools make of such modules run, agents as commands', async () => {
  const core = (run: string) => `(module ${SUMS[0]} (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "${run}") (result i32) ${run === 'run' ? `(if (result i32) ${SUMS[1]} (then (unreachable)) (else (i32.const 64)))` : SUMS[1]}))`;
  const made = [await agentOf(core('run')), await commandOf(core('wasi:cli/run@0.2.12#run'))];
  for (const bytes of made) {
    const module = await host.kernel.load(bytes, { features: GC });
    const report = await run(module, { isolation: 'process', features: GC });
    expect(report.exit).toEqual(NORMAL);
  }
});

test('what a compiler makes of trees, arrays and closures runs as a command', async () => {
  const core = await readFile(new URL('../fixtures/features/trees.wasm', import.meta.url));
  const text = await print(core);
  const bytes = await commandOf(text.replace('(export "run"', '(export "wasi:cli/run@0.2.12#run"'));
  await expect(host.kernel.load(bytes)).rejects.toEqual(refusal('gc'));
  const module = await host.kernel.load(bytes, { features: GC });
  const report = await run(module, { isolation: 'process', features: GC });
  expect(report.exit).toEqual(NORMAL);
  expect(report.usage.fuel).toBeGreaterThan(100_000);
});

describe('what may be used is asked when it is known which module it is', () => {
  test('by a function', async () => {
    const asked: unknown[] = [];
    const module = await host.kernel.load(await component(...LANES), {
      features: (source) => {
        asked.push(source);
        return RELAXED;
      },
    });
    expect(asked).toEqual([{ digest: module.digest, path: null, realPath: null }]);
  });

  test('what it throws comes out, and what is no answer is refused', async () => {
    const bytes = await component(...LANES);
    const features = () => {
      throw new Error('not this one');
    };
    await expect(host.kernel.load(bytes, { features })).rejects.toThrow('not this one');
    for (const wrong of [{ gc: 1 }, { threads: true }, ['gc'], 'gc'] as never[]) {
      const usage = expect.objectContaining({ code: 'RF_USAGE' });
      await expect(host.kernel.load(bytes, { features: wrong })).rejects.toEqual(usage);
      await expect(host.kernel.load(bytes, { features: () => wrong })).rejects.toEqual(usage);
      const module = await host.kernel.load(bytes, { features: RELAXED });
      await expect(run(module, { features: wrong })).rejects.toEqual(usage);
    }
  });
});
