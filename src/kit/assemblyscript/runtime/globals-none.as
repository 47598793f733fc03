// What AssemblyScript's library expects of its surroundings, for worlds that import nothing to write to:
// what is said goes nowhere. The build puts it beside the generated modules as `wit/globals.ts`.

/** Traps: nobody can be told why. */
export function abort(_message: string | null, _file: string | null, _line: u32, _column: u32): void {
  unreachable();
}

/** A line with a message and up to five numbers: nobody reads it. */
export function trace(
  _message: string,
  _count: i32 = 0,
  _a0: f64 = 0,
  _a1: f64 = 0,
  _a2: f64 = 0,
  _a3: f64 = 0,
  _a4: f64 = 0,
): void {}

/** The console: nobody reads it. */
export namespace console {
  export function assert<T>(_condition: T, _message: string = ''): void {}
  export function debug(_message: string = ''): void {}
  export function log(_message: string = ''): void {}
  export function info(_message: string = ''): void {}
  export function warn(_message: string = ''): void {}
  export function error(_message: string = ''): void {}
}
