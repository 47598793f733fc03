/**
 * The few system calls that Node has a way to, relative to an open directory: `/proc/self/fd/N` stands
 * for the object behind descriptor N itself, whatever its path is by now. One segment after it is all
 * that is ever appended, so no path of the host is used and no symbolic link is followed on the way.
 */

import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
} from 'node:fs';
import { FileFailure, fail } from '../failure.ts';
import type { DescriptorType, FileTime, NewTime } from '../request.ts';
import type { ObjectBrief, ObjectStat } from '../tree.ts';

/** With the file system that the object is in, and how many names it has. */
export interface SystemBrief extends ObjectBrief {
  readonly device: number;
  readonly linkCount: number;
}

/** Gives a handle on an object without opening it: no device is touched, nothing waits. Linux' value. */
const O_PATH = 0o10000000;

const HOLD = O_PATH | constants.O_NOFOLLOW;
const HOLD_DIRECTORY = HOLD | constants.O_DIRECTORY;

/** For a regular file: never waits, never becomes a terminal's owner. */
export const OPEN_FLAGS_ALWAYS = constants.O_NONBLOCK | constants.O_NOCTTY;

/** Where it can't be told how many descriptors the process may have. */
const DESCRIPTOR_LIMIT_DEFAULT = 1024;

/**
 * Guests get no descriptor from this number on: a quarter of what the process may have stays with the
 * host. The system gives out the lowest number that is free, so the number tells how many are in use,
 * by all threads together.
 */
const GUEST_DESCRIPTORS_END = Math.floor(descriptorLimit() * 0.75);

function descriptorLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    const soft = /^Max open files +(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? DESCRIPTOR_LIMIT_DEFAULT : Number(soft);
  } catch {
    return DESCRIPTOR_LIMIT_DEFAULT;
  }
}

/** The object behind a descriptor. */
export function self(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

/** A name in the directory behind a descriptor. */
export function at(directory: number, name: string): string {
  return `/proc/self/fd/${directory}/${name}`;
}

/** Closes a descriptor. What the system says about that, nobody could act on: it is closed anyway. */
export function close(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    // What was written late has failed, on a file system that tells so at the end: `sync` would have said.
  }
}

/** Opens what {@link self} or {@link at} names. */
export function open(path: string, flags: number, mode?: number): number {
  const descriptor = openSync(path, flags, mode);
  if (descriptor >= GUEST_DESCRIPTORS_END) {
    close(descriptor);
    fail('insufficient-memory');
  }
  return descriptor;
}

/** Holds whatever is under a name; a symbolic link itself. */
export function hold(directory: number, name: string): number {
  return open(at(directory, name), HOLD);
}

/** Holds a directory; `ENOTDIR` for all else, symbolic links included. */
export function holdDirectory(directory: number, name: string): number {
  return open(at(directory, name), HOLD_DIRECTORY);
}

/** Holds once more the directory that a descriptor holds. */
export function holdSelf(descriptor: number): number {
  return open(self(descriptor), O_PATH | constants.O_DIRECTORY);
}

const TYPES: ReadonlyMap<number, DescriptorType> = new Map([
  [constants.S_IFREG, 'regular-file'],
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFLNK, 'symbolic-link'],
  [constants.S_IFIFO, 'fifo'],
  [constants.S_IFSOCK, 'socket'],
  [constants.S_IFBLK, 'block-device'],
  [constants.S_IFCHR, 'character-device'],
] as const);

const NANOSECONDS = 1_000_000_000n;

function time(nanoseconds: bigint): FileTime | null {
  return nanoseconds < 0n
    ? null
    : {
        seconds: Number(nanoseconds / NANOSECONDS),
        nanoseconds: Number(nanoseconds % NANOSECONDS),
      };
}

/** Numbers of objects may be larger than what a number holds exactly: they are read as 64 bits. */
const EXACT = { bigint: true } as const;

function brief(stats: BigIntStats): SystemBrief {
  return {
    type: TYPES.get(Number(stats.mode) & constants.S_IFMT) ?? 'unknown',
    size: Number(stats.size),
    key: `${stats.dev}:${stats.ino}`,
    linkCount: Number(stats.nlink),
    device: Number(stats.dev),
  };
}

function convert(stats: BigIntStats): ObjectStat {
  const { type, size, key, linkCount } = brief(stats);
  const accessed = time(stats.atimeNs);
  const modified = time(stats.mtimeNs);
  return { type, size, key, linkCount, accessed, modified, changed: time(stats.ctimeNs) };
}

/** What is behind a descriptor. */
export function briefOf(descriptor: number): SystemBrief {
  return brief(fstatSync(descriptor, EXACT));
}

/** All that is known of what is behind a descriptor. */
export function statOf(descriptor: number): ObjectStat {
  return convert(fstatSync(descriptor, EXACT));
}

/** What is under a name, links not followed; null: nothing. */
export function statAt(directory: number, name: string): ObjectStat | null {
  // The answer instead of an exception: looking for what isn't there is common.
  const stats = lstatSync(at(directory, name), { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? null : convert(stats);
}

/** Seconds from which on Node can't hand a time to the system: the year 10000. */
const SECONDS_END = 253_402_300_800;

function seconds(wanted: NewTime, current: FileTime | null): number {
  if (wanted === 'now') {
    return Date.now() / 1000;
  }
  const { seconds: whole, nanoseconds } =
    wanted === 'no-change' ? (current ?? { seconds: 0, nanoseconds: 0 }) : wanted;
  if (whole >= SECONDS_END) {
    fail('overflow');
  }
  return whole + nanoseconds / 1e9;
}

/**
 * Times as Node takes them. In seconds as a double: exact to about a quarter of a microsecond, so one
 * that is not to change may change by that much.
 */
export function newTimes(
  stat: () => ObjectStat,
  accessed: NewTime,
  modified: NewTime,
): readonly [number, number] {
  const current = accessed === 'no-change' || modified === 'no-change' ? stat() : null;
  return [
    seconds(accessed, current?.accessed ?? null),
    seconds(modified, current?.modified ?? null),
  ];
}

/** Whether an error of the system has a code. */
export function isSystemError(error: unknown, code: string): boolean {
  return !(error instanceof FileFailure) && (error as { code?: unknown }).code === code;
}
