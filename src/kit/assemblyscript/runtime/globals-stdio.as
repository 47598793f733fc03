// What AssemblyScript's library expects of its surroundings: everything goes to
// standard output and standard error. The build puts it beside the generated modules as
// `wit/globals.ts`.

import { getStderr } from 'wasi/cli/stderr';
import { getStdout } from 'wasi/cli/stdout';
import { OutputStream } from 'wasi/io/streams';
import { traceText } from 'wit/trace';

/** What `blocking-write-and-flush` takes at a time. */
const WRITE_BYTES_MAX = 4096;

let aborting = false;

/** Reports a failed assertion or an uncaught error, then traps. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  // Building the text may itself run out of memory and come back here.
  if (!aborting) {
    aborting = true;
    const what = message === null ? 'aborted' : message;
    const where = file === null ? '' : ` at ${file}:${line}:${column}`;
    print(getStderr(), `${what}${where}`);
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
  print(getStderr(), traceText(message, count, a0, a1, a2, a3, a4));
}

/** The console: `log`, `info` and `debug` write to standard output, the others to standard error. */
export namespace console {
  /** Says so where a condition does not hold, and goes on. */
  export function assert<T>(condition: T, message: string = 'assertion failed'): void {
    if (!condition) print(getStderr(), message);
  }
  export function debug(message: string = ''): void {
    print(getStdout(), message);
  }
  export function log(message: string = ''): void {
    print(getStdout(), message);
  }
  export function info(message: string = ''): void {
    print(getStdout(), message);
  }
  export function warn(message: string = ''): void {
    print(getStderr(), message);
  }
  export function error(message: string = ''): void {
    print(getStderr(), message);
  }
}

/** Writes a line; what can't be written because nobody reads is lost. */
function print(stream: OutputStream, line: string): void {
  const bytes = Uint8Array.wrap(String.UTF8.encode(`${line}\n`));
  for (let start = 0; start < bytes.length; start += WRITE_BYTES_MAX) {
    const part = bytes.subarray(start, start + WRITE_BYTES_MAX);
    if (!stream.blockingWriteAndFlush(part).isOk) break;
  }
  stream.drop();
}
