/** What the modules of a seat are linked to: host functions, with trampolines before those that may wait. */

import type { CoreFunction, LinkHost, LoweredAccess } from '../component/link.ts';
import type { LinkPlan, LoweredFunction } from '../component/plan.ts';
import type { FunctionBinding, GatedFunction } from '../host/abi/binding.ts';
import { BINDINGS } from '../host/generated/index.ts';
import type { HostFunctions } from '../host/index.ts';
import type { MemoryPool } from './memory-pool.ts';
import type { Seat } from './seat.ts';
import { askImport, callExport, makeTrampolines } from './trampolines.ts';

interface BoundFunction {
  readonly binding: FunctionBinding;
  readonly host: GatedFunction | null;
}

function find(lowered: LoweredFunction, hostFunctions: HostFunctions): BoundFunction {
  const name = lowered.kind === 'function' ? lowered.name : `[resource-drop]${lowered.resource}`;
  const binding = BINDINGS.get(lowered.interface)?.get(name);
  if (binding === undefined) {
    throw new Error(`the plan lowers ${lowered.interface}#${name}, which is not offered`);
  }
  return { binding, host: hostFunctions.get(lowered.interface)?.get(name) ?? null };
}

/** What a module's lowered functions lead to, in the plan's order: looked up once for all its agents. */
export class BoundFunctions {
  readonly #functions: readonly BoundFunction[];
  /** Which of those may wait. */
  readonly #waiting: readonly number[];
  /** A trampoline for each that may wait; null: none may. */
  readonly #trampolines: WebAssembly.Module | null;

  constructor(lowered: readonly LoweredFunction[], hostFunctions: HostFunctions) {
    const functions = lowered.map((each) => find(each, hostFunctions));
    this.#functions = functions;
    this.#waiting = [...functions.keys()].filter((index) => functions[index]?.host?.blocking);
    this.#trampolines =
      this.#waiting.length === 0
        ? null
        : makeTrampolines(this.#waiting.map((index) => functions[index]!.binding.params));
  }

  /** Makes the core functions of a seat. */
  bind(seat: Seat, accesses: readonly LoweredAccess[]): CoreFunction[] {
    const cores: CoreFunction[] = this.#functions.map(({ binding, host }, index) =>
      binding.bind(host, seat, accesses[index]!),
    );
    if (this.#trampolines === null) return cores;
    const host: WebAssembly.ModuleImports = Object.create(null);
    host.park = seat.park;
    for (const [place, index] of this.#waiting.entries()) host[askImport(place)] = cores[index]!;
    const { exports } = new WebAssembly.Instance(this.#trampolines, { host });
    for (const [place, index] of this.#waiting.entries()) {
      cores[index] = exports[callExport(place)] as CoreFunction;
    }
    return cores;
  }
}

/** The linker's host of one seat; asked as long as the seat is there, whoever sits in it. */
export class SeatLinks implements LinkHost {
  readonly #seat: Seat;
  readonly #plan: LinkPlan;
  readonly #functions: BoundFunctions;
  readonly #memories: MemoryPool;

  constructor(
    seat: Seat,
    module: {
      readonly plan: LinkPlan;
      readonly functions: BoundFunctions;
      readonly memories: MemoryPool;
    },
  ) {
    this.#seat = seat;
    this.#plan = module.plan;
    this.#functions = module.functions;
    this.#memories = module.memories;
  }

  injected(module: number): WebAssembly.ModuleImports {
    return this.#seat.injectedFor(this.#plan.modules[module]!, this.#memories);
  }

  beforeInstance(module: number): Promise<void> | null {
    return this.#seat.beforeInstance(this.#plan.modules[module]!.segmentBytes);
  }

  lower(_lowered: readonly LoweredFunction[], accesses: readonly LoweredAccess[]): CoreFunction[] {
    return this.#functions.bind(this.#seat, accesses);
  }

  async callStart(start: CoreFunction): Promise<void> {
    this.#seat.beginCall();
    await WebAssembly.promising(start)();
  }

  trap(message: string): never {
    return this.#seat.trap(message);
  }
}
