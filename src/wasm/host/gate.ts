/**
 * The gate: the one choke point that every host function passes, whatever the agent and the path.
 *
 * In this order: is the agent still alive, has it the capability, does the scope reach, is there
 * something left of the limit; then it is counted, then the work is done. A denial is a typed answer,
 * is counted, and is reported.
 */

import { type GatedFunction, type GuestCall, gated, WAIT } from './abi/binding.ts';
import type { HostAgent } from './agent.ts';

/** What a host function can need. `clocks` and `random` are granted unless a policy withdraws them. */
export type Capability =
  | 'can_ipc'
  | 'can_network'
  | 'can_exec_tools'
  | 'can_spawn'
  | 'clocks'
  | 'random';

/** What a host function can count against. */
export type CountedLimit = 'messages' | 'tool_calls';

/** How the command line and the library call what must be granted. */
const HOW_TO_GRANT: Readonly<Record<Capability, string>> = {
  can_ipc: 'grant ipc (--allow-ipc)',
  can_network: 'grant network (--allow-net)',
  can_exec_tools: 'grant tools (--allow-tools)',
  can_spawn: 'grant spawn (--allow-spawn)',
  clocks: 'grant clocks',
  random: 'grant random',
};

// biome-ignore lint/suspicious/noExplicitAny: any parameters fit here; each use infers its own.
type HostWork = (...args: any[]) => unknown;

/**
 * Declares a host function. `Work` is its signature as generated from WIT.
 */
export interface HostFunction<Work extends HostWork> {
  /** What it is called in reports: `ipc.send`, `sockets.create-tcp-socket`. */
  readonly operation: string;
  /** What it needs; null: nothing, every agent may. */
  readonly capability: Capability | null;
  /** Whether the capability's scope reaches these arguments; absent: the flag alone counts. */
  permits?(agent: HostAgent, ...args: Parameters<Work>): boolean;
  /** What one call of it takes one of. */
  readonly counts?: CountedLimit;
  /** The typed answer to a denial; absent: the agent is ended by a trap that names the grant. */
  denied?(message: string, agent: HostAgent, ...args: Parameters<Work>): ReturnType<Work>;
  /** The typed answer when the limit is passed. */
  limitExceeded?(message: string, agent: HostAgent, ...args: Parameters<Work>): ReturnType<Work>;
  /** Whether it may answer {@link WAIT}. */
  readonly blocking?: boolean;
  run(agent: HostAgent, ...args: Parameters<Work>): ReturnType<Work> | typeof WAIT;
}

function withinLimit(agent: HostAgent, limit: CountedLimit): boolean {
  if (limit === 'messages') {
    const { messages } = agent.limits;
    return messages === 0 || agent.block.messagesSent < messages;
  }
  const { toolCalls } = agent.limits;
  return toolCalls === 0 || agent.block.toolCalls < toolCalls;
}

function count(agent: HostAgent, limit: CountedLimit): void {
  if (limit === 'messages') {
    agent.block.addMessage();
  } else {
    agent.block.addToolCall();
  }
}

/** Makes a host function that has the gate before it; only such a one can be bound to a guest. */
export function hostFunction<Work extends HostWork>(declared: HostFunction<Work>): GatedFunction {
  const { capability, counts, operation } = declared;
  const run = declared.run as (agent: HostAgent, ...args: unknown[]) => unknown;
  const permits = declared.permits as
    | ((agent: HostAgent, ...args: unknown[]) => boolean)
    | undefined;

  const pass = (call: GuestCall<HostAgent>, ...args: unknown[]): unknown => {
    const { agent } = call;
    agent.checkAlive();
    // A further try of a call that has passed: it was checked and counted then.
    if (agent.pending === undefined) {
      if (
        capability !== null &&
        !(agent.grants[capability] && (permits?.(agent, ...args) ?? true))
      ) {
        agent.deny(capability, operation);
        const message = agent.grants[capability]
          ? `${operation} is outside of the scope that was granted: widen the scope of ${capability}`
          : `${operation} needs ${capability}: ${HOW_TO_GRANT[capability]}`;
        return (
          declared.denied?.(message, agent, ...(args as Parameters<Work>)) ??
          agent.trap(`denied: ${message}`)
        );
      }
      if (counts !== undefined) {
        if (!withinLimit(agent, counts)) {
          const message = `${operation} would pass the limit of ${counts}: raise it, or call less`;
          return (
            declared.limitExceeded?.(message, agent, ...(args as Parameters<Work>)) ??
            agent.trap(message)
          );
        }
        count(agent, counts);
      }
    }
    const answer = run(agent, ...args);
    if (answer !== WAIT) {
      agent.pending = undefined;
    }
    return answer;
  };
  return gated(pass, declared.blocking ?? false, capability);
}
