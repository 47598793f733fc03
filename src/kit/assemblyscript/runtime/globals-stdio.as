// What AssemblyScript's library expects of its surroundings: everything goes to
// standard output and standard error. The build puts it beside the generated modules as
// `wit/globals.ts`.

import { getStderr } from 'wasi/cli/stderr';
import { getStdout } from 'wasi/cli/stdout';
import { OutputStream } from 'wasi/io/streams';

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

/** The console: `log`, `info` and `debug` write to standard output, the others to standard error. */
export namespace console {
  export function debug(message: string): void {
    print(getStdout(), message);
  }
  export function log(message: string): void {
    print(getStdout(), message);
  }
  export function info(message: string): void {
    print(getStdout(), message);
  }
  export function warn(message: string): void {
    print(getStderr(), message);
  }
  export function error(message: string): void {
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
