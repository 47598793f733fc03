/**
 * Requests on files and their answers, as data: what a guest's file functions become, and what may
 * cross a process boundary (numbers, strings, booleans, and bytes as `Uint8Array`).
 */

import type { DescriptorType, ErrorCode } from '../generated/wasi-filesystem-types.ts';

export type { DescriptorType, ErrorCode } from '../generated/wasi-filesystem-types.ts';

/** Names an open file, directory or directory stream of one agent. Positive, never given out again. */
export type FileHandle = number;

/** A moment: seconds since 1970 and nanoseconds of that second. */
export interface FileTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** What to set a time to. */
export type NewTime = 'no-change' | 'now' | FileTime;

/** What a guest may know of an object. */
export interface FileStat {
  readonly type: DescriptorType;
  readonly linkCount: number;
  readonly size: number;
  /** Null: it was before 1970. */
  readonly accessed: FileTime | null;
  readonly modified: FileTime | null;
  readonly changed: FileTime | null;
}

/** What `open-at` opened. */
export interface Opened {
  readonly handle: FileHandle;
  readonly type: 'directory' | 'regular-file';
  /** WASI's descriptor flags. */
  readonly flags: number;
  /** The same for two handles that are open at a time, exactly when they are of the same object. */
  readonly object: number;
}

/** A name in a directory. */
export interface FileEntry {
  readonly type: DescriptorType;
  /** Null: its name is no Unicode text, so no path leads to it. */
  readonly name: string | null;
}

/** 128 bits in hexadecimal: which object it is. Says nothing about the host's numbers. */
export type FileIdentity = string;

/** Each operation: what is asked, and what is answered where it succeeds. */
export interface FileOperations {
  /** `openFlags` and `flags` as in WASI. */
  'open-at': {
    request: {
      directory: FileHandle;
      path: string;
      follow: boolean;
      openFlags: number;
      flags: number;
    };
    answer: Opened;
  };
  /** Of a file, a directory or a directory stream. The roots stay open. */
  close: { request: { handle: FileHandle }; answer: undefined };
  read: {
    request: { file: FileHandle; length: number; offset: number };
    /** `bytes` are valid until the next request. */
    answer: { bytes: Uint8Array; end: boolean };
  };
  /** Answers how many bytes were written. */
  write: { request: { file: FileHandle; bytes: Uint8Array; offset: number }; answer: number };
  append: { request: { file: FileHandle; bytes: Uint8Array }; answer: number };
  'set-size': { request: { file: FileHandle; size: number }; answer: undefined };
  advise: { request: { file: FileHandle; offset: number; length: number }; answer: undefined };
  /** Answered later. */
  sync: { request: { handle: FileHandle; dataOnly: boolean }; answer: undefined };
  stat: { request: { handle: FileHandle }; answer: FileStat };
  'stat-at': {
    request: { directory: FileHandle; path: string; follow: boolean };
    answer: FileStat;
  };
  'set-times': {
    request: { handle: FileHandle; accessed: NewTime; modified: NewTime };
    answer: undefined;
  };
  'set-times-at': {
    request: {
      directory: FileHandle;
      path: string;
      follow: boolean;
      accessed: NewTime;
      modified: NewTime;
    };
    answer: undefined;
  };
  'create-directory-at': {
    request: { directory: FileHandle; path: string };
    answer: undefined;
  };
  'remove-directory-at': {
    request: { directory: FileHandle; path: string };
    answer: undefined;
  };
  'unlink-file-at': { request: { directory: FileHandle; path: string }; answer: undefined };
  'rename-at': {
    request: { directory: FileHandle; path: string; newDirectory: FileHandle; newPath: string };
    answer: undefined;
  };
  'link-at': {
    request: {
      directory: FileHandle;
      path: string;
      follow: boolean;
      newDirectory: FileHandle;
      newPath: string;
    };
    answer: undefined;
  };
  /** `target` is what the link says. */
  'symlink-at': {
    request: { directory: FileHandle; target: string; path: string };
    answer: undefined;
  };
  'readlink-at': { request: { directory: FileHandle; path: string }; answer: string };
  /** Answers a stream: read by `next-entries`, closed by `close`. */
  'read-directory': { request: { directory: FileHandle }; answer: FileHandle };
  /** A bounded number of the entries that are left; none: it is through. */
  'next-entries': { request: { stream: FileHandle }; answer: readonly FileEntry[] };
  identity: { request: { handle: FileHandle }; answer: FileIdentity };
  'identity-at': {
    request: { directory: FileHandle; path: string; follow: boolean };
    answer: FileIdentity;
  };
}

/** The name of an operation. */
export type FileOperationName = keyof FileOperations;

/** What to do. `op` decides the fields. */
export type FileRequest<Name extends FileOperationName = FileOperationName> = {
  [Each in Name]: { readonly op: Each } & Readonly<FileOperations[Each]['request']>;
}[Name];

/** How it came out. An error carries nothing but its code: no path, no text of the host. */
export type FileAnswer<Name extends FileOperationName = FileOperationName> =
  | { readonly tag: 'ok'; readonly val: FileOperations[Name]['answer'] }
  | { readonly tag: 'err'; readonly val: ErrorCode };
