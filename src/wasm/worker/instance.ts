/** An instance's life: its imports are bound, its modules linked, its entry called, its result read. */

import { RingfenceError } from '../../errors.ts';
import { Linker } from '../component/link.ts';
import type { LinkPlan } from '../component/plan.ts';
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
import { BoundFunctions, SeatLinks } from './links.ts';
import type { MemoryPool } from './memory-pool.ts';
import type { WorkerParts } from './parts.ts';
import type { AgentEnd } from './protocol.ts';
import type { Seat } from './seat.ts';
import { IMAGE_BYTES_MAX, ModuleSeats, type SeatStore } from './seats.ts';

/** A module as a worker keeps it: shared by all its agents. */
export interface PreparedInstance {
  readonly plan: LinkPlan;
  readonly modules: readonly WebAssembly.Module[];
  readonly functions: BoundFunctions;
  readonly seats: ModuleSeats;
  /** Where the memories of fresh instances come from. */
  readonly memories: MemoryPool;
}

/** Looks up, once for a module, what its lowered functions are bound to. */
export function prepareInstance(
  plan: LinkPlan,
  modules: readonly WebAssembly.Module[],
  hostFunctions: HostFunctions,
  store: SeatStore,
): PreparedInstance {
  const restorable = plan.modules.every(({ image }) => image !== null);
  return {
    plan,
    modules,
    functions: new BoundFunctions(plan.lowered, hostFunctions),
    seats: new ModuleSeats(store, restorable),
    memories: store.memories,
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
  seat.linker ??= new Linker(plan, prepared.modules, new SeatLinks(seat, prepared));
  seat.furnish(await seat.linker.link(), plan);
  seats.noteImage(() => seat.capture(agent.fuel.mark(), IMAGE_BYTES_MAX));
}

/** Calls the entry of one that has a life of its own; answers why it says that it failed. */
async function callOnce(
  seat: Seat,
  agent: WorkerAgent,
  kind: 'agent-run' | 'wasi-cli-run',
): Promise<string | null> {
  seat.beginCall();
  const result = await seat.entry!();
  const failed = result === 0 ? null : 'its run returned an error';
  const failure = kind === 'agent-run' ? seat.result!.lift(result as number) : failed;
  await postReturn(seat, agent, result);
  return failure;
}

/** Calls the entry for one request after another, until there is no other. */
async function handleRequests(seat: Seat, agent: WorkerAgent): Promise<null> {
  const { requests, handles } = agent;
  for (;;) {
    const exchange = await requests.next(agent);
    if (exchange === null) {
      return null;
    }
    const request = handles.add('wasi:http/types/incoming-request', exchange.request(agent));
    const outparam = handles.add('wasi:http/types/response-outparam', exchange.outparam(agent));
    seat.beginCall();
    await seat.entry!(request, outparam);
    await postReturn(seat, agent);
    requests.returned();
  }
}

async function postReturn(seat: Seat, agent: WorkerAgent, ...result: unknown[]): Promise<void> {
  if (seat.postReturn !== null) {
    agent.beginPostReturn();
    seat.beginCall();
    await seat.postReturn(...result);
    agent.endPostReturn();
  }
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
    const failure =
      entry.kind === 'http-handle'
        ? await handleRequests(seat, agent)
        : await callOnce(seat, agent, entry.kind);
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
    agent.trappedBy(error);
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
