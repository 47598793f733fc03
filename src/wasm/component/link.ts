/**
 * Carries out a link plan: instantiates the core modules in order, binds the lowered functions to the
 * host, and runs each start function at its place.
 */

import { RingfenceError } from '../../errors.ts';
import type { CoreReference, LinkPlan, LoweredFunction } from './link-plan.ts';
import { MemoryViews } from './memory-views.ts';
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
  /** One for all lowered functions that use the same memory. */
  readonly views: MemoryViews;
}

/** What a plan is linked to: one agent after another, as long as what is bound is used. */
export interface LinkHost {
  /** What metering injected into a module, as an object without prototype. Asked once for an instance. */
  injected(module: number): WebAssembly.ModuleImports;
  /**
   * Asked once for each instance, right before it is made: the place to charge for its segments, to
   * end an agent that may not go on, and to let others have their turn. Null: go on at once.
   */
  beforeInstance(module: number): Promise<void> | null;
  /** The core functions for the lowered ones of the plan, in its order. Asked once, before all else. */
  lower(
    lowered: readonly LoweredFunction[],
    accesses: readonly LoweredAccess[],
  ): readonly CoreFunction[];
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
 * Instantiates a component: once, or again and again. What is bound to the host is made once; the
 * instances that it serves are those that were linked last.
 */
export class Linker {
  readonly #plan: LinkPlan;
  readonly #modules: readonly WebAssembly.Module[];
  readonly #host: LinkHost;
  readonly #accesses: readonly LateAccess[];
  readonly #lowered: readonly CoreFunction[];
  /** By step: what holds functions of the host only is the same in each linking. */
  readonly #inline: (WebAssembly.Exports | undefined)[];
  /** What each step has made so far, while linking is under way. */
  #instances: WebAssembly.Exports[] = [];

  /** `modules` are the component's compiled, metered modules in the plan's order. */
  constructor(plan: LinkPlan, modules: readonly WebAssembly.Module[], host: LinkHost) {
    this.#plan = plan;
    this.#modules = modules;
    this.#host = host;
    const views = new Map<string, MemoryViews>();
    this.#accesses = plan.lowered.map((lowered) => {
      const memory = lowered.kind === 'function' ? JSON.stringify(lowered.memory) : '';
      const shared = views.get(memory) ?? new MemoryViews();
      views.set(memory, shared);
      return new LateAccess(lowered, this, host, shared);
    });
    this.#lowered = host.lower(plan.lowered, this.#accesses);
    this.#inline = plan.steps.map((step) =>
      step.kind === 'inline' && step.exports.every(([, reference]) => 'lowered' in reference)
        ? this.#inlineExports(step.exports)
        : undefined,
    );
  }

  /**
   * Makes the instances, in the plan's order.
   *
   * Rejects with what a start function ended with, a WebAssembly.RuntimeError where a segment doesn't
   * fit, a RangeError where there is no room for a memory, and RF_MODULE_INVALID where core modules
   * don't fit each other.
   */
  async link(): Promise<Linked> {
    const plan = this.#plan;
    const host = this.#host;
    const instances: WebAssembly.Exports[] = [];
    this.#instances = instances;
    for (let index = 0; index < plan.steps.length; index += 1) {
      const step = plan.steps[index]!;
      if (step.kind === 'inline') {
        instances.push(this.#inline[index] ?? this.#inlineExports(step.exports));
        continue;
      }
      if (step.kind === 'start') {
        instances.push(NOTHING);
        await host.callStart(functionOf(this.get(step.function)));
        continue;
      }
      const imports: WebAssembly.Imports = Object.create(null);
      for (const [name, instance] of step.args) imports[name] = instances[instance]!;
      const { injected, startExport } = plan.modules[step.module]!;
      // Last, so that no argument can stand in its place.
      imports[injected] = host.injected(step.module);
      const turn = host.beforeInstance(step.module);
      if (turn !== null) await turn;
      const exports = makeInstance(this.#modules[step.module]!, imports, step.module);
      instances.push(exports);
      if (startExport !== null) await host.callStart(functionOf(exports[startExport]));
    }
    const { core, postReturn, memory } = plan.entry;
    const linked = {
      entry: functionOf(this.get(core)),
      postReturn: postReturn === null ? null : functionOf(this.get(postReturn)),
      memory: memory === null ? null : memoryOf(this.get(memory)),
      instances,
    };
    // All is there: an agent that waits for days keeps no more of it than it uses.
    for (const access of this.#accesses) access.settle();
    this.#instances = [];
    return linked;
  }

  /** Nothing of what was linked runs any more, or is reached from here. */
  unlink(): void {
    this.#instances = [];
    for (const access of this.#accesses) access.forget();
  }

  /** What a reference stands for; undefined where its instance isn't there (yet). */
  get(reference: CoreReference): WebAssembly.ExportValue {
    if ('lowered' in reference) return this.#lowered[reference.lowered]!;
    return this.#instances[reference.instance]?.[reference.name] as WebAssembly.ExportValue;
  }

  #inlineExports(exports: readonly (readonly [string, CoreReference])[]): WebAssembly.Exports {
    if (exports.length === 0) return NOTHING;
    const inline: WebAssembly.Exports = Object.create(null);
    for (const [name, reference] of exports) inline[name] = this.get(reference);
    return inline;
  }
}

/** In the place of a step that makes no instance, or one without exports. */
const NOTHING: WebAssembly.Exports = Object.freeze(Object.create(null));

function functionOf(value: unknown): CoreFunction {
  if (typeof value === 'function') return value;
  return misfit('exports no function where one is needed');
}

function memoryOf(value: unknown): WebAssembly.Memory {
  if (value instanceof WebAssembly.Memory) return value;
  return misfit('exports no memory where one is needed');
}

class LateAccess implements LoweredAccess {
  readonly encoding: StringEncoding;
  readonly views: MemoryViews;
  readonly #lowered: LoweredFunction;
  readonly #linker: Linker;
  readonly #host: LinkHost;
  #memory: WebAssembly.Memory | null = null;
  #realloc: Realloc | null = null;

  constructor(lowered: LoweredFunction, linker: Linker, host: LinkHost, views: MemoryViews) {
    this.encoding = lowered.kind === 'function' ? lowered.encoding : 'utf8';
    this.views = views;
    this.#lowered = lowered;
    this.#linker = linker;
    this.#host = host;
  }

  memory(): WebAssembly.Memory {
    this.#memory ??= this.#findMemory();
    return this.#memory ?? this.#missing('memory');
  }

  realloc(): Realloc {
    this.#realloc ??= this.#findRealloc();
    return this.#realloc ?? this.#missing('realloc');
  }

  /** Looks up what hasn't been asked for: from now on the linker doesn't know it. */
  settle(): void {
    this.#memory ??= this.#findMemory();
    this.#realloc ??= this.#findRealloc();
  }

  /** What it leads to is somebody else's from now on. */
  forget(): void {
    this.#memory = null;
    this.#realloc = null;
    this.views.forget();
  }

  #findMemory(): WebAssembly.Memory | null {
    const memory = this.#find('memory');
    return memory instanceof WebAssembly.Memory ? memory : null;
  }

  #findRealloc(): Realloc | null {
    const realloc = this.#find('realloc');
    return typeof realloc === 'function' ? (realloc as Realloc) : null;
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
