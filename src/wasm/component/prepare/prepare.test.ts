/**
 * Goal: whatever the bytes are, preparing ends soon with a module that is metered or with one sentence,
 * and only the child takes the harm. Method: files built byte by byte, hostile ones beside good ones.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  body,
  bodyWithLocals,
  type CoreParts,
  componentOf,
  concat,
  coreModule,
  leb,
  repeat,
  section,
  text,
} from '../../../../test/fixtures/prepare/modules.ts';
import { binaryOf, runnable } from '../../../../test/support/components.ts';
import { TestHost } from '../../../../test/support/metering/meter-run.ts';
import { RingfenceError } from '../../../errors.ts';
import { ModuleCache } from '../cache/cache.ts';
import { cacheKey, installedVersions } from '../cache/key.ts';
import { PLAN_FORMAT } from '../plan.ts';
import { DEFAULT_PREPARE_LIMITS, modulesBytesMax } from './limits.ts';
import { type PreparedModule, type PrepareOptions, prepareModule } from './prepare.ts';

const MIB = 1024 * 1024;
const FIXTURES = new URL('../../../../test/fixtures/prepare/', import.meta.url);

const prepare = (bytes: Uint8Array, options: Partial<PrepareOptions> = {}) =>
  prepareModule(bytes, { cacheDirectory: null, ...options });

async function failureOf(preparing: Promise<PreparedModule>): Promise<RingfenceError> {
  const error: unknown = await preparing.then(
    () => expect.fail('was prepared'),
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(RingfenceError);
  const failure = error as RingfenceError;
  // One sentence: one line that ends with a full stop, without a stack or a path of ours.
  expect(failure.message).toMatch(/^[^\n]+\.$/);
  expect(failure.message).not.toContain('file://');
  expect(failure.message.length).toBeLessThan(700);
  return failure;
}

const sound = componentOf(coreModule());

describe('a sound module', () => {
  test('is planned, metered and compiled', async () => {
    const stages: string[] = [];
    const prepared = await prepare(sound, { onProgress: (stage) => stages.push(stage) });
    expect(prepared).toMatchObject({ adapted: false, fromCache: false, warnings: [] });
    expect(prepared.digest).toBe(createHash('sha256').update(sound).digest('hex'));
    expect(prepared.plan.entry.kind).toBe('agent-run');
    expect(prepared.modules).toHaveLength(1);
    const [compiled] = prepared.compiled as [WebAssembly.Module];
    const imported = WebAssembly.Module.imports(compiled).map((entry) => entry.name);
    expect(imported).toContain('fuel');
    expect(stages).toContain('metering');
    expect(stages).not.toContain('optimising');
  });

  test('has functions of one kind in all its core modules, which may share tables', async () => {
    // By its type alone, `$attacker` could call what takes fuel and depth, and make both up.
    const victim =
      '(core module $a (table (export "t") 1 funcref) (elem (i32.const 0) func $f) (func $f))';
    const attacker = (typed: string) => `(core module $b (import "a" "t" (table 1 funcref)) ${typed}
      (func (export "forge") (result i32) (call_indirect (param i32 i32) (result i32)
        (i32.const 2000000000) (i32.const 500000) (i32.const 0)))
      (func (export "call") (call_indirect (i32.const 0))))`;
    for (const typed of ['(type $x (func)) (global (ref null $x) (ref.null $x))', '']) {
      const { compiled } = await prepare(
        await binaryOf(
          runnable(`${victim} ${attacker(typed)} (core instance $i (instantiate $a))
            (core instance (instantiate $b (with "a" (instance $i))))`),
        ),
      );
      const host = new TestHost({ budget: 1_000_000n, slice: null });
      const ringfence = host.imports();
      const a = new WebAssembly.Instance(compiled[0]!, { ringfence }).exports;
      const imports = { ringfence, a: a as WebAssembly.ModuleImports };
      const b = new WebAssembly.Instance(compiled[1]!, imports).exports;
      expect(b.forge as () => number).toThrow('function signature mismatch');
      (b.call as () => void)();
    }
  });

  test('may be a wasip1 command, which is adapted', async () => {
    const command = coreModule({
      program: '_start',
      types: { count: 1, bytes: concat(0x60, 1, 0x7f, 0) },
      imports: {
        count: 1,
        functions: 1,
        bytes: concat(text('wasi_snapshot_preview1'), text('proc_exit'), [0, 2]),
      },
    });
    const prepared = await prepare(command);
    expect(prepared.plan.imports.map((entry) => entry.interface)).toContain('wasi:cli/exit');
    expect(prepared.adapted).toBe(true);
    expect(prepared.plan.entry.kind).toBe('wasi-cli-run');
    expect(prepared.modules.length).toBeGreaterThan(1);
  });

  test('with a large function is compiled by TurboFan as well', async () => {
    const stages: string[] = [];
    const large = coreModule({ bodies: [body(repeat(300_000, 0x01))] });
    await prepare(componentOf(large), { onProgress: (stage) => stages.push(stage) });
    expect(stages).toContain('optimising');
  });
});

describe('a broken module', () => {
  test('cut anywhere is refused', { timeout: 120_000 }, async () => {
    for (const length of [9, 20, 60, 100, sound.length - 20, sound.length - 1]) {
      const failure = await failureOf(prepare(sound.subarray(0, length)));
      expect(['RF_MODULE_INVALID', 'RF_MODULE_REFUSED']).toContain(failure.code);
    }
  });

  const broken: [string, Uint8Array, code: string, said: string][] = [
    ['no file at all', new Uint8Array(0), 'RF_MODULE_INVALID', 'empty'],
    ['a web page', new TextEncoder().encode('<!doctype html>'), 'RF_MODULE_INVALID', 'web page'],
    [
      'code that is not valid',
      componentOf(coreModule({ bodies: [body(0x6a)] })),
      'RF_MODULE_INVALID',
      'core module',
    ],
    [
      'a structure that is not valid',
      // An export of a function that is not there.
      concat(sound, section(11, 1, [0x00, text('more')], [0x01, 0x07, 0x00])),
      'RF_MODULE_INVALID',
      'component',
    ],
    ['a component without anything', sound.subarray(0, 8), 'RF_MODULE_REFUSED', 'run'],
    ['a core module that is no program', coreModule(), 'RF_MODULE_REFUSED', '_start'],
    [
      'a core module for another host',
      coreModule({
        program: '_start',
        imports: { count: 1, functions: 1, bytes: concat(text('env'), text('abort'), [0, 0]) },
      }),
      'RF_MODULE_REFUSED',
      'env',
    ],
    [
      'an import that is not offered',
      componentOf(coreModule(), { after: importOfNothing('evil:host/shell@1.0.0') }),
      'RF_MODULE_REFUSED',
      'evil:host/shell',
    ],
  ];
  test.each(broken)('with %s is refused', async (_name, bytes, code, said) => {
    const failure = await failureOf(prepare(bytes));
    expect(failure.code).toBe(code);
    expect(failure.message.toLowerCase()).toContain(said.toLowerCase());
  });

  test('with hostile names gives a message without them raw', async () => {
    const hostile = "y']||(process.exit(7))||exports0['x\u001b[2J\n\u2028\u202e";
    const core = coreModule({
      exports: { count: 1, bytes: concat(text(hostile), 0, 0) },
      imports: { count: 1, functions: 1, bytes: concat(text(hostile), text('__proto__'), [0, 0]) },
    });
    const failure = await failureOf(prepare(componentOf(core)));
    expect(failure.message).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
  });

  test('that is too large is not read', async () => {
    const failure = await failureOf(prepare(sound, { limits: { fileBytes: 50 } }));
    expect(failure.code).toBe('RF_MODULE_REFUSED');
  });
});

/** Imports an instance that exports nothing, under a name; its type is defined first. */
function importOfNothing(name: string): Uint8Array {
  return concat(section(7, 1, [0x42, 0x00]), section(10, 1, [0x00, text(name)], [0x05, 2]));
}

describe('a compile bomb', () => {
  const nested = (blocks: number, locals: number): CoreParts => {
    const branches = Array.from({ length: blocks }, (_, at) => concat(0x41, 0, 0x0d, leb(at)));
    const opened = repeat(blocks, 0x02, 0x40);
    return { bodies: [bodyWithLocals(locals, opened, branches, repeat(blocks, 0x0b))] };
  };
  const table = (targets: number) =>
    body([0x02, 0x40, 0x41, 0, 0x0e], leb(targets), new Uint8Array(targets + 1), 0x0b);
  const manyNops = concat(leb(7_000_002), 0, repeat(7_000_000, 0x01), 0x0b);
  /** Each type is a tuple of two of the one before: written short, endless when written out. */
  const doubling = (levels: number): Uint8Array => {
    const types = [concat(0x6f, 2, 0x7d, 0x7d)];
    for (let at = 1; at < levels; at++) types.push(concat(0x6f, 2, leb(at + 1), leb(at + 1)));
    const last = levels + 1;
    return concat(
      section(7, leb(levels + 1), types, [0x40, 1, text('p'), leb(last), 0x01, 0x00]),
      section(10, 1, [0x00, text('twice')], [0x01, leb(last + 1)]),
    );
  };
  /** Components inside of each other. */
  const nestedComponents = (levels: number): Uint8Array => {
    const header = sound.subarray(0, 8);
    let inner: Uint8Array = header;
    for (let level = 0; level < levels; level++) inner = concat(header, section(4, inner));
    return section(4, inner);
  };

  const bombs: [string, () => Uint8Array][] = [
    ['of 50,000 locals and 12,000 blocks', () => componentOf(coreModule(nested(12_000, 49_000)))],
    [
      'of locals and blocks as a command',
      () => coreModule({ program: '_start', ...nested(12_000, 49_000) }),
    ],
    ['of 10^6 branch targets', () => componentOf(coreModule({ bodies: [table(1_000_000)] }))],
    [
      'of 10^6 functions',
      () =>
        componentOf(
          coreModule({ manyBodies: { count: 1_000_000, bytes: repeat(1_000_000, 2, 0, 0x0b) } }),
        ),
    ],
    [
      'of 10^5 types',
      () =>
        componentOf(coreModule({ types: { count: 100_000, bytes: repeat(100_000, 0x60, 0, 0) } })),
    ],
    [
      'of 10^5 imports',
      () =>
        componentOf(
          coreModule({
            imports: {
              count: 100_000,
              functions: 100_000,
              bytes: repeat(100_000, text('a'), text('b'), [0, 0]),
            },
          }),
        ),
    ],
    ['of doubling types', () => componentOf(coreModule(), { after: doubling(40) })],
    [
      'of nested blocks',
      () =>
        componentOf(
          coreModule({ bodies: [body(repeat(100_000, 0x02, 0x40), repeat(100_000, 0x0b))] }),
        ),
    ],
    ['of nested components', () => componentOf(coreModule(), { after: nestedComponents(1_000) })],
    [
      'of 50 MB of zeros as code',
      () =>
        componentOf(
          coreModule({
            manyBodies: { count: 1, bytes: concat(leb(50_000_000), new Uint8Array(50_000_000)) },
          }),
        ),
    ],
    ['of a large table', () => componentOf(withTable(0xffff_fff0))],
  ];
  test.each(bombs)('%s is refused in the child', async (_name, make) => {
    const bytes = make();
    const before = process.memoryUsage.rss();
    const failure = await failureOf(prepare(bytes, { limits: { rssBytes: 768 * MIB } }));
    expect(['RF_MODULE_REFUSED', 'RF_MODULE_INVALID', 'RF_PREPARE_LIMIT']).toContain(failure.code);
    expect(process.memoryUsage.rss() - before).toBeLessThan(128 * MIB);
  });

  const smaller: [string, () => Uint8Array][] = [
    ['locals and blocks', () => componentOf(coreModule(nested(10, 10)))],
    ['branch targets', () => componentOf(coreModule({ bodies: [table(100)] }))],
    [
      'functions',
      () =>
        componentOf(coreModule({ manyBodies: { count: 1_000, bytes: repeat(1_000, 2, 0, 0x0b) } })),
    ],
  ];
  test.each(smaller)('is not what a few %s are', async (_name, make) => {
    await expect(prepare(make())).resolves.toMatchObject({ adapted: false });
  });

  test('of 49 MB of code that does nothing ends by the clock or is through', async () => {
    const bytes = componentOf(coreModule({ manyBodies: { count: 7, bytes: repeat(7, manyNops) } }));
    const startedAt = performance.now();
    const outcome = await prepare(bytes, { limits: { deadlineMs: 5_000 } }).catch(
      (error: unknown) => error,
    );
    expect(performance.now() - startedAt).toBeLessThan(8_000);
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: /^RF_/ });
  });

  function withTable(elements: number): Uint8Array {
    const core = coreModule();
    // Behind the functions (id 3) and before the memory (id 5).
    const at = core.indexOf(
      5,
      core.findIndex((byte, index) => byte === 3 && core[index + 1] === 2),
    );
    return concat(
      core.subarray(0, at),
      section(4, 1, [0x70, 0x00, ...leb(elements)]),
      core.subarray(at),
    );
  }
});

describe('a child that is not as it should be', () => {
  const childFiles = (name: string) => ({ prepare: new URL(`${name}.ts`, FIXTURES) });

  test('hangs: preparing ends by the deadline', async () => {
    const options = { childFiles: childFiles('hang'), limits: { deadlineMs: 1_000 } };
    expect((await failureOf(prepare(sound, options))).code).toBe('RF_PREPARE_LIMIT');
  });

  test('crashes: it is a fault of ours', async () => {
    const failure = await failureOf(prepare(sound, { childFiles: childFiles('crash') }));
    expect(failure.code).toBe('RF_INTERNAL');
  });

  test('hands back modules that are not metered: they are not taken', async () => {
    const failure = await failureOf(prepare(sound, { childFiles: childFiles('unmetered') }));
    expect(failure.code).toBe('RF_INTERNAL');
    expect(failure.message).toContain('fuel');
  });

  test('is not wanted any more: preparing ends with the reason', async () => {
    const controller = new AbortController();
    const options = {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    };
    await expect(prepare(sound, options)).rejects.toThrow('enough');
  });
});

describe('with a cache', () => {
  let directory: string;
  beforeEach(() => {
    directory = join(mkdtempSync(join(tmpdir(), 'ringfence-prepare-')), 'cache');
  });
  afterEach(() => rm(join(directory, '..'), { recursive: true, force: true }));
  const cached = (bytes = sound) => prepareModule(bytes, { cacheDirectory: directory });
  const entryFile = async () => join(directory, (await readdir(directory))[0]!);

  test('the second time nothing is done again, and the outcome is the same', async () => {
    const first = await cached();
    const second = await prepareModule(sound, {
      cacheDirectory: directory,
      childFiles: { prepare: new URL('crash.ts', FIXTURES) },
    });
    expect([first.fromCache, second.fromCache]).toEqual([false, true]);
    expect(second.plan).toEqual(first.plan);
    expect(second.modules).toEqual(first.modules);
    expect(second.compiled).toHaveLength(1);
  });

  test('what was adapted is known as adapted', async () => {
    const command = coreModule({ program: '_start' });
    await cached(command);
    await expect(cached(command)).resolves.toMatchObject({ adapted: true, fromCache: true });
  });

  test('a refusal leaves nothing in it', async () => {
    await failureOf(cached(coreModule()));
    expect(await readdir(directory)).toEqual([]);
  });

  test('an altered entry is made anew, and then found', async () => {
    await cached();
    const file = await entryFile();
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    await expect(cached()).resolves.toMatchObject({ fromCache: false });
    await expect(cached()).resolves.toMatchObject({ fromCache: true });
  });

  test('an entry with a right hash whose module is not metered is made anew', async () => {
    const first = await cached();
    const cache = await ModuleCache.open(directory);
    const key = cacheKey(first.digest, installedVersions(PLAN_FORMAT));
    const core = coreModule();
    const [module] = first.plan.modules;
    const plan = { ...first.plan, modules: [{ ...module, size: core.length }] };
    await cache.write(key, { adapted: false, plan, modules: [core] });
    await expect(cached()).resolves.toMatchObject({ fromCache: false });
  });

  test('an entry with a right hash and a wrong plan is made anew', async () => {
    const first = await cached();
    const cache = await ModuleCache.open(directory);
    const key = cacheKey(first.digest, installedVersions(PLAN_FORMAT));
    const plan = { ...first.plan, steps: [] };
    await cache.write(key, { adapted: false, plan, modules: first.modules });
    const bounds = {
      planBytes: MIB,
      modules: 4,
      modulesBytes: modulesBytesMax(sound.length, DEFAULT_PREPARE_LIMITS),
    };
    expect(await cache.read(key, bounds)).not.toBeNull();
    await expect(cached()).resolves.toMatchObject({ fromCache: false });
  });

  test('two at once both get it', async () => {
    const both = await Promise.all([cached(), cached()]);
    expect(both[0].modules).toEqual(both[1].modules);
    await expect(cached()).resolves.toMatchObject({ fromCache: true });
  });

  test('that can not be made the run goes on without it, and says so', async () => {
    const file = join(directory, '..', 'file');
    await writeFile(file, '');
    const prepared = await prepareModule(sound, { cacheDirectory: join(file, 'cache') });
    expect(prepared.modules).toHaveLength(1);
    expect(prepared.warnings).toHaveLength(1);
    expect(prepared.warnings[0]).toMatch(/^[^\n]*ENOTDIR[^\n]*RINGFENCE_CACHE\.$/);
  });

  test('that can not be written to the run goes on without it, and says so', async () => {
    // A directory with something in it where the entry belongs.
    const digest = createHash('sha256').update(sound).digest('hex');
    const key = cacheKey(digest, installedVersions(PLAN_FORMAT));
    await mkdir(join(directory, `${key}.entry`, 'in-the-way'), { recursive: true });
    await chmod(directory, 0o700);
    const prepared = await cached();
    expect(prepared.fromCache).toBe(false);
    expect(prepared.warnings).toHaveLength(1);
  });

  test('that others may write to nothing is prepared', async () => {
    await mkdir(directory);
    await chmod(directory, 0o777);
    expect((await failureOf(cached())).code).toBe('RF_FILE');
  });
});
