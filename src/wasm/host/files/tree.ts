/**
 * What a mounted tree can do, one segment at a time: the host's by descriptors, the one in memory by
 * its objects. A name here is one segment: never empty, never `.` or `..`, without a slash.
 *
 * All of it fails by throwing: a `FileFailure`, or an error of the system that has a `code`.
 */

import type { DescriptorType, FileEntry, FileStat, NewTime } from './request.ts';
import type { SyncQueue } from './sync-queue.ts';

/** What an object is, and which one it is. */
export interface ObjectBrief {
  readonly type: DescriptorType;
  readonly size: number;
  /** The same for two names exactly when they are of the same object; a fact of the host. */
  readonly key: string;
}

/** All that is known of an object. */
export interface ObjectStat extends FileStat, ObjectBrief {}

/** How a file is opened. */
export interface Access {
  readonly read: boolean;
  readonly write: boolean;
}

/** An object whose last name has gone: what it takes is free when nobody has it open any more. */
export type Gone = ObjectBrief;

/** An open regular file. */
export interface OpenFile {
  brief(): ObjectBrief;
  size(): number;
  stat(): ObjectStat;
  /** Fewer than `length` bytes: the file ends there. They are valid until the next call. */
  read(offset: number, length: number): Uint8Array;
  /** Answers how many bytes were written. */
  write(bytes: Uint8Array, offset: number): number;
  /** Writes at the end, wherever that is by then. */
  append(bytes: Uint8Array): number;
  setSize(size: number): void;
  setTimes(accessed: NewTime, modified: NewTime): void;
  /** Calls back later, once, when its turn in the queue has come. The file stays open until then. */
  sync(dataOnly: boolean, queue: SyncQueue, done: (error: unknown) => void): void;
  close(): void;
}

/** An object that was found under a name, whatever it is, and is held until it is released. */
export interface Found {
  readonly brief: ObjectBrief;
  /** Opens it; for regular files only. */
  openFile(access: Access): OpenFile;
  /** For directories only. The caller releases it. */
  directory(): Directory;
  release(): void;
}

/** The entries of a directory, in the order of the host, one after another. */
export interface EntryReader {
  /** Null: there are no more. Without `.` and `..`. */
  next(): FileEntry | null;
  close(): void;
}

/** A directory that is held. Whoever was given it, or retains it, releases it. */
export interface Directory {
  retain(): this;
  release(): void;
  /** Directories between it and the root of its mount, now; 0: it is the root, or can't be told. */
  depth(): number;

  brief(): ObjectBrief;
  stat(): ObjectStat;
  setTimes(accessed: NewTime, modified: NewTime): void;
  /** As {@link OpenFile.sync}. */
  sync(queue: SyncQueue, done: (error: unknown) => void): void;
  entries(): EntryReader;

  /** What a name says, links not followed. */
  statAt(name: string): ObjectStat;
  setTimesAt(name: string, accessed: NewTime, modified: NewTime): void;
  /** What a symbolic link says; null: it is none. */
  readLink(name: string): string | null;
  /** Opens a directory; `not-directory` for all else, symbolic links included. */
  openDirectory(name: string): Directory;
  /** What is there, symbolic links not followed. */
  find(name: string): Found;
  /** Makes a file; `exist` where there is anything. */
  createFile(name: string, access: Access): OpenFile;
  createDirectory(name: string): void;
  createLink(name: string, target: string): void;
  /** Another name, in `to`, for what is here under `name`; links not followed. */
  link(name: string, to: Directory, newName: string): void;
  /** Answers what lost its last name: the one that was replaced. */
  rename(name: string, to: Directory, newName: string): Replaced;
  removeDirectory(name: string): void;
  /** Answers what lost its last name. */
  removeFile(name: string): Gone | null;
}

/** What a rename did besides. */
export interface Replaced {
  /** Whether there was something under the new name, which is gone now. */
  readonly entry: boolean;
  readonly gone: Gone | null;
}
