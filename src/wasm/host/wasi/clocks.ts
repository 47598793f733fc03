/** wasi:clocks: the agent's clocks, as coarse as its grants say. */

import type { HostAgent } from '../agent.ts';
import type { Functions as MonotonicClockFunctions } from '../generated/wasi-clocks-monotonic-clock.ts';
import type {
  Datetime,
  Functions as WallClockFunctions,
} from '../generated/wasi-clocks-wall-clock.ts';
import { implement } from '../implement.ts';
import { Pollable } from './io/pollable.ts';

const INSTANT_MAX = 2n ** 64n - 1n;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;

function datetime(nanoseconds: bigint): Datetime {
  return {
    seconds: nanoseconds / NANOSECONDS_PER_SECOND,
    nanoseconds: Number(nanoseconds % NANOSECONDS_PER_SECOND),
  };
}

/** An instant so far in the future, or the last one that there is. */
function instantAfter(agent: HostAgent, duration: bigint): bigint {
  const instant = agent.clocks.monotonic() + duration;
  return instant > INSTANT_MAX ? INSTANT_MAX : instant;
}

export const monotonicClock = implement<MonotonicClockFunctions>(
  'wasi:clocks/monotonic-clock',
  'clocks',
  {
    now: {
      operation: 'clocks.monotonic-clock.now',
      run: (agent) => agent.clocks.monotonic(),
    },
    resolution: {
      operation: 'clocks.monotonic-clock.resolution',
      run: (agent) => agent.clocks.resolution,
    },
    'subscribe-instant': (agent, instant) => new Pollable(agent, { instant }),
    'subscribe-duration': (agent, duration) =>
      new Pollable(agent, { instant: instantAfter(agent, duration) }),
  },
);

export const wallClock = implement<WallClockFunctions>('wasi:clocks/wall-clock', 'clocks', {
  now: {
    operation: 'clocks.wall-clock.now',
    run: (agent) => datetime(agent.clocks.wall()),
  },
  resolution: {
    operation: 'clocks.wall-clock.resolution',
    run: (agent) => datetime(agent.clocks.resolution),
  },
});
