// What AssemblyScript's library expects of its surroundings: everything goes to the log.
// The build puts it beside the generated modules as `wit/globals.ts`.

import { Level, log } from 'ringfence/agent/log';

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

/** The console, as far as it makes sense without a screen. */
export namespace console {
  export function debug(message: string): void {
    report(Level.Debug, message);
  }
  export function log(message: string): void {
    report(Level.Info, message);
  }
  export function info(message: string): void {
    report(Level.Info, message);
  }
  export function warn(message: string): void {
    report(Level.Warn, message);
  }
  export function error(message: string): void {
    report(Level.Error, message);
  }
}

function report(level: Level, message: string): void {
  log(level, message);
}
