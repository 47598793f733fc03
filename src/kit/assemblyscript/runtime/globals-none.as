// What AssemblyScript's library expects of its surroundings, for worlds that import nothing to write to:
// what is said goes nowhere. The build puts it beside the generated modules as `wit/globals.ts`.

/** Traps: nobody can be told why. */
export function abort(_message: string | null, _file: string | null, _line: u32, _column: u32): void {
  unreachable();
}

/** The console: nobody reads it. */
export namespace console {
  export function debug(_message: string): void {}
  export function log(_message: string): void {}
  export function info(_message: string): void {}
  export function warn(_message: string): void {}
  export function error(_message: string): void {}
}
