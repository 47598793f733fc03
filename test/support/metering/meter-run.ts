/** Runs one core module plain and metered, and tells everything that a program could see of the difference. */

import { createHash } from 'node:crypto';
import { DEFAULT_METER_CAPS } from '../../../src/wasm/metering/caps.ts';
import { DEPTH_LIMIT_BYTES, FUEL_ENDED, FUEL_STRIDE } from '../../../src/wasm/metering/costs.ts';
import { type MeteredModule, type MeterOptions, meter } from '../../../src/wasm/metering/meter.ts';
import { type DecodedModule, decodeModule } from '../../../src/wasm/metering/module.ts';
import { isReference, VALUE } from '../../../src/wasm/metering/value-types.ts';

/** What Node has and its types don't know yet. */
interface ExceptionTypes {
  readonly Tag: new (type: { parameters: string[] }) => object;
  readonly Exception: new (tag: object, values: unknown[]) => Error;
  readonly JSTag: object;
}
const { Tag, Exception, JSTag } = WebAssembly as unknown as ExceptionTypes;

/** The generator makes such modules, and what they hold is bounded in tests. */
const CAPS = { exceptionTables: 1, exceptionGlobals: 1_000, tagParameters: 100, handlers: 1_000 };

export interface HostOptions {
  /** Fuel that is given at first. */
  readonly budget: bigint;
  /** What each suspension adds; null: fuel below zero ends the program. */
  readonly slice: bigint | null;
  /** After so many suspensions the program is stopped. */
  readonly suspensionsMax?: number;
  /** Bytes that growing may take. */
  readonly growBytes?: bigint;
}

/**
 * What a host of one agent holds, and what it counted. As the real one it grants no fuel past the next
 * multiple of the stride, and notes what was used at the first check behind one.
 */
export class TestHost {
  readonly fuel = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  readonly depth = new WebAssembly.Global({ value: 'i32', mutable: true }, DEPTH_LIMIT_BYTES);
  readonly #options: HostOptions;
  /** Fuel that may be granted, and that was. */
  #allowed: number;
  #filled = 0;
  #noted = 0;
  #ended = false;
  /** Questions that could not be answered with fuel that was there. */
  checks = 0;
  suspensions = 0;
  stopped = false;
  depthExhausted = false;
  grownBytes = 0n;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#allowed = Number(options.budget);
    this.fuel.value = this.#grant(0);
  }

  /** Used at the last place that doesn't depend on slices: the end, a host call, a stride. */
  get used(): bigint {
    return BigInt(Math.max(this.#noted, this.#filled - this.fuel.value));
  }

  /** Ends the program at its next question. */
  end(): void {
    this.#ended = true;
    this.fuel.value = FUEL_ENDED;
  }

  #grant(used: number): number {
    const boundary = (Math.floor(Math.max(used, this.#filled) / FUEL_STRIDE) + 1) * FUEL_STRIDE;
    const granted = Math.min(this.#allowed, boundary) - this.#filled;
    this.#filled += granted;
    return granted;
  }

  #check(fuel: number): number {
    if (this.#ended) return this.#stop();
    const used = this.#filled - fuel;
    if (used > this.#noted - (this.#noted % FUEL_STRIDE) + FUEL_STRIDE) this.#noted = used;
    const granted = this.#grant(used);
    if (granted > 0) {
      this.fuel.value += granted;
      return granted;
    }
    this.checks++;
    const { slice, suspensionsMax = Number.POSITIVE_INFINITY } = this.#options;
    return slice === null || this.suspensions >= suspensionsMax ? this.#stop() : 0;
  }

  #stop(): number {
    this.stopped = true;
    return -1;
  }

  /** Another slice may be granted. */
  suspended(): void {
    this.suspensions++;
    this.#allowed += Number(this.#options.slice ?? 0n);
  }

  /** Before each call from outside: all of the stack is there, whatever ended the last call. */
  enter(): void {
    this.depth.value = DEPTH_LIMIT_BYTES;
    this.depthExhausted = false;
  }

  imports(): WebAssembly.ModuleImports {
    const limit = this.#options.growBytes ?? 1n << 32n;
    return {
      fuel: this.fuel,
      depth: this.depth,
      check: (fuel: number) => this.#check(fuel),
      suspend: () => this.suspended(),
      grow: (bytes: number) => {
        if (this.grownBytes + BigInt(bytes) > limit) return 0;
        this.grownBytes += BigInt(bytes);
        return 1;
      },
      ungrow: (bytes: number) => {
        this.grownBytes -= BigInt(bytes);
      },
      exhausted_depth: () => {
        this.depthExhausted = true;
      },
    };
  }
}

/** Makes an instance of a metered module, and lets its start function run. */
export function instantiateMetered(
  module: WebAssembly.Module,
  { injected, startExport }: Pick<MeteredModule, 'injected' | 'startExport'>,
  imports: WebAssembly.Imports,
  host: TestHost,
): WebAssembly.Instance {
  const instance = new WebAssembly.Instance(module, { ...imports, [injected]: host.imports() });
  if (startExport !== null) (instance.exports[startExport] as () => void)();
  return instance;
}

/** Everything that can be seen of a run, as text, one line an event. */
export interface Observed {
  readonly lines: readonly string[];
  /** The call stack was used up: where that happens differs by the engine's tier. */
  readonly overflowed: boolean;
}

type Value = number | bigint | null | object | undefined;

function show(value: unknown): string {
  if (typeof value === 'function') return 'function';
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  return typeof value === 'object' && value !== null ? 'object' : String(value);
}

/** The environment of a module: functions that log, references, tags; the same for every run of it. */
class Environment {
  readonly lines: string[] = [];
  readonly #decoded: DecodedModule;
  readonly #tags = new Map<string, object>();
  #calls = 0;
  exports: WebAssembly.Exports = {};

  constructor(decoded: DecodedModule) {
    this.#decoded = decoded;
  }

  imports(): WebAssembly.Imports {
    const imports: Record<string, Record<string, object>> = {};
    let functions = 0;
    let tags = 0;
    for (const { module, name, kind } of this.#decoded.imports) {
      imports[module] ??= {};
      if (kind === 'function') {
        imports[module][name] = this.#function(name, this.#decoded.functions[functions++]!);
      } else if (kind === 'tag') {
        imports[module][name] = this.#tag(name, this.#decoded.tags[tags++]!);
      } else {
        // All that the generator imports are references of the host's that don't change.
        imports[module][name] = {};
      }
    }
    return imports as WebAssembly.Imports;
  }

  #tag(name: string, type: number): object {
    const parameters = this.#decoded.functionType(type).parameters.map((parameter) => {
      const found = Object.entries(VALUE).find(([, code]) => code === parameter)?.[0];
      return found === 'externalReference' ? 'externref' : (found ?? 'i32');
    });
    const tag = name === 'jstag' ? JSTag : new Tag({ parameters });
    this.#tags.set(name, tag);
    return tag;
  }

  #function(name: string, type: number): (...values: Value[]) => unknown {
    const { results } = this.#decoded.functionType(type);
    return (...values) => {
      if (this.lines.length < 20_000) this.lines.push(`${name}(${values.map(show).join(', ')})`);
      const special = this.#special(name, values);
      if (special !== undefined) return special.value;
      const answers = results.map((result) => this.#answer(result));
      return answers.length > 1 ? answers : answers[0];
    };
  }

  #answer(type: number): Value {
    this.#calls++;
    if (type === VALUE.i64) return BigInt(this.#calls % 7);
    return isReference(type) || type === VALUE.v128 ? null : this.#calls % 7;
  }

  #special(name: string, values: readonly Value[]): { value: unknown } | undefined {
    const { table } = this.exports;
    if (name === 'throw') {
      const tag = this.#tags.get('wasmtag');
      if (Number(values[0]) % 2 === 0 && tag) throw new Exception(tag, [values[0]]);
      throw new Error('thrown by the host');
    }
    if (name === 'table-get' && table instanceof WebAssembly.Table) {
      return { value: table.get(Number(values[0]) >>> 0) };
    }
    if (name === 'table-set' && table instanceof WebAssembly.Table) {
      return { value: table.set(Number(values[0]) >>> 0, values[1]) };
    }
    return undefined;
  }
}

function showFailure(error: unknown, stopped: boolean): string {
  if (stopped) return 'stopped';
  if (error instanceof Exception) return 'exception';
  return error instanceof Error ? `${error.name}: ${error.message}` : `threw ${show(error)}`;
}

function overflowedBy(error: unknown, host: TestHost | null): boolean {
  const isStack = error instanceof RangeError && /call stack/.test(error.message);
  return isStack || host?.depthExhausted === true;
}

/** Whether it is injected for the host (see image.ts): no guest's own export in tests begins so. */
const isForHost = (name: string): boolean => name.startsWith('ringfence:');

/** What the exported globals and memories hold, a line each. */
export function contents(exports: WebAssembly.Exports): string[] {
  return Object.entries(exports).flatMap(([name, value]) => {
    if (isForHost(name)) return [];
    if (value instanceof WebAssembly.Global) {
      try {
        return [`global ${name} = ${show(value.value)}`];
      } catch {
        return [];
      }
    }
    if (!(value instanceof WebAssembly.Memory)) return [];
    const digest = createHash('sha256').update(new Uint8Array(value.buffer)).digest('hex');
    return [`memory ${name} = ${digest.slice(0, 16)} of ${value.buffer.byteLength}`];
  });
}

/** The types of an exported function's parameters. */
function parametersOf(decoded: DecodedModule, name: string): readonly number[] {
  const place = decoded.exports.findIndex((entry) => entry.name === name);
  const type = decoded.functions[decoded.exports[place]?.index ?? -1];
  return decoded.types[type ?? -1]?.parameters ?? [];
}

function argumentOf(type: number, place: number): unknown {
  if (type === VALUE.i64) return BigInt(place * 3 + 1);
  return isReference(type) || type === VALUE.v128 ? null : place * 3 + 1;
}

/** Calls every exported function once, in order, with zeros and small numbers. */
function observe(
  bytes: Uint8Array<ArrayBuffer>,
  decoded: DecodedModule,
  metered: MeteredModule | null,
  host: TestHost | null,
): Observed {
  const environment = new Environment(decoded);
  const { lines } = environment;
  const imports = environment.imports();
  let overflowed = false;
  const attempt = (what: string, act: () => unknown): boolean => {
    host?.enter();
    try {
      lines.push(`${what} = ${show(act())}`);
      return true;
    } catch (error) {
      lines.push(`${what}: ${showFailure(error, host?.stopped ?? false)}`);
      overflowed ||= overflowedBy(error, host) || (host?.stopped ?? false);
      return !overflowed;
    }
  };
  let instance: WebAssembly.Instance | undefined;
  const instantiate = () => {
    const module = new WebAssembly.Module(bytes);
    if (!metered || !host) instance = new WebAssembly.Instance(module, imports);
    else instance = instantiateMetered(module, metered, imports, host);
    environment.exports = instance.exports;
  };
  if (!attempt('instantiate', instantiate) || !instance) return { lines, overflowed };
  for (const [name, value] of Object.entries(instance.exports)) {
    if (typeof value !== 'function' || isForHost(name)) continue;
    const call = value as (...values: unknown[]) => unknown;
    const values = parametersOf(decoded, name).map(argumentOf);
    if (!attempt(name, () => call(...values))) return { lines, overflowed: true };
    if (lines.length > 20_000) break;
  }
  lines.push(...contents(instance.exports));
  return { lines, overflowed: false };
}

/** Tests run all that can be. */
const FEATURES = { gc: true, relaxedSimd: true };

export function decode(bytes: Uint8Array): DecodedModule {
  return decodeModule(bytes, { ...DEFAULT_METER_CAPS, ...CAPS }, FEATURES);
}

export function meterForTest(bytes: Uint8Array, options: MeterOptions = {}): MeteredModule {
  return meter(bytes, CAPS, { features: FEATURES, ...options });
}

export function runPlain(bytes: Uint8Array<ArrayBuffer>): Observed {
  return observe(bytes, decode(bytes), null, null);
}

export function runMetered(
  bytes: Uint8Array<ArrayBuffer>,
  options: HostOptions,
  meterOptions: MeterOptions = {},
): Observed & { readonly host: TestHost } {
  const host = new TestHost(options);
  const metered = meterForTest(bytes, meterOptions);
  return { ...observe(metered.bytes, decode(bytes), metered, host), host };
}
