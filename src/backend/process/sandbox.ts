/**
 * The file system that bubblewrap makes for an agent's process: Node, the libraries that Node needs,
 * and ringfence's own code, read-only, under names that say nothing about this machine.
 */

import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Where Node and ringfence are inside. */
export const NODE_INSIDE = '/node';
export const RINGFENCE_INSIDE = '/ringfence';

/** The user and the group that own nothing. */
export const NOBODY = '65534';

/** Directories of libraries that are links on many systems; a library is looked for under both names. */
const LINKED_DIRECTORIES = ['/lib', '/lib32', '/lib64', '/usr/lib32', '/usr/lib64'];

/** What is bound. */
export interface Sandbox {
  /** Files and directories of ringfence: where they are, and their names beneath {@link RINGFENCE_INSIDE}. */
  readonly code: readonly (readonly [from: string, name: string])[];
  /** Descriptors: bubblewrap tells on one whom it has started, and reads the filter from the other. */
  readonly infoFd: number;
  readonly filterFd: number | null;
}

/** The arguments of bubblewrap, before those of the program that it starts. */
export function sandboxArguments({ code, infoFd, filterFd }: Sandbox): string[] {
  return [
    '--unshare-all',
    '--unshare-user',
    ...['--uid', NOBODY, '--gid', NOBODY],
    ...['--cap-drop', 'ALL'],
    ...['--hostname', 'agent'],
    '--clearenv',
    '--new-session',
    '--die-with-parent',
    // The process itself is what bubblewrap tells of, and there is no other.
    '--as-pid-1',
    ...libraryBinds(process.execPath),
    ...['--ro-bind', process.execPath, NODE_INSIDE],
    ...code.flatMap(([from, name]) => ['--ro-bind', from, join(RINGFENCE_INSIDE, name)]),
    // What bubblewrap has made to bind these on is memory: nothing is written to it.
    ...['--remount-ro', '/'],
    ...['--chdir', '/'],
    ...['--info-fd', String(infoFd)],
    ...(filterFd === null ? [] : ['--seccomp', String(filterFd)]),
    '--',
  ];
}

/** The libraries that this process has loaded, which is Node too, under all names that they have. */
function libraryBinds(program: string): string[] {
  const binds = new Map<string, string>();
  for (const library of loadedLibraries()) {
    const directory = dirname(library);
    const stem = basename(library).replace(/\.so.*$/, '.so');
    for (const name of readdirSync(directory).filter((other) => other.startsWith(stem))) {
      const path = join(directory, name);
      if (name === basename(library) || realPath(path) === library) {
        binds.set(path, library);
      }
    }
  }
  const loader = loaderOf(program);
  if (loader !== null) {
    binds.set(join(realpathSync(dirname(loader)), basename(loader)), realpathSync(loader));
  }
  return [
    ...[...binds].flatMap(([path, library]) => ['--ro-bind', library, path]),
    ...LINKED_DIRECTORIES.flatMap((directory) => {
      const target = linkTarget(directory);
      return target === null ? [] : ['--symlink', target, directory];
    }),
  ];
}

function loadedLibraries(): Set<string> {
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  const paths = maps.map((line) => /^\S+ \S+ \S+ \S+ \d+ +(\/.*)$/.exec(line)?.[1]);
  // A library that was replaced since, by an update, is of no use.
  return new Set(
    paths.filter((path) => path !== undefined && /\.so(\.[0-9.]+)?$/.test(path)) as string[],
  );
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** Places of the ELF format, for 64 bits, little endian. */
const ELF = {
  magic: 0x464c_457f,
  headersOffset: 32,
  headerSize: 54,
  headerCount: 56,
  interpreter: 3,
} as const;

/** The program that loads a program's libraries, by the name that stands in it; null: it needs none. */
function loaderOf(program: string): string | null {
  const file = openSync(program, 'r');
  try {
    const read = (offset: number, length: number): Buffer => {
      const bytes = Buffer.alloc(length);
      readSync(file, bytes, 0, length, offset);
      return bytes;
    };
    const header = read(0, 64);
    if (header.readUInt32LE(0) !== ELF.magic) {
      return null;
    }
    const size = header.readUInt16LE(ELF.headerSize);
    const count = header.readUInt16LE(ELF.headerCount);
    const table = read(Number(header.readBigUInt64LE(ELF.headersOffset)), size * count);
    for (let at = 0; at + size <= table.length; at += size) {
      if (table.readUInt32LE(at) === ELF.interpreter) {
        const offset = Number(table.readBigUInt64LE(at + 8));
        const length = Number(table.readBigUInt64LE(at + 32));
        return read(offset, length - 1).toString('utf8');
      }
    }
    return null;
  } finally {
    closeSync(file);
  }
}
