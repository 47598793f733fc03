/** The clocks of an agent: coarse, so that they are of little use for timing attacks. */

import type { Clocks, Subscribe } from '../host/agent.ts';

/** One millisecond, in nanoseconds. */
const RESOLUTION_NS = 1_000_000n;

/** The longest a timer can wait; who waits longer is woken, looks, and waits again. */
const TIMER_MS_MAX = 0x7fff_ffff;

export class CoarseClocks implements Clocks {
  readonly resolution = RESOLUTION_NS;

  monotonic(): bigint {
    return BigInt(Math.floor(performance.now())) * RESOLUTION_NS;
  }

  wall(): bigint {
    return BigInt(Date.now()) * RESOLUTION_NS;
  }

  at(instant: bigint): Subscribe {
    return (wake) => {
      const wait = Number((instant - this.monotonic()) / RESOLUTION_NS);
      const timer = setTimeout(wake, Math.min(Math.max(0, wait), TIMER_MS_MAX));
      return () => clearTimeout(timer);
    };
  }
}
