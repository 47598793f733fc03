/** One linked world of a test script's modules, plain or metered. */

import { contents, instantiateMetered, type TestHost } from '../metering/meter-run.ts';
import { type ExportType, keyOf, type Signature, signatureOf } from './adapters.ts';
import type { Action, Command, Constant, Ending, Reference } from './commands.ts';
import type { PreparedScript, RunnableModule, Step } from './prepare.ts';
import { spectestOf } from './spectest.ts';
import { showBits } from './values.ts';

/** Modules of the host, compiled once. */
export interface HostModules {
  readonly spectest: WebAssembly.Module;
  /** Exports `kind`: what a reference to a garbage-collected object is. */
  readonly kinds: WebAssembly.Module;
}

/** How a step ended, and everything that a script could see of it. */
export interface Outcome {
  readonly ended: Ending | 'link' | 'stopped' | 'failed';
  readonly values: readonly string[];
  /** The engine's words, where it ended with an error. */
  readonly message: string;
  /** What was printed through `spectest`. */
  readonly printed: readonly string[];
  /** Fuel used by the world so far. */
  readonly fuel: bigint;
  /** The engine's own stack overflowed: where it does isn't the same in each run. */
  readonly overflowed: boolean;
}

interface Instance {
  readonly exports: WebAssembly.Exports;
  readonly types: ReadonlyMap<string, ExportType>;
}

type Raw = (...values: unknown[]) => unknown;

// Node's types don't know exceptions yet.
const { Exception } = WebAssembly as unknown as { Exception: new () => Error };

const INSTANTIATING = new Set(['module', 'instance', 'assertModule']);

const KINDS = ['object', 'struct', 'array'];

/** The text of {@link HostModules.kinds}. */
export const KINDS_TEXT = `(module (func (export "kind") (param anyref) (result i32)
  (i32.add (ref.test structref (local.get 0))
    (i32.shl (ref.test arrayref (local.get 0)) (i32.const 1)))))`;

/** Writes what JavaScript has of a number; what came through an adapter is an integer. */
function bytesOf(type: string, raw: readonly unknown[]): Buffer {
  const buffer = Buffer.alloc(type === 'v128' ? 16 : Number(type.slice(1)) / 8);
  for (const [place, value] of raw.entries()) {
    if (typeof value === 'bigint') buffer.writeBigInt64LE(value, place * 8);
    else if (type === 'i32' || type === 'f32') buffer.writeInt32LE(value as number);
  }
  return buffer;
}

function bytesOfFloat(type: string, value: number): Buffer {
  const buffer = Buffer.alloc(type === 'f32' ? 4 : 8);
  if (type === 'f32') buffer.writeFloatLE(value);
  else buffer.writeDoubleLE(value);
  return buffer;
}

export class World {
  readonly #script: PreparedScript;
  readonly #host: TestHost | null;
  readonly #kind: (value: unknown) => number;
  readonly #registered: Record<string, WebAssembly.ModuleImports>;
  readonly #instances = new Map<string | null, Instance>();
  readonly #all: Instance[] = [];
  readonly #modules = new Map<string | null, RunnableModule>();
  readonly #externs = new Map<string, object>();
  #printed: string[] = [];

  /** `host`: null for a world that isn't metered. */
  constructor(script: PreparedScript, modules: HostModules, host: TestHost | null) {
    this.#script = script;
    this.#host = host;
    const spectest = spectestOf(modules.spectest, (line) => this.#printed.push(line));
    this.#registered = { spectest };
    const { exports } = new WebAssembly.Instance(modules.kinds);
    this.#kind = exports.kind as (value: unknown) => number;
  }

  /** Runs a step that isn't skipped. */
  run(step: Step): Outcome {
    this.#printed = [];
    let values: string[] = [];
    let failure: Pick<Outcome, 'ended' | 'message' | 'overflowed'> = {
      ended: 'return',
      message: '',
      overflowed: false,
    };
    this.#host?.enter();
    try {
      values = this.#perform(step.command, step);
    } catch (error) {
      failure = this.#failure(error, INSTANTIATING.has(step.command.kind));
    }
    return { ...failure, values, printed: this.#printed, fuel: this.#host?.used ?? 0n };
  }

  /** What all exported globals and memories hold. */
  state(): string[] {
    return this.#all.flatMap(({ exports }) => contents(exports));
  }

  #perform(command: Command, { verdict }: Step): string[] {
    switch (command.kind) {
      case 'module':
        if (verdict?.kind === 'runnable') this.#define(command, verdict.module);
        return [];
      case 'instance':
        this.#keep(command.id, this.#modules.get(command.of)!);
        return [];
      case 'assertModule':
        if (verdict?.kind === 'runnable') this.#instantiate(verdict.module);
        return [];
      case 'register':
        this.#registered[command.name] = this.#instance(command.id)
          .exports as WebAssembly.ModuleImports;
        return [];
      case 'action':
      case 'assert':
        return this.#act(command.action);
      default:
        return [];
    }
  }

  #define(command: Extract<Command, { kind: 'module' }>, module: RunnableModule): void {
    this.#modules.set(null, module);
    this.#modules.set(command.id, module);
    if (!command.definition) this.#keep(command.id, module);
  }

  #keep(id: string | null, module: RunnableModule): void {
    this.#instances.delete(null);
    this.#instances.delete(id);
    const instance = this.#instantiate(module);
    this.#instances.set(null, instance);
    this.#instances.set(id, instance);
  }

  #instantiate({ plain, metered, injection, exports }: RunnableModule): Instance {
    const imports = this.#registered;
    const made = this.#host
      ? instantiateMetered(metered, injection, imports, this.#host)
      : new WebAssembly.Instance(plain, imports);
    const instance = { exports: made.exports, types: exports };
    this.#all.push(instance);
    return instance;
  }

  #instance(id: string | null): Instance {
    const instance = this.#instances.get(id);
    if (!instance) throw new Error('there is no such instance');
    return instance;
  }

  #act({ module, name, values }: Action): string[] {
    const instance = this.#instance(module);
    const type = instance.types.get(name);
    const signature = type && signatureOf(type);
    const exported = instance.exports[name];
    if (!type || !signature || !exported) throw new Error(`it has no export '${name}'`);
    const use = this.#adapted(type, exported);
    if (use) {
      const answer = use(...values.flatMap((value) => this.#passed(value, true)));
      return this.#shownOfAdapter(signature, answer);
    }
    if (exported instanceof WebAssembly.Global) return this.#shown(signature, exported.value);
    const passed = values.flatMap((value) => this.#passed(value, false));
    return this.#shown(signature, (exported as Raw)(...passed));
  }

  #adapted(type: ExportType, exported: WebAssembly.ExportValue): Raw | null {
    const adapter = this.#script.adapters.get(keyOf(type));
    if (!adapter) return null;
    try {
      const instance = new WebAssembly.Instance(adapter, { adapter: { used: exported } });
      return instance.exports.use as Raw;
    } catch {
      // A type of the same shape but with a supertype, or from a group, is another type.
      return null;
    }
  }

  #passed(value: Constant | Reference, adapted: boolean): unknown[] {
    if (value.kind === 'reference') {
      return [value.value === null || value.of === 'null' ? null : this.#extern(value.value)];
    }
    const bytes = this.#script.constants.get(value.text)!;
    switch (value.type) {
      case 'i32':
        return [bytes.readInt32LE()];
      case 'f32':
        return [adapted ? bytes.readInt32LE() : bytes.readFloatLE()];
      case 'f64':
        return [adapted ? bytes.readBigInt64LE() : bytes.readDoubleLE()];
      case 'v128':
        return [bytes.readBigInt64LE(), bytes.readBigInt64LE(8)];
      default:
        return [bytes.readBigInt64LE()];
    }
  }

  #extern(name: string): object {
    const made = this.#externs.get(name) ?? { name };
    this.#externs.set(name, made);
    return made;
  }

  #shownOfAdapter({ results }: Signature, answer: unknown): string[] {
    const raw = Array.isArray(answer) ? answer : [answer];
    let at = 0;
    return results.map((type) => {
      const parts = raw.slice(at, at + (type === 'v128' ? 2 : 1));
      at += parts.length;
      if (/\d/.test(type) && !type.includes('ref')) return showBits(type, bytesOf(type, parts));
      if (type.includes('exn')) return parts[0] === 1 ? 'null' : 'exn';
      return this.#shownReference(parts[0]);
    });
  }

  #shown({ results }: Signature, answer: unknown): string[] {
    const raw = results.length > 1 ? [...(answer as Iterable<unknown>)] : [answer];
    return results.map((type, place) => {
      const value = raw[place];
      if (type.includes('ref')) return this.#shownReference(value);
      const isFloat = type === 'f32' || type === 'f64';
      return showBits(type, isFloat ? bytesOfFloat(type, value as number) : bytesOf(type, [value]));
    });
  }

  #shownReference(value: unknown): string {
    if (value === null) return 'null';
    if (typeof value === 'function') return 'func';
    if (typeof value !== 'object') return `i31 ${String(value)}`;
    for (const [name, extern] of this.#externs) if (extern === value) return `extern ${name}`;
    return KINDS[this.#kind(value)]!;
  }

  #failure(
    error: unknown,
    instantiating: boolean,
  ): Pick<Outcome, 'ended' | 'message' | 'overflowed'> {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const overflowed = error instanceof RangeError && /call stack/.test(message);
    const as = (ended: Outcome['ended']) => ({ ended, message, overflowed });
    if (this.#host?.stopped) return as('stopped');
    if (overflowed || this.#host?.depthExhausted) return as('exhaustion');
    if (error instanceof WebAssembly.RuntimeError) return as('trap');
    if (error instanceof Exception) return as('exception');
    if (error instanceof WebAssembly.LinkError) return as('link');
    return as(instantiating && error instanceof TypeError ? 'link' : 'failed');
  }
}
