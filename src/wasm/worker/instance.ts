/** An instance's life: its imports are bound, its modules linked, its entry called, its result read. */

import { RingfenceError } from '../../errors.ts';
import { type CoreFunction, instantiate, type LinkHost } from '../component/link.ts';
import type { LinkPlan, LoweredFunction } from '../component/plan.ts';
import type { FunctionBinding, GatedFunction } from '../host/abi/binding.ts';
import { BINDINGS } from '../host/generated/index.ts';
import type { HostFunctions } from '../host/index.ts';
import type { WorkerAgent } from './agent.ts';
import {
  failedBy,
  failedInside,
  isStackOverflow,
  NORMAL,
  STACK_EXHAUSTED,
  trapped,
} from './ends.ts';
import type { MemoryPool } from './memory-pool.ts';
import type { WorkerParts } from './parts.ts';
import type { AgentEnd } from './protocol.ts';
import type { Seat } from './seat.ts';
import { IMAGE_BYTES_MAX, type KeptSeats, ModuleSeats } from './seats.ts';
import { makeTrampoline } from './trampolines.ts';

/** What a lowered function of a module is bound to. */
interface BoundFunction {
  readonly binding: FunctionBinding;
  readonly host: GatedFunction | null;
  /** Null: it never waits. */
  readonly trampoline: WebAssembly.Module | null;
}

/** A module as a worker keeps it: shared by all its agents. */
export interface PreparedInstance {
  readonly plan: LinkPlan;
  readonly modules: readonly WebAssembly.Module[];
  readonly functions: ReadonlyMap<LoweredFunction, BoundFunction>;
  readonly seats: ModuleSeats;
  /** Where the memories of fresh instances come from. */
  readonly memories: MemoryPool;
}

/** What the modules of one worker share. */
export interface Reuse {
  readonly seats: KeptSeats;
  readonly memories: MemoryPool;
}

/** Looks up, once for a module, what its lowered functions are bound to. */
export function prepareInstance(
  plan: LinkPlan,
  modules: readonly WebAssembly.Module[],
  hostFunctions: HostFunctions,
  { seats, memories }: Reuse,
): PreparedInstance {
  const functions = new Map(
    plan.lowered.map((lowered): [LoweredFunction, BoundFunction] => {
      const name =
        lowered.kind === 'function' ? lowered.name : `[resource-drop]${lowered.resource}`;
      const binding = BINDINGS.get(lowered.interface)?.get(name);
      if (binding === undefined) {
        throw new Error(`the plan lowers ${lowered.interface}#${name}, which is not offered`);
      }
      const host = hostFunctions.get(lowered.interface)?.get(name) ?? null;
      const trampoline = host?.blocking === true ? makeTrampoline(binding.params) : null;
      return [lowered, { binding, host, trampoline }];
    }),
  );
  const restorable = plan.modules.every(({ image }) => image !== null);
  return {
    plan,
    modules,
    functions,
    seats: new ModuleSeats(seats, restorable, memories),
    memories,
  };
}

function makeLinkHost(seat: Seat, agent: WorkerAgent, prepared: PreparedInstance): LinkHost {
  return {
    injected: (module) => seat.injectedFor(prepared.plan.modules[module]!, prepared.memories),
    beforeInstance(module) {
      agent.charge(prepared.plan.modules[module]?.segmentBytes ?? 0);
      return agent.beforeInstance();
    },
    lower(lowered, access) {
      const bound = prepared.functions.get(lowered);
      if (bound === undefined) {
        throw new Error('the linker asks for a function that is not in its plan');
      }
      const core = bound.binding.bind(bound.host, seat, access);
      if (bound.trampoline === null) {
        return core;
      }
      const host = { ask: core, park: seat.park };
      return new WebAssembly.Instance(bound.trampoline, { host }).exports.call as CoreFunction;
    },
    async callStart(start) {
      seat.beginCall();
      await WebAssembly.promising(start)();
    },
    // The linker is asked as long as the seat is there, whoever sits in it.
    trap: (message) => seat.trap(message),
  };
}

/** Makes the seat's instances, or puts back what they were like. */
async function start(seat: Seat, agent: WorkerAgent, prepared: PreparedInstance): Promise<void> {
  const { plan, seats } = prepared;
  agent.memory.takeDeclared(plan.declaredBytes);
  if (seat.entry !== null) {
    seat.restore(seats.image!);
    agent.startedBefore(seats.image!.started);
    return;
  }
  const linked = await instantiate(plan, prepared.modules, makeLinkHost(seat, agent, prepared));
  seat.furnish(linked, plan);
  seats.noteImage(() => seat.capture(agent.fuel.mark(), IMAGE_BYTES_MAX));
}

/** Runs an agent from its instantiation to its result. Never rejects. */
export async function runInstance(
  agent: WorkerAgent,
  prepared: PreparedInstance,
  parts: WorkerParts,
): Promise<AgentEnd> {
  const seat = prepared.seats.take();
  seat.sit(agent);
  let left = false;
  try {
    const { entry } = prepared.plan;
    await start(seat, agent, prepared);
    seat.beginCall();
    const result = await seat.entry!();
    const failure =
      entry.kind === 'agent-run'
        ? seat.result!.lift(result as number)
        : result === 0
          ? null
          : 'its run returned an error';
    if (seat.postReturn !== null) {
      agent.beginPostReturn();
      seat.beginCall();
      await seat.postReturn(result);
    }
    if (failure !== null) {
      return failedBy(1, failure);
    }
    if (!agent.ended) {
      seat.leave();
      left = true;
      prepared.seats.giveBack(seat);
    }
    return NORMAL;
  } catch (error) {
    return endOf(error, parts);
  } finally {
    // Whatever was called has returned or trapped: no code of these instances runs any more.
    if (!left) prepared.seats.drop(seat);
  }
}

/** What an error that left the guest means. Where the agent was ended on purpose, that counts instead. */
function endOf(error: unknown, parts: WorkerParts): AgentEnd {
  if (error instanceof WebAssembly.RuntimeError) {
    return trapped(error.message);
  }
  if (error instanceof WebAssembly.Exception) {
    return trapped('an exception was not caught');
  }
  if (isStackOverflow(error)) {
    return STACK_EXHAUSTED;
  }
  if (error instanceof RangeError) {
    return trapped('there is no room for its memory');
  }
  if (error instanceof RingfenceError) {
    return trapped(error.message);
  }
  parts.report(error);
  return failedInside('ringfence failed while it ran the agent');
}
