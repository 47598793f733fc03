/** What is in files: reading, writing, their size. */

import { blocks } from '../account.ts';
import { READ_BYTES_MAX, WRITE_BYTES_MAX } from '../caps.ts';
import type { Descriptors, OpenRegular } from '../descriptors.ts';
import { fail } from '../failure.ts';
import { checkBytes, checkEnd, checkOffset } from '../numbers.ts';
import type { FileOperations } from '../request.ts';

const NO_BYTES = new Uint8Array(0);

type Request<Name extends keyof FileOperations> = FileOperations[Name]['request'];

export function read(
  descriptors: Descriptors,
  request: Request<'read'>,
): FileOperations['read']['answer'] {
  const { file, read: readable } = descriptors.file(request.file, 'is-directory');
  if (!readable) {
    fail('bad-descriptor');
  }
  const { length } = request;
  if (typeof length !== 'number' || !(length >= 0)) {
    fail('invalid');
  }
  const offset = checkOffset(request.offset);
  const wanted = Math.min(Math.floor(length), READ_BYTES_MAX);
  if (wanted === 0) {
    return { bytes: NO_BYTES, end: false };
  }
  // No file is that long.
  if (offset + wanted > Number.MAX_SAFE_INTEGER) {
    return { bytes: NO_BYTES, end: true };
  }
  const bytes = file.read(offset, wanted);
  return { bytes, end: bytes.length === 0 };
}

export function write(descriptors: Descriptors, request: Request<'write'>): number {
  const open = writable(descriptors, request.file);
  const bytes = checkBytes(request.bytes).subarray(0, WRITE_BYTES_MAX);
  const offset = checkOffset(request.offset);
  checkEnd(offset + bytes.length);
  if (bytes.length === 0) {
    return 0;
  }
  return within(open, open.file.size(), offset, bytes.length, () => open.file.write(bytes, offset));
}

export function append(descriptors: Descriptors, request: Request<'append'>): number {
  const open = writable(descriptors, request.file);
  const bytes = checkBytes(request.bytes).subarray(0, WRITE_BYTES_MAX);
  if (bytes.length === 0) {
    return 0;
  }
  const size = open.file.size();
  checkEnd(size + bytes.length);
  return within(open, size, size, bytes.length, () => open.file.append(bytes));
}

export function setSize(descriptors: Descriptors, request: Request<'set-size'>): undefined {
  const { file, mount, write: isWritable } = descriptors.file(request.file, 'invalid');
  if (!isWritable) {
    fail('invalid');
  }
  const wanted = checkEnd(checkOffset(request.size));
  const size = file.size();
  const growth = blocks(wanted) - blocks(size);
  if (growth > 0) {
    mount.account.take(growth);
  }
  try {
    file.setSize(wanted);
  } catch (error) {
    if (growth > 0) {
      mount.account.give(growth);
    }
    throw error;
  }
  if (growth < 0) {
    mount.account.give(-growth);
  }
}

/** Advice is not taken. */
export function advise(descriptors: Descriptors, request: Request<'advise'>): undefined {
  descriptors.file(request.file, 'bad-descriptor');
  checkOffset(request.offset);
  checkOffset(request.length);
}

function writable(descriptors: Descriptors, handle: unknown): OpenRegular {
  const open = descriptors.file(handle, 'bad-descriptor');
  return open.write ? open : fail('bad-descriptor');
}

/** Writes after what the file grows by was taken; what was not written after all is given back. */
function within(
  { mount: { account } }: OpenRegular,
  sizeBefore: number,
  offset: number,
  length: number,
  work: () => number,
): number {
  const before = blocks(sizeBefore);
  const taken = Math.max(0, blocks(offset + length) - before);
  if (taken > 0) {
    account.take(taken);
  }
  let written = 0;
  try {
    written = work();
    return written;
  } finally {
    if (written < length && taken > 0) {
      const needed = written === 0 ? 0 : Math.max(0, blocks(offset + written) - before);
      account.give(taken - needed);
    }
  }
}
