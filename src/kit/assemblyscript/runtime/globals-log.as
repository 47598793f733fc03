// What AssemblyScript's library expects of its surroundings: everything goes to the log.
// The build puts it beside the generated modules as `wit/globals.ts`.

import { Level, log } from 'ringfence/agent/log';
import { traceText } from 'wit/trace';

let aborting = false;

/** Reports a failed assertion or an uncaught error, then traps. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  // Building the text may itself run out of memory and come back here.
  if (!aborting) {
    aborting = true;
    const what = message === null ? 'aborted' : message;
    const where = file === null ? '' : ` at ${file}:${line}:${column}`;
    log(Level.Error, `${what}${where}`);
  }
  unreachable();
}

/** A line with a message and up to five numbers. */
export function trace(
  message: string,
  count: i32 = 0,
  a0: f64 = 0,
  a1: f64 = 0,
  a2: f64 = 0,
  a3: f64 = 0,
  a4: f64 = 0,
): void {
  report(Level.Trace, traceText(message, count, a0, a1, a2, a3, a4));
}

/** The console, as far as it makes sense without a screen. */
export namespace console {
  /** Says so where a condition does not hold, and goes on. */
  export function assert<T>(condition: T, message: string = 'assertion failed'): void {
    if (!condition) report(Level.Error, message);
  }
  export function debug(message: string = ''): void {
    report(Level.Debug, message);
  }
  export function log(message: string = ''): void {
    report(Level.Info, message);
  }
  export function info(message: string = ''): void {
    report(Level.Info, message);
  }
  export function warn(message: string = ''): void {
    report(Level.Warn, message);
  }
  export function error(message: string = ''): void {
    report(Level.Error, message);
  }
}

function report(level: Level, message: string): void {
  log(level, message);
}
