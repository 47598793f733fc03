/** What errors of the system are in WASI: a code, and nothing of their text. */

import type { SocketErrorCode } from './request.ts';

/** The codes that have one; the rest is `unknown`. */
const CODES: ReadonlyMap<string, SocketErrorCode> = new Map([
  ['EACCES', 'access-denied'],
  ['EPERM', 'access-denied'],
  ['EADDRINUSE', 'address-in-use'],
  ['EADDRNOTAVAIL', 'address-not-bindable'],
  ['EAFNOSUPPORT', 'not-supported'],
  ['EOPNOTSUPP', 'not-supported'],
  ['ENOTSUP', 'not-supported'],
  ['EINVAL', 'invalid-argument'],
  ['ECONNREFUSED', 'connection-refused'],
  ['ECONNRESET', 'connection-reset'],
  // Written after the peer has closed: WASI has no code of its own for a broken pipe.
  ['EPIPE', 'connection-reset'],
  ['ECONNABORTED', 'connection-aborted'],
  ['EHOSTUNREACH', 'remote-unreachable'],
  ['EHOSTDOWN', 'remote-unreachable'],
  ['ENETUNREACH', 'remote-unreachable'],
  ['ENETDOWN', 'remote-unreachable'],
  ['ETIMEDOUT', 'timeout'],
  ['EMSGSIZE', 'datagram-too-large'],
  ['EMFILE', 'new-socket-limit'],
  ['ENFILE', 'new-socket-limit'],
  ['ENOMEM', 'out-of-memory'],
  ['ENOBUFS', 'out-of-memory'],
]);

/** The code of whatever was thrown or emitted. */
export function codeOf(error: unknown): SocketErrorCode {
  const { code } = Object(error) as { code?: unknown };
  return (typeof code === 'string' ? CODES.get(code) : undefined) ?? 'unknown';
}
