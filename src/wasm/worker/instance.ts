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
import { liftRunResult } from './entry.ts';
import type { WorkerParts } from './parts.ts';
import type { AgentEnd } from './protocol.ts';
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
}

/** Looks up, once for a module, what its lowered functions are bound to. */
export function prepareInstance(
  plan: LinkPlan,
  modules: readonly WebAssembly.Module[],
  hostFunctions: HostFunctions,
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
  return { plan, modules, functions };
}

function makeLinkHost(agent: WorkerAgent, prepared: PreparedInstance): LinkHost {
  const injected: WebAssembly.ModuleImports = Object.assign(Object.create(null), {
    fuel: agent.fuel.global,
    depth: agent.depth,
    check: agent.check,
    suspend: new WebAssembly.Suspending(agent.suspend),
    grow: agent.memory.grow,
    ungrow: agent.memory.ungrow,
    exhausted_depth: agent.exhaustedDepth,
  });
  const park = new WebAssembly.Suspending(agent.park);
  return {
    injected: () => injected,
    beforeInstance(module) {
      agent.charge(prepared.plan.modules[module]?.segmentBytes ?? 0);
      return agent.beforeInstance();
    },
    lower(lowered, access) {
      const bound = prepared.functions.get(lowered);
      if (bound === undefined) {
        throw new Error('the linker asks for a function that is not in its plan');
      }
      const core = bound.binding.bind(bound.host, agent, access);
      if (bound.trampoline === null) {
        return core;
      }
      const instance = new WebAssembly.Instance(bound.trampoline, { host: { ask: core, park } });
      return instance.exports.call as CoreFunction;
    },
    async callStart(start) {
      agent.beginCall();
      await WebAssembly.promising(start)();
    },
    trap: (message) => agent.trap(message),
  };
}

/** Runs an agent from its instantiation to its result. Never rejects. */
export async function runInstance(
  agent: WorkerAgent,
  prepared: PreparedInstance,
  parts: WorkerParts,
): Promise<AgentEnd> {
  try {
    const { plan } = prepared;
    const { entry } = plan;
    agent.memory.takeDeclared(plan.declaredBytes);
    const linked = await instantiate(plan, prepared.modules, makeLinkHost(agent, prepared));
    agent.beginCall();
    const result = await WebAssembly.promising(linked.entry)();
    const failure =
      entry.kind === 'agent-run'
        ? liftRunResult(agent, entry.encoding, linked.memory, result as number)
        : result === 0
          ? null
          : 'its run returned an error';
    if (linked.postReturn !== null) {
      agent.beginPostReturn();
      agent.beginCall();
      await WebAssembly.promising(linked.postReturn)(result);
    }
    return failure === null ? NORMAL : failedBy(1, failure);
  } catch (error) {
    return endOf(error, parts);
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
