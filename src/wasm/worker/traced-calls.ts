/** Host functions that say how long some of their calls took: bound instead of the plain ones where that is asked for. */

import { type GuestCall, WAIT } from '../host/abi/binding.ts';
import type { HostFunctions } from '../host/index.ts';
import { mapFunctions } from './map-functions.ts';
import type { TracedHostCall } from './protocol.ts';

/** Calls that a thread tells of in a second, whatever its agents do: the program has other work. */
export const TOLD_PER_SECOND_MAX = 2_000;

/** Calls that are told together. */
const BATCH_MAX = 64;

type Call = GuestCall<{ readonly pid: number }>;
type Pass = (call: Call, ...args: unknown[]) => unknown;

/** How calls are traced. */
export interface CallTracing {
  /** One of so many calls is told of. */
  readonly every: number;
  /** In milliseconds since 1970. */
  now(): number;
  tell(calls: readonly TracedHostCall[]): void;
}

/** Hands calls on, some together, and no more than the program should hear. */
class Telling {
  readonly #tracing: CallTracing;
  #batch: TracedHostCall[] = [];
  #secondMs = 0;
  #told = 0;

  constructor(tracing: CallTracing) {
    this.#tracing = tracing;
  }

  add(call: TracedHostCall): void {
    if (call.endMs - this.#secondMs >= 1_000) {
      this.#secondMs = call.endMs;
      this.#told = 0;
    }
    this.#told += 1;
    if (this.#told > TOLD_PER_SECOND_MAX) {
      return;
    }
    if (this.#batch.push(call) === 1) {
      queueMicrotask(() => this.#flush());
    } else if (this.#batch.length >= BATCH_MAX) {
      this.#flush();
    }
  }

  #flush(): void {
    const calls = this.#batch;
    if (calls.length > 0) {
      this.#batch = [];
      this.#tracing.tell(calls);
    }
  }
}

/** Puts a clock before each host function; a call that waits takes until it is answered. */
export function tracedCalls(host: HostFunctions, tracing: CallTracing): HostFunctions {
  const { every, now } = tracing;
  const telling = new Telling(tracing);
  /** When the calls that wait were begun, of those that are told of. */
  const waiting = new WeakMap<object, number>();
  let left = every;
  return mapFunctions(host, (name, fn) => {
    const pass = fn as unknown as Pass;
    return (call: Call, ...args: unknown[]): unknown => {
      const { agent } = call;
      let startMs = waiting.get(agent);
      if (startMs === undefined) {
        left -= 1;
        if (left > 0) {
          return pass(call, ...args);
        }
        left = every;
        startMs = now();
      } else {
        waiting.delete(agent);
      }
      let isWaiting = false;
      try {
        const answer = pass(call, ...args);
        isWaiting = answer === WAIT;
        return answer;
      } finally {
        // Also where its agent ends in it.
        if (isWaiting) {
          waiting.set(agent, startMs);
        } else {
          telling.add({ pid: agent.pid, name, startMs, endMs: now() });
        }
      }
    };
  });
}
