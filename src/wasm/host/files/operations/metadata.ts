/** What is known of files and directories: their attributes, times, entries, identity. */

import { hash } from 'node:crypto';
import { ENTRIES_MAX } from '../caps.ts';
import type { Descriptors } from '../descriptors.ts';
import { fail } from '../failure.ts';
import { checkTime } from '../numbers.ts';
import type { FileEntry, FileHandle, FileIdentity, FileOperations, FileStat } from '../request.ts';
import type { ObjectStat } from '../tree.ts';
import { Walk } from '../walk.ts';

type Request<Name extends keyof FileOperations> = FileOperations[Name]['request'];

/** Hexadecimal digits of 128 bits. */
const IDENTITY_DIGITS = 32;

function statOf(descriptors: Descriptors, handle: unknown): ObjectStat {
  const thing = descriptors.thing(handle);
  switch (thing.kind) {
    case 'file':
      return thing.file.stat();
    case 'directory':
      return thing.directory.stat();
    case 'stream':
      return fail('bad-descriptor');
  }
}

function statAtPath(descriptors: Descriptors, request: Request<'stat-at'>): ObjectStat {
  const walk = new Walk(descriptors.directory(request.directory).directory, request.path);
  try {
    return walk.settle(request.follow === true);
  } finally {
    walk.end();
  }
}

/** All that a guest may know: not which numbers the host has for it. */
function visible(stat: ObjectStat): FileStat {
  const { type, linkCount, size, accessed, modified, changed } = stat;
  return { type, linkCount, size, accessed, modified, changed };
}

export function stat(descriptors: Descriptors, request: Request<'stat'>): FileStat {
  return visible(statOf(descriptors, request.handle));
}

export function statAt(descriptors: Descriptors, request: Request<'stat-at'>): FileStat {
  return visible(statAtPath(descriptors, request));
}

function conceal(stat: ObjectStat, secret: string): FileIdentity {
  return hash('sha256', `${secret} ${stat.key}`, 'hex').slice(0, IDENTITY_DIGITS);
}

export function identity(
  descriptors: Descriptors,
  request: Request<'identity'>,
  secret: string,
): FileIdentity {
  return conceal(statOf(descriptors, request.handle), secret);
}

export function identityAt(
  descriptors: Descriptors,
  request: Request<'identity-at'>,
  secret: string,
): FileIdentity {
  return conceal(statAtPath(descriptors, request), secret);
}

/** Needs the mode `write`, or a file that was opened for writing. */
export function setTimes(descriptors: Descriptors, request: Request<'set-times'>): undefined {
  const thing = descriptors.thing(request.handle);
  const accessed = checkTime(request.accessed);
  const modified = checkTime(request.modified);
  if (thing.kind === 'stream') {
    fail('bad-descriptor');
  }
  if (!thing.mount.modes.write && !(thing.kind === 'file' && thing.write)) {
    fail('read-only');
  }
  (thing.kind === 'file' ? thing.file : thing.directory).setTimes(accessed, modified);
}

export function setTimesAt(descriptors: Descriptors, request: Request<'set-times-at'>): undefined {
  const { directory, mount } = descriptors.directory(request.directory);
  const accessed = checkTime(request.accessed);
  const modified = checkTime(request.modified);
  if (!mount.modes.write) {
    fail('read-only');
  }
  const walk = new Walk(directory, request.path);
  try {
    walk.settle(request.follow === true);
    if (walk.name === null) {
      walk.directory.setTimes(accessed, modified);
    } else {
      walk.directory.setTimesAt(walk.name, accessed, modified);
    }
  } finally {
    walk.end();
  }
}

export function readDirectory(
  descriptors: Descriptors,
  request: Request<'read-directory'>,
): FileHandle {
  const { directory, mount } = descriptors.directory(request.directory);
  descriptors.checkRoom();
  return descriptors.add({ kind: 'stream', mount, entries: directory.entries() });
}

export function nextEntries(
  descriptors: Descriptors,
  request: Request<'next-entries'>,
): readonly FileEntry[] {
  const thing = descriptors.thing(request.stream);
  if (thing.kind !== 'stream') {
    return fail('bad-descriptor');
  }
  const entries: FileEntry[] = [];
  while (entries.length < ENTRIES_MAX) {
    const entry = thing.entries.next();
    if (entry === null) {
      break;
    }
    entries.push(entry);
  }
  return entries;
}
