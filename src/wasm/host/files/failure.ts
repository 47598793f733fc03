/** How an operation on files fails: by a code of WASI's, and nothing else. */

import type { ErrorCode } from './request.ts';

/** Ends the operation under way. No `Error`: it carries no stack, and never leaves the engine. */
export class FileFailure {
  readonly code: ErrorCode;

  constructor(code: ErrorCode) {
    this.code = code;
  }
}

/** Ends the operation under way. */
export function fail(code: ErrorCode): never {
  throw new FileFailure(code);
}

/** What the system's errors are in WASI. The rest is `io`. */
const CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ['EACCES', 'access'],
  ['EAGAIN', 'would-block'],
  ['EBADF', 'bad-descriptor'],
  ['EBUSY', 'busy'],
  ['EDEADLK', 'deadlock'],
  ['EDQUOT', 'quota'],
  ['EEXIST', 'exist'],
  ['EFBIG', 'file-too-large'],
  ['EILSEQ', 'illegal-byte-sequence'],
  ['EINTR', 'interrupted'],
  ['EINVAL', 'invalid'],
  ['EISDIR', 'is-directory'],
  ['ELOOP', 'loop'],
  ['EMLINK', 'too-many-links'],
  // The host is short of descriptors or of memory: WASI has one code for both.
  ['EMFILE', 'insufficient-memory'],
  ['ENFILE', 'insufficient-memory'],
  ['ENOMEM', 'insufficient-memory'],
  ['ENAMETOOLONG', 'name-too-long'],
  ['ENODEV', 'no-device'],
  ['ENOENT', 'no-entry'],
  ['ENOLCK', 'no-lock'],
  ['ENOSPC', 'insufficient-space'],
  ['ENOSYS', 'unsupported'],
  ['ENOTDIR', 'not-directory'],
  ['ENOTEMPTY', 'not-empty'],
  ['ENOTSUP', 'unsupported'],
  ['EOPNOTSUPP', 'unsupported'],
  ['ENXIO', 'no-such-device'],
  ['EOVERFLOW', 'overflow'],
  ['EPERM', 'not-permitted'],
  ['EROFS', 'read-only'],
  ['ESPIPE', 'invalid-seek'],
  // A handle of a network file system whose object is gone.
  ['ESTALE', 'no-entry'],
  ['ETXTBSY', 'text-file-busy'],
  ['EXDEV', 'cross-device'],
] as const);

/** The code of whatever was thrown. */
export function codeOf(error: unknown): ErrorCode {
  if (error instanceof FileFailure) {
    return error.code;
  }
  const { code } = Object(error) as { code?: unknown };
  return (typeof code === 'string' ? CODES.get(code) : undefined) ?? 'io';
}
