/**
 * Goal: carrying out a plan does what the component says, in its order, whatever its names are; and the
 * same as jco's own glue does. Method: small components with a host that writes down what happens.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import { afterAll, describe, expect, test } from 'vitest';
import {
  adaptedCommand,
  agentComponent,
  binaryOf,
  compiledModules,
  planOf,
  refusalOf,
} from '../../../test/support/components.ts';
import { NO_FEATURES } from '../metering/features.ts';
import { type CoreFunction, Linker, type LinkHost, type LoweredAccess } from './link.ts';
import { PLAN_FORMAT } from './link-plan.ts';
import type { LinkPlan, LoweredFunction } from './plan.ts';

/** A host that writes down what it is asked for; its functions do what `implement` says. */
class RecordingHost implements LinkHost {
  readonly events: string[] = [];
  readonly accesses: LoweredAccess[] = [];
  readonly #implement: (lowered: LoweredFunction, access: LoweredAccess) => CoreFunction;
  readonly #injected: WebAssembly.ModuleImports;

  constructor(
    implement: (lowered: LoweredFunction, access: LoweredAccess) => CoreFunction = () => () => 0,
    injected: WebAssembly.ModuleImports = {},
  ) {
    this.#implement = implement;
    this.#injected = injected;
  }

  injected(): WebAssembly.ModuleImports {
    return this.#injected;
  }

  beforeInstance(module: number): null {
    this.events.push(`instantiate ${module}`);
    return null;
  }

  lower(lowered: readonly LoweredFunction[], accesses: readonly LoweredAccess[]): CoreFunction[] {
    this.accesses.push(...accesses);
    return lowered.map((each, index) => {
      this.events.push(`lower ${each.kind === 'function' ? each.name : each.resource}`);
      return this.#implement(each, accesses[index]!);
    });
  }

  async callStart(start: CoreFunction): Promise<void> {
    this.events.push('start');
    await WebAssembly.promising(start)();
    this.events.push('started');
  }

  trap(message: string): never {
    this.events.push(`trap: ${message}`);
    throw new WebAssembly.RuntimeError('unreachable');
  }
}

/** A plan of core modules alone, to be changed before it is carried out. */
function planWith(modules: number, change: Partial<LinkPlan>): LinkPlan {
  return {
    format: PLAN_FORMAT,
    features: NO_FEATURES,
    modules: Array.from({ length: modules }, () => ({
      size: 0,
      injected: 'ringfence',
      startExport: null,
      image: null,
      memories: [],
      importsMemories: false,
      tables: [],
      segmentBytes: 0,
      types: 0,
    })),
    steps: [],
    lowered: [],
    imports: [],
    exports: [],
    entry: {
      kind: 'wasi-cli-run',
      core: { instance: 0, name: 'run' },
      postReturn: null,
      memory: null,
      encoding: 'utf8',
    },
    legacyExceptions: false,
    declaredBytes: 0,
    ...change,
  };
}

async function compile(text: string): Promise<WebAssembly.Module> {
  return new WebAssembly.Module(await binaryOf(text));
}

const LOG = {
  kind: 'function',
  interface: 'ringfence:agent/log',
  version: '0.1.0',
  name: 'log',
  encoding: 'utf8',
} as const;

describe('starting', () => {
  test('a start function runs at its place, before the next instance is made', async () => {
    const first = await compile('(module (func (export "begin")) (func (export "run")))');
    const plain = planWith(2, {
      steps: [
        { kind: 'instantiate', module: 0, args: [] },
        { kind: 'inline', exports: [['f', { instance: 0, name: 'run' }]] },
        { kind: 'instantiate', module: 1, args: [['x', 1]] },
      ],
    });
    const modules = plain.modules.map((module) => ({ ...module, startExport: 'begin' }));
    const host = new RecordingHost();
    const second = await compile('(module (import "x" "f" (func)) (func (export "begin")))');
    await new Linker({ ...plain, modules }, [first, second], host).link();
    expect(host.events).toEqual([
      ...['instantiate 0', 'start', 'started'],
      ...['instantiate 1', 'start', 'started'],
    ]);
  });

  test('a start function that traps ends it, and nothing more is made', async () => {
    const module = await compile(
      '(module (func (export "begin") unreachable) (func (export "run")))',
    );
    const plain = planWith(1, {
      steps: [
        { kind: 'instantiate', module: 0, args: [] },
        { kind: 'instantiate', module: 0, args: [] },
      ],
    });
    const modules = plain.modules.map((each) => ({ ...each, startExport: 'begin' }));
    const host = new RecordingHost();
    const linker = new Linker({ ...plain, modules }, [module], host);
    await expect(linker.link()).rejects.toThrow(WebAssembly.RuntimeError);
    expect(host.events).toEqual(['instantiate 0', 'start']);
  });

  test('what metering injects can not be replaced by an argument of the same name', async () => {
    const fuel = new WebAssembly.Global({ value: 'i32', mutable: false }, 7);
    const other = await compile('(module (global (export "fuel") i32 (i32.const 1)))');
    const module = await compile(`(module (import "ringfence" "fuel" (global $g i32))
      (func (export "run") (result i32) global.get $g))`);
    const plan = planWith(2, {
      steps: [
        { kind: 'instantiate', module: 0, args: [] },
        { kind: 'instantiate', module: 1, args: [['ringfence', 0]] },
      ],
      entry: { ...planWith(0, {}).entry, core: { instance: 1, name: 'run' } },
    });
    const host = new RecordingHost(undefined, { fuel });
    const linked = await new Linker(plan, [other, module], host).link();
    expect(linked.entry()).toBe(7);
  });

  test('modules that do not fit each other are named as broken, without the words of V8', async () => {
    const name = "'\\n\u001b[2J";
    const escaped = "'\\5cn\\1b[2J";
    const module = await compile(`(module (import "x" "${escaped}" (func (param i32))))`);
    const other = await compile(`(module (memory (export "${escaped}") 1))`);
    const plan = planWith(2, {
      steps: [
        { kind: 'instantiate', module: 0, args: [] },
        { kind: 'instantiate', module: 1, args: [['x', 0]] },
      ],
    });
    const failure = await new Linker(plan, [other, module], new RecordingHost())
      .link()
      .catch((error: unknown) => error);
    const error = refusalOf(() => {
      throw failure;
    });
    expect(error.code).toBe('RF_MODULE_INVALID');
    expect(error.message).not.toContain(name);
    expect(error.message).toContain('core module');
  });

  test('an entry that is no function is broken', async () => {
    const module = await compile('(module (memory (export "run") 1))');
    const plan = planWith(1, { steps: [{ kind: 'instantiate', module: 0, args: [] }] });
    await expect(new Linker(plan, [module], new RecordingHost()).link()).rejects.toMatchObject({
      code: 'RF_MODULE_INVALID',
    });
  });

  test('a segment that does not fit is a trap of the guest', async () => {
    const module = await compile(
      '(module (memory 1) (data (i32.const 65536) "x") (func (export "run")))',
    );
    const plan = planWith(1, { steps: [{ kind: 'instantiate', module: 0, args: [] }] });
    await expect(new Linker(plan, [module], new RecordingHost()).link()).rejects.toThrow(
      WebAssembly.RuntimeError,
    );
  });
});

describe('memory and realloc of a lowered function', () => {
  const late = (memory: LoweredFunction & { readonly kind: 'function' }): LinkPlan =>
    planWith(2, {
      lowered: [memory],
      steps: [
        { kind: 'inline', exports: [['log', { lowered: 0 }]] },
        { kind: 'instantiate', module: 0, args: [['host', 0]] },
        { kind: 'instantiate', module: 1, args: [] },
      ],
      entry: { ...planWith(0, {}).entry, core: { instance: 1, name: 'run' } },
    });
  const caller = '(module (import "host" "log" (func $log)) (func (export "run") (call $log)))';
  const holder = `(module (memory (export "m") 3) (global (export "g") i32 (i32.const 0))
    (func (export "r") (param i32 i32 i32 i32) (result i32) i32.const 8))`;

  test('are looked up at the call, so they may be made after what calls it', async () => {
    const lowered = {
      ...LOG,
      memory: { instance: 2, name: 'm' },
      realloc: { instance: 2, name: 'r' },
    };
    const seen: number[] = [];
    const host = new RecordingHost((_lowered, access) => () => {
      seen.push(access.memory().buffer.byteLength, access.realloc()(0, 0, 1, 1));
    });
    const modules = [await compile(caller), await compile(holder)];
    const linked = await new Linker(late(lowered), modules, host).link();
    linked.entry();
    linked.entry();
    expect(seen).toEqual([3 * 65_536, 8, 3 * 65_536, 8]);
    expect(host.events.filter((event) => event === 'lower log')).toHaveLength(1);
  });

  test('trap where they are not there yet', async () => {
    const lowered = { ...LOG, memory: { instance: 2, name: 'm' }, realloc: null };
    const plan = late(lowered);
    const modules = plan.modules.map((module, index) =>
      index === 0 ? { ...module, startExport: 'run' } : module,
    );
    const host = new RecordingHost((_lowered, access) => () => access.memory());
    const compiled = [await compile(caller), await compile(holder)];
    const linker = new Linker({ ...plan, modules }, compiled, host);
    await expect(linker.link()).rejects.toThrow('unreachable');
    expect(host.events.at(-1)).toBe(
      'trap: an imported function was called before its memory was there',
    );
  });

  test('trap where there are none, or something else', async () => {
    const nothing = { ...LOG, memory: null, realloc: null };
    const other = {
      ...LOG,
      memory: { instance: 2, name: 'g' },
      realloc: { instance: 2, name: 'g' },
    };
    const proto = {
      ...LOG,
      memory: { instance: 2, name: '__proto__' },
      realloc: { instance: 2, name: 'constructor' },
    };
    for (const lowered of [nothing, other, proto]) {
      const host = new RecordingHost();
      const compiled = [await compile(caller), await compile(holder)];
      await new Linker(late(lowered), compiled, host).link();
      const [access] = host.accesses;
      expect(() => access!.memory()).toThrow('unreachable');
      expect(() => access!.realloc()).toThrow('unreachable');
    }
  });
});

describe('linking again', () => {
  const plan = planWith(2, {
    lowered: [
      { ...LOG, memory: { instance: 2, name: 'm' }, realloc: { instance: 2, name: 'r' } },
      { ...LOG, memory: { instance: 2, name: 'm' }, realloc: null },
    ],
    steps: [
      {
        kind: 'inline',
        exports: [
          ['log', { lowered: 0 }],
          ['other', { lowered: 1 }],
        ],
      },
      { kind: 'instantiate', module: 0, args: [['host', 0]] },
      { kind: 'instantiate', module: 1, args: [] },
    ],
    entry: {
      ...planWith(0, {}).entry,
      core: { instance: 1, name: 'run' },
      memory: { instance: 2, name: 'm' },
    },
  });
  const modules = async () => [
    await compile(`(module (import "host" "log" (func $log)) (import "host" "other" (func $other))
      (func (export "run") (call $log) (call $other)))`),
    await compile(`(module (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32)
        (i32.load (i32.const 0))))`),
  ];
  /** Looks as generated bindings do: at views that are kept. */
  const look = (access: LoweredAccess): ArrayBufferLike => {
    if (access.views.bytes.length === 0) access.views.refresh(access.memory());
    return access.views.bytes.buffer;
  };

  test('what is bound serves the instances that were linked last, and is bound once', async () => {
    const seen: unknown[] = [];
    const host = new RecordingHost((_lowered, access) => () => {
      seen.push(look(access));
    });
    const linker = new Linker(plan, await modules(), host);
    const first = await linker.link();
    first.entry();
    linker.unlink();
    const second = await linker.link();
    second.entry();
    expect(first.memory).not.toBe(second.memory);
    expect(seen).toEqual([
      first.memory!.buffer,
      first.memory!.buffer,
      second.memory!.buffer,
      second.memory!.buffer,
    ]);
    expect(seen[0]).not.toBe(seen[2]);
    expect(host.events.filter((event) => event.startsWith('lower'))).toHaveLength(2);
    new Uint32Array(second.memory!.buffer)[0] = 7;
    expect(host.accesses[0]!.realloc()(0, 0, 1, 1)).toBe(7);
  });

  test('between two linkings nothing of the first can be reached', async () => {
    const host = new RecordingHost();
    const linker = new Linker(plan, await modules(), host);
    await linker.link();
    const [access] = host.accesses;
    look(access!);
    expect(access!.views.bytes.length).toBe(65_536);
    linker.unlink();
    expect(access!.views.bytes.length).toBe(0);
    expect(access!.views.view.byteLength).toBe(0);
    expect(() => access!.memory()).toThrow('unreachable');
    expect(() => access!.realloc()).toThrow('unreachable');
  });

  test('functions that use the same memory share its views', () => {
    const host = new RecordingHost();
    new Linker(plan, [], host);
    expect(host.accesses[0]!.views).toBe(host.accesses[1]!.views);
  });
});

describe('hostile names', () => {
  const names = [
    '__proto__',
    'constructor',
    "y']||(process.exit())||exports0['x",
    '\u0000',
    '',
    'ringfence',
  ];
  const quoted = (name: string) =>
    `"${[...new TextEncoder().encode(name)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')}"`;

  test.each(names)('%j is a name like any other', async (name) => {
    const n = quoted(name);
    const component = await binaryOf(`(component
      (core module $a (func (export ${n}) (result i32) i32.const 42))
      (core module $b (import ${n} ${n} (func $f (result i32))) (func (export "run") (result i32) call $f))
      (core instance $a (instantiate $a))
      (alias core export $a ${n} (core func $f))
      (core instance $i (export ${n} (func $f)))
      (core instance $b (instantiate $b (with ${n} (instance $i))))
      (func $run (result (result)) (canon lift (core func $b "run")))
      (instance $command (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $command)))`);
    const plan = planOf(component);
    // Metering chooses a name that no import has.
    const modules = plan.modules.map((module) => ({ ...module, injected: 'injected' }));
    const linked = await new Linker(
      { ...plan, modules },
      compiledModules(component),
      new RecordingHost(),
    ).link();
    expect(linked.entry()).toBe(42);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });
});

const HELLO = `(module
  (import "ringfence:agent/log@0.1.0" "log" (func $log (param i32 i32 i32)))
  (import "ringfence:agent/process@0.1.0" "self" (func $self (result i64)))
  (import "ringfence:agent/tools@0.1.0" "call" (func $call (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 4096))
  (data (i32.const 64) "hello, agent ?")
  (data (i32.const 128) "{}")
  (func (export "cabi_realloc") (param $old i32) (param i32 i32) (param $bytes i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $bytes)))
    local.get $at)
  (func (export "run") (result i32)
    (i32.store8 (i32.const 77) (i32.add (i32.wrap_i64 (call $self)) (i32.const 48)))
    (call $log (i32.const 2) (i32.const 64) (i32.const 14))
    (call $call (i32.const 64) (i32.const 5) (i32.const 128) (i32.const 2) (i32.const 256))
    ;; what the tool answered is the error: result<string, error> at 256, result<_, string> at 512
    (i32.store8 (i32.const 512) (i32.const 1))
    (i32.store (i32.const 516) (i32.load (i32.const 260)))
    (i32.store (i32.const 520) (i32.load (i32.const 264)))
    i32.const 512))`;

const folder = mkdtempSync(join(tmpdir(), 'ringfence-link-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs an agent with the host functions of HELLO; answers what it logged and the error it returned. */
async function runByPlan(component: Uint8Array): Promise<string[]> {
  const lines: string[] = [];
  const text = (memory: WebAssembly.Memory, at: number, length: number): string =>
    new TextDecoder().decode(new Uint8Array(memory.buffer, at, length));
  const host = new RecordingHost((lowered, access) => {
    if (lowered.kind !== 'function') throw new Error('it drops nothing');
    switch (`${lowered.interface}#${lowered.name}`) {
      case 'ringfence:agent/process#self':
        return () => 7n;
      case 'ringfence:agent/log#log':
        return (level: number, at: number, length: number) => {
          lines.push(`${level} ${text(access.memory(), at, length)}`);
        };
      default:
        return (at: number, length: number, json: number, jsonLength: number, result: number) => {
          const name = text(access.memory(), at, length);
          const answer = new TextEncoder().encode(
            `${name}(${text(access.memory(), json, jsonLength)})`,
          );
          const where = access.realloc()(0, 0, 1, answer.length);
          new Uint8Array(access.memory().buffer).set(answer, where);
          const view = new DataView(access.memory().buffer);
          view.setUint8(result, 0);
          view.setUint32(result + 4, where, true);
          view.setUint32(result + 8, answer.length, true);
        };
    }
  });
  const linked = await new Linker(planOf(component), compiledModules(component), host).link();
  const at = (await WebAssembly.promising(linked.entry)()) as number;
  const view = new DataView(linked.memory!.buffer);
  lines.push(`failed ${view.getUint8(at)}`);
  lines.push(text(linked.memory!, view.getUint32(at + 4, true), view.getUint32(at + 8, true)));
  return lines;
}

/** The same by jco's glue, which is for components that we made ourselves. */
async function runByJco(component: Uint8Array): Promise<string[]> {
  const { files } = await transpile(component, {
    name: 'hello',
    instantiation: 'async',
    noTypescript: true,
  });
  const glue = join(folder, 'hello.mjs');
  writeFileSync(glue, files['hello.js']!);
  const { instantiate: start } = await import(pathToFileURL(glue).href);
  const lines: string[] = [];
  const levels = ['trace', 'debug', 'info', 'warn', 'error'];
  const { run } = await start(
    (path: string) => new WebAssembly.Module(files[path] as Uint8Array<ArrayBuffer>),
    {
      'ringfence:agent/process': { self: () => 7n },
      'ringfence:agent/log': {
        log: (level: string, message: string) => lines.push(`${levels.indexOf(level)} ${message}`),
      },
      'ringfence:agent/tools': { call: (name: string, json: string) => `${name}(${json})` },
    },
  );
  try {
    run();
    lines.push('failed 0', '');
  } catch (error) {
    lines.push('failed 1', (error as { payload: string }).payload);
  }
  return lines;
}

describe('components that jco makes', () => {
  test("an agent does the same by our plan and by jco's glue", async () => {
    const component = await agentComponent(HELLO);
    const ours = await runByPlan(component);
    expect(ours).toEqual(['2 hello, agent 7', 'failed 1', 'hello({})']);
    expect(ours).toEqual(await runByJco(component));
  });

  test('a wasip1 command behind the adapter writes through its lowered functions', async () => {
    const component = await adaptedCommand(`(module
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 16) "\\20\\00\\00\\00\\05\\00\\00\\00")
      (data (i32.const 32) "hello")
      (func (export "_start")
        (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)))))`);
    const written: string[] = [];
    const host = new RecordingHost((lowered, access) => {
      if (lowered.kind === 'resource-drop') return () => {};
      switch (lowered.name) {
        case 'get-stdin':
          return () => 1;
        case 'get-stdout':
          return () => 2;
        case 'get-stderr':
          return () => 3;
        case '[method]output-stream.check-write':
          return (_handle: number, result: number) => {
            new DataView(access.memory().buffer).setBigUint64(result + 8, 4096n, true);
          };
        case '[method]output-stream.write':
        case '[method]output-stream.blocking-write-and-flush':
          return (handle: number, at: number, length: number) => {
            const bytes = new Uint8Array(access.memory().buffer, at, length);
            written.push(`${handle}: ${new TextDecoder().decode(bytes)}`);
          };
        default:
          return () => {};
      }
    });
    const plan = planOf(component);
    const linked = await new Linker(plan, compiledModules(component), host).link();
    expect(await WebAssembly.promising(linked.entry)()).toBe(0);
    expect(written).toEqual(['2: hello']);
    expect(linked.memory).toBeNull();
  });
});
