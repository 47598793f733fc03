// What AssemblyScript's `Date` asks. The build puts it beside the generated modules as `wit/wall-clock.ts`.

import { now as wallClock } from 'wasi/clocks/wall-clock';

export namespace Date {
  /** Milliseconds since 1970. */
  export function now(): f64 {
    const time = wallClock();
    return <f64>(time.seconds * 1_000 + <u64>(time.nanoseconds / 1_000_000));
  }
}
