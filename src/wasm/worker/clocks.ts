/** The clocks of an agent: coarse, so that they are of little use for timing attacks, or exact. */

import { TIMER_MS_MAX } from '../../timer.ts';
import type { Clocks, Subscribe } from '../host/agent.ts';

/** One millisecond, in nanoseconds. */
const MILLISECOND_NS = 1_000_000n;

function timer(milliseconds: number): Subscribe {
  return (wake) => {
    // Who waits longer is woken, looks, and waits again.
    const armed = setTimeout(wake, Math.min(Math.max(0, milliseconds), TIMER_MS_MAX));
    return () => clearTimeout(armed);
  };
}

/** Ticks each millisecond. */
export const COARSE_CLOCKS: Clocks = {
  resolution: MILLISECOND_NS,
  monotonic: () => BigInt(Math.floor(performance.now())) * MILLISECOND_NS,
  wall: () => BigInt(Date.now()) * MILLISECOND_NS,
  at: (instant) => timer(Number((instant - COARSE_CLOCKS.monotonic()) / MILLISECOND_NS)),
};

/** Ticks as the machine's clocks do. A timer of it wakes at the millisecond after its instant. */
export const EXACT_CLOCKS: Clocks = {
  resolution: 1n,
  monotonic: () => BigInt(Math.floor(performance.now() * 1e6)),
  wall: () => BigInt(Math.floor((performance.timeOrigin + performance.now()) * 1e6)),
  at: (instant) =>
    timer(Math.ceil(Number(instant - EXACT_CLOCKS.monotonic()) / Number(MILLISECOND_NS))),
};
