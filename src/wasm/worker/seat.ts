/**
 * A seat: the linked instances of a module, with all that their imports are bound to. Agents of the module
 * sit in it one after another, so what is bound is bound to the seat, which asks who sits in it now.
 *
 * What is bound costs as much as an instance. So a seat whose instances can't be used again is only
 * stripped of them: the next agent has new ones, bound to the same.
 */

import type { Linked, Linker } from '../component/link.ts';
import type { LinkPlan, PlanModule } from '../component/plan.ts';
import type { CanonicalAccess, GuestCall } from '../host/abi/binding.ts';
import type { HostAgent } from '../host/agent.ts';
import { DEPTH_LIMIT_BYTES } from '../metering/costs.ts';
import { memoryImport } from '../metering/image.ts';
import type { WorkerAgent } from './agent.ts';
import { RunResult } from './entry.ts';
import type { FuelMark } from './fuel.ts';
import type { MemoryPool, MemoryShape } from './memory-pool.ts';
import { SeatHandles } from './seat-handles.ts';

/** The guest's function as it is called from the top. */
type Entry = (...values: unknown[]) => Promise<unknown>;

/** What a seat's instances were like after their start. */
export interface SeatImage {
  readonly memories: readonly Uint8Array[];
  /** Of each instance that has some. */
  readonly globals: readonly (readonly unknown[])[];
  /** Where the fuel of whom it was started for had come to. */
  readonly started: FuelMark;
  readonly bytes: number;
}

/** All mutable globals of one instance. */
interface GlobalsOfInstance {
  readonly count: number;
  /** One value is answered as it is, several as an array. */
  read(): unknown;
  write(...values: readonly unknown[]): void;
}

/** A memory out of the pool. */
interface Pooled {
  readonly memory: WebAssembly.Memory;
  readonly shape: MemoryShape;
}

/** Most have one: in a list of one, for a list that has grown has room for 16 more. */
const withOne = <Item>(items: readonly Item[], item: Item): readonly Item[] =>
  items.length === 0 ? [item] : [...items, item];

export class Seat implements GuestCall<HostAgent> {
  readonly fuel = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  /** Bytes of call frames that are left; the guest's code hands it on where it leaves its module. */
  readonly depth = new WebAssembly.Global({ value: 'i32', mutable: true }, DEPTH_LIMIT_BYTES);
  /** What its modules import of what metering injects, and the memories of the one that is made next. */
  readonly #injected: WebAssembly.ModuleImports;
  readonly park = new WebAssembly.Suspending(() => this.#sitting.park());
  /** What is bound asks for it once: it is the seat's, and leads to the table of who sits in it. */
  readonly handles = new SeatHandles();
  /** Makes its instances; null until the first are made. */
  linker: Linker | null = null;
  /** Null: it has no instances. */
  entry: Entry | null = null;
  postReturn: Entry | null = null;
  /** Reads what the entry has returned. */
  result: RunResult | null = null;
  #memories: readonly WebAssembly.Memory[] = [];
  /** Those of its memories that its modules import, to be given back. */
  #pooled: readonly Pooled[] = [];
  /** The mutable globals of its instances. */
  #globals: readonly GlobalsOfInstance[] = [];
  /** Whether its guest has asked the host for anything since it was made, and not only for fuel. */
  #asked = false;
  #agent: WorkerAgent | null = null;

  constructor() {
    this.#injected = Object.assign(Object.create(null), {
      fuel: this.fuel,
      depth: this.depth,
      check: (fuel: number) => this.#sitting.check(fuel),
      suspend: new WebAssembly.Suspending(() => this.#sitting.suspend()),
      grow: (bytes: number) => {
        this.#asked = true;
        return this.#sitting.grow(bytes);
      },
      ungrow: (bytes: number) => this.#sitting.memory.ungrow(bytes),
      exhausted_depth: () => this.#sitting.exhaustedDepth(),
    });
  }

  get #sitting(): WorkerAgent {
    if (this.#agent === null) throw new Error('code of a seat runs in which nobody sits');
    return this.#agent;
  }

  // ── who sits in it ──────────────────────────────────────────────────────────────────────────────

  /** The agent's fuel is the seat's from here on. */
  sit(agent: WorkerAgent): void {
    this.#agent = agent;
    this.handles.moveTo(agent.handles);
    agent.fuel.moveTo(this.fuel);
  }

  /** Nothing that the agent does later reaches the seat. */
  leave(): void {
    this.#sitting.fuel.moveTo({ value: 0 });
    this.handles.moveTo(null);
    this.#agent = null;
  }

  /** An instance is about to be made, which copies so many bytes of segments. */
  beforeInstance(segmentBytes: number): Promise<void> | null {
    this.#sitting.charge(segmentBytes);
    return this.#sitting.beforeInstance();
  }

  /** A call of the guest from the top begins: all of its stack is there. */
  beginCall(): void {
    this.depth.value = DEPTH_LIMIT_BYTES;
  }

  // ── its instances ───────────────────────────────────────────────────────────────────────────────

  /** What an instance of a module imports of what metering injects; its memories are out of the pool. */
  injectedFor(
    { importsMemories, memories }: PlanModule,
    pool: MemoryPool,
  ): WebAssembly.ModuleImports {
    for (const [index, shape] of importsMemories ? memories.entries() : []) {
      const memory = pool.take(shape);
      this.#pooled = withOne(this.#pooled, { memory, shape });
      this.#injected[memoryImport(index)] = memory;
    }
    return this.#injected;
  }

  /** Its instances are nobody's any more, and nothing of them runs: their memories are given back. */
  strip(pool: MemoryPool): void {
    if (this.#agent !== null) this.leave();
    this.entry = null;
    this.postReturn = null;
    this.#memories = [];
    this.#globals = [];
    this.#asked = false;
    // Before anybody else has the memories: no view of them is left here.
    this.result?.moveTo(null);
    this.linker?.unlink();
    const pooled = this.#pooled;
    this.#pooled = [];
    for (const [index, { memory, shape }] of pooled.entries()) {
      this.#injected[memoryImport(index)] = undefined;
      pool.giveBack(memory, shape);
    }
  }

  /** Keeps what the linker has made. */
  furnish(linked: Linked, plan: LinkPlan): void {
    this.entry = WebAssembly.promising(linked.entry) as Entry;
    this.postReturn =
      linked.postReturn === null ? null : (WebAssembly.promising(linked.postReturn) as Entry);
    this.result ??= new RunResult(this, plan.entry.encoding);
    this.result.moveTo(linked.memory);
    this.#memories = this.#pooled.map(({ memory }) => memory);
    for (let index = 0; index < plan.steps.length; index += 1) {
      const step = plan.steps[index]!;
      if (step.kind === 'instantiate') {
        this.#keepImage(plan.modules[step.module]!, linked.instances[index]!);
      }
    }
  }

  /** Keeps what of an instance is put back. */
  #keepImage({ image }: PlanModule, exports: WebAssembly.Exports): void {
    if (image === null) return;
    for (const name of image.memories) {
      this.#memories = withOne(this.#memories, exports[name] as WebAssembly.Memory);
    }
    if (image.globals !== null) {
      const { count, read, write } = image.globals;
      this.#globals = withOne(this.#globals, {
        count,
        read: exports[read] as GlobalsOfInstance['read'],
        write: exports[write] as GlobalsOfInstance['write'],
      });
    }
  }

  /**
   * What its instances are like now, right after their start; null where that isn't the same for every
   * agent, because the start has asked the host for something, or is more than `bytesMax`.
   */
  capture(started: FuelMark, bytesMax: number): SeatImage | null {
    const bytes = this.#memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    const globals = this.#globals.map(({ count, read }) =>
      count === 1 ? [read()] : [...(read() as unknown[])],
    );
    // A NaN has lost its payload on its way through JavaScript: what is put back would be another one.
    const isLossy = globals.some((values) => values.some(Number.isNaN));
    if (this.#asked || isLossy || bytes > bytesMax) return null;
    return {
      memories: this.#memories.map(({ buffer }) => new Uint8Array(buffer.slice(0))),
      globals,
      started,
      bytes,
    };
  }

  /** Whether what has grown in it leaves it as it was made. */
  fits({ memories }: SeatImage): boolean {
    return this.#memories.every(
      ({ buffer }, index) => buffer.byteLength === memories[index]!.length,
    );
  }

  /** Makes its instances as they were after their start. */
  restore({ memories, globals }: SeatImage): void {
    for (let index = 0; index < memories.length; index += 1) {
      new Uint8Array(this.#memories[index]!.buffer).set(memories[index]!);
    }
    for (let index = 0; index < globals.length; index += 1) {
      this.#globals[index]!.write(...globals[index]!);
    }
  }

  // ── for host functions ──────────────────────────────────────────────────────────────────────────

  get agent(): HostAgent {
    return this.#sitting;
  }

  enter(): void {
    this.#asked = true;
    this.#sitting.enter();
  }

  trap(message: string): never {
    return this.#sitting.trap(message);
  }

  allocate(access: CanonicalAccess, align: number, bytes: number): number {
    return this.#sitting.allocate(access, align, bytes);
  }

  charge(bytes: number): void {
    this.#sitting.charge(bytes);
  }

  fail(error: unknown): never {
    return this.#sitting.fail(error);
  }
}
