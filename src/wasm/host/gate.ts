/**
 * The gate: the one choke point that every host function passes, whatever the agent and the path.
 *
 * In this order: is the agent still alive, has it a grant in force whose scope reaches, is there
 * something left of the limit; then it is counted, then the work is done. A denial is a typed answer,
 * is counted, and is reported. What passes allocates nothing on its way, but for the time of day where
 * a grant expires.
 *
 * A call that waits is checked again each time it is woken: when the grant that let it pass is revoked
 * or expires meanwhile, it is cancelled and answers as a denied one. So a revocation is in force for
 * every check that begins after it, and no call waits on under a grant that is gone.
 */

import { CAPABILITY_NAME, type GrantKind } from '../../capability/grant.ts';
import type { HeldGrant, HeldGrants, Missing } from '../../capability/held.ts';
import { RingfenceError } from '../../errors.ts';
import { COUNT_MAX } from '../../resource/control-blocks.ts';
import { type GatedFunction, type GuestCall, gated, WAIT } from './abi/binding.ts';
import type { Caller, HostAgent } from './agent.ts';

/** What a host function can count against. */
export type CountedLimit = 'messages' | 'tool_calls';

/** The most parameters that a host function can have: the gate hands them on one by one. */
const PARAMETERS_MAX = 7;

/** How the command line and the library call what must be granted. */
const HOW_TO_GRANT: Readonly<Record<GrantKind, string>> = {
  ipc: 'grant ipc (--allow-ipc)',
  network: 'grant network (--allow-net)',
  tools: 'grant tools (--allow-tools)',
  services: 'grant services',
  spawn: 'grant spawn (--allow-spawn)',
  files: 'mount a directory (--dir)',
  clocks: 'grant clocks',
  random: 'grant random',
};

/** The grants of each kind: by their names in the code, as V8 finds a name that is handed over slowly. */
const GRANTS_OF: { readonly [Kind in GrantKind]: (grants: HeldGrants) => readonly HeldGrant[] } = {
  ipc: ({ of }) => of.ipc,
  network: ({ of }) => of.network,
  tools: ({ of }) => of.tools,
  services: ({ of }) => of.services,
  spawn: ({ of }) => of.spawn,
  files: ({ of }) => of.files,
  clocks: ({ of }) => of.clocks,
  random: ({ of }) => of.random,
};

// biome-ignore lint/suspicious/noExplicitAny: any parameters fit here; each use infers its own.
type HostWork = (...args: any[]) => unknown;

/**
 * Declares a host function. `Work` is its signature as generated from WIT, `Agent` what it must be able
 * to ask of who calls it.
 */
export interface HostFunction<Work extends HostWork, Agent extends Caller = HostAgent> {
  /** What it is called in reports: `ipc.send`, `sockets.create-tcp-socket`. */
  readonly operation: string;
  /** The kind of grant that it needs; null: none, every agent may. */
  readonly capability: GrantKind | null;
  /**
   * Whether the scope of a grant of that kind reaches these arguments; absent: any grant does. The
   * scope is that of the kind: `Scopes[capability]`.
   */
  permits?(scope: never, agent: Agent, ...args: Parameters<Work>): boolean;
  /** What one call of it takes one of. */
  readonly counts?: CountedLimit;
  /** The typed answer to a denial; absent: the agent is ended by a trap that names the grant. */
  denied?(message: string, agent: Agent, ...args: Parameters<Work>): ReturnType<Work>;
  /** The typed answer when the limit is passed. */
  limitExceeded?(message: string, agent: Agent, ...args: Parameters<Work>): ReturnType<Work>;
  /** Whether it may answer {@link WAIT}. */
  readonly blocking?: boolean;
  /** Gives back what a waiting call holds, when its grant is revoked: `agent.pending` has its state. */
  cancel?(agent: Agent): void;
  run(agent: Agent, ...args: Parameters<Work>): ReturnType<Work> | typeof WAIT;
}

function withinLimit(agent: Caller, limit: CountedLimit): boolean {
  if (limit === 'messages') {
    return isBelow(agent.block.messagesSent, agent.limits.messages);
  }
  return isBelow(agent.block.toolCalls, agent.limits.toolCalls);
}

/** A limit above all that can be counted is as high as that; 0 is none. */
function isBelow(used: number, most: number): boolean {
  return most === 0 || (used < most && used < COUNT_MAX);
}

/** Takes one of a limit, for a call that takes several; false: nothing is left of it. */
export function takeOne(agent: Caller, limit: CountedLimit): boolean {
  if (!withinLimit(agent, limit)) {
    return false;
  }
  count(agent, limit);
  return true;
}

/** One sentence for a guest whose limit has nothing left. */
export const limitSentence = (operation: string, limit: CountedLimit): string =>
  `${operation} would pass the limit of ${limit}: raise it, or call less`;

function count(agent: Caller, limit: CountedLimit): void {
  if (limit === 'messages') {
    agent.block.addMessage();
  } else {
    agent.block.addToolCall();
  }
}

/** One sentence for a guest about why a call was denied. */
function denial(operation: string, kind: GrantKind, missing: Missing): string {
  const name = CAPABILITY_NAME[kind];
  switch (missing) {
    case 'not granted':
      return `${operation} needs ${name}: ${HOW_TO_GRANT[kind]}`;
    case 'out of scope':
      return `${operation} is outside of the scope that was granted: widen the scope of ${name}`;
    case 'revoked':
      return `${operation} needs ${name}, which was revoked: ask for it again`;
    case 'expired':
      return `${operation} needs ${name}, which has expired: ask for it again`;
  }
}

type Permits<Agent> = (scope: unknown, agent: Agent, ...args: unknown[]) => boolean;
type Run<Agent> = (agent: Agent, ...args: unknown[]) => unknown;

/** Makes a host function that has the gate before it; only such a one can be bound to a guest. */
export function hostFunction<Work extends HostWork, Agent extends Caller = HostAgent>(
  declared: HostFunction<Work, Agent>,
): GatedFunction {
  const { capability, counts, operation } = declared;
  const run = declared.run as Run<Agent>;
  const permits = (declared.permits as Permits<Agent> | undefined) ?? null;
  if (run.length > PARAMETERS_MAX + 1) {
    throw new RingfenceError(
      'RF_INTERNAL',
      `Cannot put the gate before ${operation}: it has more than ${PARAMETERS_MAX} parameters.`,
    );
  }

  const deny = (agent: Agent, kind: GrantKind, ...args: readonly unknown[]): unknown => {
    agent.deny(CAPABILITY_NAME[kind], operation);
    const message = denial(operation, kind, agent.grants.missing(kind));
    return (
      declared.denied?.(message, agent, ...(args as Parameters<Work>)) ??
      agent.trap(`denied: ${message}`)
    );
  };

  const exceed = (agent: Agent, limit: CountedLimit, ...args: readonly unknown[]): unknown => {
    const message = limitSentence(operation, limit);
    return (
      declared.limitExceeded?.(message, agent, ...(args as Parameters<Work>)) ?? agent.trap(message)
    );
  };

  /** A further try of a call that has passed: it was counted then, its grant must be in force still. */
  const again = (agent: Agent, ...args: readonly unknown[]): unknown => {
    const under = agent.waitsUnder;
    if (under !== null && !agent.grants.inForce(under)) {
      declared.cancel?.(agent);
      agent.pending = undefined;
      agent.waitsUnder = null;
      return deny(agent, under.kind, ...args);
    }
    const answer = run(agent, ...args);
    if (answer !== WAIT) {
      agent.pending = undefined;
      agent.waitsUnder = null;
    }
    return answer;
  };

  const grantsOf = capability === null ? null : GRANTS_OF[capability];

  // This is what every host call goes through. Parameters one by one, not as a rest: that would allocate
  // an array for each call. What is seldom stands elsewhere, and the grants are found by a function of
  // their kind: so this is short enough for V8 to compile it into each binding, with what is called here
  // (460 bytes of bytecode, --max-inlined-bytecode-size), where what it calls is known.
  const pass = (
    // All that the gate looks at: what else a call has, its bindings use.
    call: Pick<GuestCall<Agent>, 'agent'>,
    a?: unknown,
    b?: unknown,
    c?: unknown,
    d?: unknown,
    e?: unknown,
    f?: unknown,
    g?: unknown,
  ): unknown => {
    const { agent } = call;
    agent.checkAlive();
    if (agent.pending !== undefined) {
      return again(agent, a, b, c, d, e, f, g);
    }
    let used: HeldGrant | null = null;
    if (grantsOf !== null) {
      const { grants } = agent;
      const held = grantsOf(grants);
      for (let index = 0; index < held.length; index += 1) {
        const grant = held[index] as HeldGrant;
        if (
          grants.inForce(grant) &&
          (permits === null || permits(grant.scope, agent, a, b, c, d, e, f, g))
        ) {
          used = grant;
          break;
        }
      }
      if (used === null) {
        return deny(agent, capability as GrantKind, a, b, c, d, e, f, g);
      }
    }
    if (counts !== undefined && !takeOne(agent, counts)) {
      return exceed(agent, counts, a, b, c, d, e, f, g);
    }
    const answer = run(agent, a, b, c, d, e, f, g);
    if (answer === WAIT) {
      agent.waitsUnder = used;
    } else if (agent.pending !== undefined) {
      agent.pending = undefined;
    }
    return answer;
  };
  return gated(pass as never, declared.blocking ?? false, capability);
}
