/**
 * Carries out a link plan: instantiates the core modules in order, binds the lowered functions to the
 * host, and runs each start function at its place.
 */

import { RingfenceError } from '../../errors.ts';
import type { CoreReference, LinkPlan, LoweredFunction } from './link-plan.ts';
import type { StringEncoding } from './types.ts';

/** A core function, of the guest's or the host's. */
// biome-ignore lint/complexity/noBannedTypes: what WebAssembly exports and imports is this type.
export type CoreFunction = Function;

/** A guest's realloc as the canonical ABI calls it. */
export type Realloc = (old: number, oldBytes: number, align: number, bytes: number) => number;

/**
 * What a lowered function may use of the guest, looked up at the call: it may be bound before the
 * memory is there. Asking for what isn't there (yet) traps.
 */
export interface LoweredAccess {
  memory(): WebAssembly.Memory;
  realloc(): Realloc;
  readonly encoding: StringEncoding;
}

/** What a plan is linked to; made anew for each agent. */
export interface LinkHost {
  /** What metering injected into a module, as an object without prototype. Asked once for an instance. */
  injected(module: number): WebAssembly.ModuleImports;
  /**
   * Asked once for each instance, right before it is made: the place to charge for its segments, to
   * end an agent that may not go on, and to let others have their turn. Null: go on at once.
   */
  beforeInstance(module: number): Promise<void> | null;
  /** The core function for a lowered one. Asked for at most once for each, on its first use. */
  lower(lowered: LoweredFunction, access: LoweredAccess): CoreFunction;
  /** Calls a start function under `promising`. Nothing is made before it settles. */
  callStart(start: CoreFunction): Promise<void>;
  /** Ends the guest by the trap that it can't catch. */
  trap(message: string): never;
}

/** A component that is ready to be run. */
export interface Linked {
  readonly entry: CoreFunction;
  readonly postReturn: CoreFunction | null;
  /** Where the entry's result stands. */
  readonly memory: WebAssembly.Memory | null;
  /** What each step of the plan has made, in its order. */
  readonly instances: readonly WebAssembly.Exports[];
}

/**
 * Instantiates a component. `modules` are its compiled, metered modules in the plan's order.
 *
 * Rejects with what a start function ended with, a WebAssembly.RuntimeError where a segment doesn't
 * fit, a RangeError where there is no room for a memory, and RF_MODULE_INVALID where core modules
 * don't fit each other.
 */
export async function instantiate(
  plan: LinkPlan,
  modules: readonly WebAssembly.Module[],
  host: LinkHost,
): Promise<Linked> {
  const linker = new Linker(plan, host);
  for (const step of plan.steps) {
    if (step.kind === 'inline') {
      const inline: WebAssembly.Exports = Object.create(null);
      for (const [name, reference] of step.exports) inline[name] = linker.get(reference);
      linker.instances.push(inline);
      continue;
    }
    if (step.kind === 'start') {
      linker.instances.push(Object.create(null));
      await host.callStart(linker.functionOf(linker.get(step.function)));
      continue;
    }
    const imports: WebAssembly.Imports = Object.create(null);
    for (const [name, instance] of step.args) imports[name] = linker.instances[instance]!;
    const { injected, startExport } = plan.modules[step.module]!;
    // Last, so that no argument can stand in its place.
    imports[injected] = host.injected(step.module);
    const turn = host.beforeInstance(step.module);
    if (turn !== null) await turn;
    const exports = makeInstance(modules[step.module]!, imports, step.module);
    linker.instances.push(exports);
    if (startExport !== null) await host.callStart(linker.functionOf(exports[startExport]));
  }
  const { core, postReturn, memory } = plan.entry;
  return {
    entry: linker.functionOf(linker.get(core)),
    postReturn: postReturn === null ? null : linker.functionOf(linker.get(postReturn)),
    memory: memory === null ? null : linker.memoryOf(memory),
    instances: linker.instances,
  };
}

/** The core instances and lowered functions that are there so far. */
class Linker {
  readonly instances: WebAssembly.Exports[] = [];
  readonly #plan: LinkPlan;
  readonly #host: LinkHost;
  readonly #lowered: (CoreFunction | undefined)[];

  constructor(plan: LinkPlan, host: LinkHost) {
    this.#plan = plan;
    this.#host = host;
    this.#lowered = new Array(plan.lowered.length);
  }

  /** What a reference stands for; undefined where its instance isn't there yet. */
  get(reference: CoreReference): WebAssembly.ExportValue {
    if ('lowered' in reference) return this.#lower(reference.lowered);
    return this.instances[reference.instance]?.[reference.name] as WebAssembly.ExportValue;
  }

  functionOf(value: unknown): CoreFunction {
    if (typeof value === 'function') return value;
    return misfit('exports no function where one is needed');
  }

  memoryOf(reference: CoreReference): WebAssembly.Memory {
    const memory = this.get(reference);
    if (memory instanceof WebAssembly.Memory) return memory;
    return misfit('exports no memory where one is needed');
  }

  #lower(index: number): CoreFunction {
    const made = this.#lowered[index];
    if (made !== undefined) return made;
    const lowered = this.#plan.lowered[index]!;
    const bound = this.#host.lower(lowered, new LateAccess(lowered, this, this.#host));
    this.#lowered[index] = bound;
    return bound;
  }
}

class LateAccess implements LoweredAccess {
  readonly encoding: StringEncoding;
  readonly #lowered: LoweredFunction;
  readonly #linker: Linker;
  readonly #host: LinkHost;
  #memory: WebAssembly.Memory | null = null;
  #realloc: Realloc | null = null;

  constructor(lowered: LoweredFunction, linker: Linker, host: LinkHost) {
    this.encoding = lowered.kind === 'function' ? lowered.encoding : 'utf8';
    this.#lowered = lowered;
    this.#linker = linker;
    this.#host = host;
  }

  memory(): WebAssembly.Memory {
    if (this.#memory !== null) return this.#memory;
    const memory = this.#find('memory');
    if (!(memory instanceof WebAssembly.Memory)) return this.#missing('memory');
    this.#memory = memory;
    return memory;
  }

  realloc(): Realloc {
    if (this.#realloc !== null) return this.#realloc;
    const realloc = this.#find('realloc');
    if (typeof realloc !== 'function') return this.#missing('realloc');
    this.#realloc = realloc as Realloc;
    return this.#realloc;
  }

  #find(option: 'memory' | 'realloc'): unknown {
    if (this.#lowered.kind !== 'function') return undefined;
    const reference = this.#lowered[option];
    return reference === null ? undefined : this.#linker.get(reference);
  }

  #missing(option: string): never {
    return this.#host.trap(`an imported function was called before its ${option} was there`);
  }
}

function makeInstance(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
  index: number,
): WebAssembly.Exports {
  try {
    return new WebAssembly.Instance(module, imports).exports;
  } catch (error) {
    // V8's own words hold the names of imports as they are: not for a log.
    if (error instanceof WebAssembly.LinkError) {
      misfit(`has a core module (number ${index}) that is given imports of other types`);
    }
    throw error;
  }
}

function misfit(problem: string): never {
  throw new RingfenceError(
    'RF_MODULE_INVALID',
    `The component ${problem}; build it again with its tools.`,
  );
}
