// What AssemblyScript's `performance` asks. The build puts it beside the generated modules as
// `wit/monotonic-clock.ts`.

import { now as monotonicClock } from 'wasi/clocks/monotonic-clock';

export namespace performance {
  /** Milliseconds since some moment before the start. */
  export function now(): f64 {
    return <f64>monotonicClock() / 1_000_000;
  }
}
