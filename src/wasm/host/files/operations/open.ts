/** `open-at`: the only way to a descriptor. */

import { DESCRIPTOR_FLAGS, OPEN_FLAGS } from '../../generated/wasi-filesystem-types.ts';
import { blocks } from '../account.ts';
import type { Descriptors, OpenDirectory } from '../descriptors.ts';
import { codeOf, fail } from '../failure.ts';
import { checkFlags } from '../numbers.ts';
import type { FileOperations, Opened } from '../request.ts';
import type { Directory, Found, ObjectBrief, OpenFile } from '../tree.ts';
import { Walk } from '../walk.ts';

/** Turns for which another agent may make and remove what is opened, between two looks at it. */
const TURNS_MAX = 100;

const KNOWN_OPEN_FLAGS = 0b1111;
const KNOWN_FLAGS = 0b11_1111;

/** What is asked for, as it holds for this mount. */
interface Wanted {
  readonly follow: boolean;
  readonly create: boolean;
  readonly directory: boolean;
  readonly exclusive: boolean;
  readonly truncate: boolean;
  readonly read: boolean;
  readonly write: boolean;
  readonly mutate: boolean;
}

function wanted(request: FileOperations['open-at']['request']): Wanted {
  const openFlags = checkFlags(request.openFlags, KNOWN_OPEN_FLAGS);
  const flags = checkFlags(request.flags, KNOWN_FLAGS);
  const write = (flags & DESCRIPTOR_FLAGS.write) !== 0;
  return {
    follow: request.follow === true,
    create: (openFlags & OPEN_FLAGS.create) !== 0,
    directory: (openFlags & OPEN_FLAGS.directory) !== 0,
    exclusive: (openFlags & OPEN_FLAGS.exclusive) !== 0,
    truncate: (openFlags & OPEN_FLAGS.truncate) !== 0,
    // Neither is asked for: it is opened for reading, as a descriptor is for something.
    read: (flags & DESCRIPTOR_FLAGS.read) !== 0 || !write,
    write,
    mutate: (flags & DESCRIPTOR_FLAGS.mutateDirectory) !== 0,
  };
}

/** Requests for synchronised writing are requests only, says WASI; nothing here waits for a disk. */
export function openAt(
  descriptors: Descriptors,
  request: FileOperations['open-at']['request'],
): Opened {
  const base = descriptors.directory(request.directory);
  const asked = wanted(request);
  const { modes } = base.mount;
  if (asked.directory && (asked.create || asked.exclusive || asked.truncate)) {
    fail('invalid');
  }
  const changes = asked.write || asked.truncate || asked.create || asked.mutate;
  if (changes && !modes.write && !modes.create) {
    fail('read-only');
  }
  descriptors.checkRoom();
  const walk = new Walk(base.directory, request.path);
  try {
    for (let turn = 0; turn < TURNS_MAX; turn += 1) {
      const opened = openHere(descriptors, base, walk, asked);
      if (opened !== null) {
        return opened;
      }
    }
    return fail('busy');
  } finally {
    walk.end();
  }
}

/** Null: what was there has changed meanwhile, or a link was followed; look again. */
function openHere(
  descriptors: Descriptors,
  base: OpenDirectory,
  walk: Walk,
  asked: Wanted,
): Opened | null {
  if (walk.name === null) {
    checkDirectory(asked);
    const { directory } = walk;
    const brief = directory.brief();
    return addDirectory(descriptors, base, directory.retain(), brief, asked);
  }
  if (asked.create && walk.directoryWanted) {
    return fail('is-directory');
  }
  const found = findOrNull(walk.directory, walk.name);
  if (found === null) {
    return asked.create ? create(descriptors, base, walk, asked) : fail('no-entry');
  }
  try {
    return openFound(descriptors, base, walk, found, asked);
  } finally {
    found.release();
  }
}

function openFound(
  descriptors: Descriptors,
  base: OpenDirectory,
  walk: Walk,
  found: Found,
  asked: Wanted,
): Opened | null {
  if (asked.create && asked.exclusive) {
    return fail('exist');
  }
  switch (found.brief.type) {
    case 'symbolic-link':
      if (!asked.follow && !walk.directoryWanted) {
        return fail(asked.directory ? 'not-directory' : 'loop');
      }
      walk.follow();
      return null;
    case 'directory':
      checkDirectory(asked);
      return addDirectory(descriptors, base, found.directory(), found.brief, asked);
    case 'regular-file':
      if (asked.directory || walk.directoryWanted) {
        return fail('not-directory');
      }
      return openExisting(descriptors, base, found, asked);
    default:
      // A device, a pipe, a socket: opening alone would do something on the host.
      return fail(asked.directory || walk.directoryWanted ? 'not-directory' : 'not-permitted');
  }
}

function checkDirectory(asked: Wanted): void {
  if (asked.create) {
    fail(asked.exclusive ? 'exist' : 'is-directory');
  }
  if (asked.write || asked.truncate) {
    fail('is-directory');
  }
}

function openExisting(
  descriptors: Descriptors,
  base: OpenDirectory,
  found: Found,
  asked: Wanted,
): Opened {
  if ((asked.write || asked.truncate) && !base.mount.modes.write) {
    fail('read-only');
  }
  const file = found.openFile({ read: asked.read, write: asked.write || asked.truncate });
  if (asked.truncate && found.brief.size > 0) {
    try {
      file.setSize(0);
    } catch (error) {
      file.close();
      throw error;
    }
    base.mount.account.give(blocks(found.brief.size));
  }
  return addFile(descriptors, base, file, found.brief, asked);
}

function create(
  descriptors: Descriptors,
  base: OpenDirectory,
  walk: Walk,
  asked: Wanted,
): Opened | null {
  const { account, modes } = base.mount;
  if (!modes.create) {
    return fail('read-only');
  }
  account.takeEntry(0);
  let file: OpenFile;
  try {
    file = walk.directory.createFile(walk.name as string, asked);
  } catch (error) {
    account.giveEntry(0);
    if (codeOf(error) === 'exist' && !asked.exclusive) {
      return null;
    }
    throw error;
  }
  let brief: ObjectBrief;
  try {
    brief = file.brief();
  } catch (error) {
    file.close();
    throw error;
  }
  return addFile(descriptors, base, file, brief, asked);
}

function findOrNull(directory: Directory, name: string): Found | null {
  try {
    return directory.find(name);
  } catch (error) {
    if (codeOf(error) === 'no-entry') {
      return null;
    }
    throw error;
  }
}

function addFile(
  descriptors: Descriptors,
  base: OpenDirectory,
  file: OpenFile,
  brief: ObjectBrief,
  { read, write }: Wanted,
): Opened {
  const object = descriptors.object(brief);
  const handle = descriptors.add({ kind: 'file', mount: base.mount, file, object, read, write });
  const flags = (read ? DESCRIPTOR_FLAGS.read : 0) | (write ? DESCRIPTOR_FLAGS.write : 0);
  return { handle, type: 'regular-file', flags, object: object.number };
}

/** Takes the directory over. */
function addDirectory(
  descriptors: Descriptors,
  { mount }: OpenDirectory,
  directory: Directory,
  brief: ObjectBrief,
  { mutate }: Wanted,
): Opened {
  const object = descriptors.object(brief);
  const handle = descriptors.add({ kind: 'directory', mount, directory, object });
  const flags = DESCRIPTOR_FLAGS.read | (mutate ? DESCRIPTOR_FLAGS.mutateDirectory : 0);
  return { handle, type: 'directory', flags, object: object.number };
}
