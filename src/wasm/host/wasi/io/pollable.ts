/** Pollables: what an agent can wait for, and how it waits for the first of many. */

import type { WAIT } from '../../abi/binding.ts';
import type { HostAgent, Subscribe, Unsubscribe } from '../../agent.ts';
import { Held } from '../held.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:io/poll/pollable': Pollable;
  }
}

/** Something that becomes ready, and may cease to be. */
export interface Readiness {
  readonly ready: boolean;
  readonly onReady: Subscribe;
}

/** What a pollable stands for: a stream, or an instant of the monotonic clock. */
export type Awaited = Readiness | { readonly instant: bigint };

/**
 * A pollable. It subscribes to nothing: subscriptions live only while the agent waits, so that any
 * number of pollables costs their handles and nothing else.
 */
export class Pollable extends Held {
  readonly awaited: Awaited;

  constructor(agent: HostAgent, awaited: Awaited) {
    super(agent);
    this.awaited = awaited;
  }
}

/** The indexes of those that are ready now; one reading of the clock counts for all. */
export function readyIndexes(agent: HostAgent, pollables: readonly Pollable[]): number[] {
  const indexes: number[] = [];
  let now: bigint | null = null;
  for (const [index, { awaited }] of pollables.entries()) {
    if ('instant' in awaited) {
      now ??= agent.clocks.monotonic();
    }
    if ('instant' in awaited ? awaited.instant <= now! : awaited.ready) {
      indexes.push(index);
    }
  }
  return indexes;
}

/** Wakes when the first of them may be ready: one timer for all instants, one subscription for all handles on a stream. */
function whenAny(agent: HostAgent, pollables: readonly Pollable[]): Subscribe {
  const streams = new Set<Subscribe>();
  let earliest: bigint | null = null;
  for (const { awaited } of pollables) {
    if (!('instant' in awaited)) {
      streams.add(awaited.onReady);
    } else if (earliest === null || awaited.instant < earliest) {
      earliest = awaited.instant;
    }
  }
  return (wake) => {
    const subscriptions: Unsubscribe[] = [];
    const unsubscribe = (): void => {
      for (const end of subscriptions.splice(0)) {
        end();
      }
    };
    const wakeOnce = (): void => {
      if (subscriptions.length > 0) {
        unsubscribe();
        wake();
      }
    };
    for (const subscribe of streams) {
      subscriptions.push(subscribe(wakeOnce));
    }
    if (earliest !== null) {
      subscriptions.push(agent.clocks.at(earliest)(wakeOnce));
    }
    return unsubscribe;
  };
}

/** Makes the agent wait until one of them is ready, to be asked again then. */
export function waitForAny(agent: HostAgent, pollables: readonly Pollable[]): typeof WAIT {
  agent.pending = true;
  return agent.wait(whenAny(agent, pollables));
}
