/**
 * The host that jco's tools get instead of preview2-shim, under the same export names.
 *
 * jco's tools are WebAssembly themselves and import WASI. The shim would hand them the whole file
 * system and start a thread at import; reading a hostile module needs neither. Here they see no file,
 * no argument, no environment, and what they print is dropped.
 */

import { randomBytes } from 'node:crypto';

/** Most random bytes that one call is given; the tools ask for a few to seed hash tables. */
const RANDOM_BYTES_MAX = 4096n;

/** Only ever thrown by what the tools have no reason to call. */
function unavailable(): never {
  throw new Error('not available to the tools');
}

class IoError extends Error {}

class InputStream {
  read = unavailable;
  blockingRead = unavailable;
}

class OutputStream {
  checkWrite(): bigint {
    return 65536n;
  }
  write(): void {}
  blockingWriteAndFlush(): void {}
  blockingFlush(): void {}
}

class Descriptor {}
class DirectoryEntryStream {}
class TerminalInput {}
class TerminalOutput {}

export const environment = { getEnvironment: () => [] };
export const exit = { exit: unavailable };
export const stdin = { getStdin: () => new InputStream() };
export const stdout = { getStdout: () => new OutputStream() };
export const stderr = { getStderr: () => new OutputStream() };
export const terminalInput = { TerminalInput };
export const terminalOutput = { TerminalOutput };
export const terminalStdin = { getTerminalStdin: () => undefined };
export const terminalStdout = { getTerminalStdout: () => undefined };
export const terminalStderr = { getTerminalStderr: () => undefined };
export const preopens = { getDirectories: () => [] };
export const types = {
  Descriptor,
  DirectoryEntryStream,
  filesystemErrorCode: () => undefined,
};
export const error = { Error: IoError };
export const streams = { InputStream, OutputStream };
export const random = {
  getRandomBytes: (length: bigint): Uint8Array =>
    length > RANDOM_BYTES_MAX ? unavailable() : new Uint8Array(randomBytes(Number(length))),
};
