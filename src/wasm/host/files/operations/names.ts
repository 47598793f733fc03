/** The names in directories: making, moving, linking and removing them. All need the mode `create`. */

import { blocks } from '../account.ts';
import { BLOCK_BYTES, PATH_BYTES_MAX } from '../caps.ts';
import type { Descriptors, OpenDirectory } from '../descriptors.ts';
import { codeOf, fail } from '../failure.ts';
import type { FileOperations } from '../request.ts';
import type { Directory } from '../tree.ts';
import { Walk } from '../walk.ts';

type Request<Name extends keyof FileOperations> = FileOperations[Name]['request'];

/** The directory of a request, in a mount where names may be made and removed. */
function changeable(descriptors: Descriptors, handle: unknown): OpenDirectory {
  const open = descriptors.directory(handle);
  return open.mount.modes.create ? open : fail('read-only');
}

/** Walks, works, and gives the directories back. */
function at<Answer>(from: Directory, path: unknown, work: (walk: Walk) => Answer): Answer {
  const walk = new Walk(from, path);
  try {
    return work(walk);
  } finally {
    walk.end();
  }
}

/** Makes an entry, which was counted before. */
function making({ mount: { account } }: OpenDirectory, contentBytes: number, work: () => void) {
  account.takeEntry(contentBytes);
  try {
    work();
  } catch (error) {
    account.giveEntry(contentBytes);
    throw error;
  }
}

function exists(directory: Directory, name: string): boolean {
  try {
    directory.statAt(name);
    return true;
  } catch (error) {
    if (codeOf(error) === 'no-entry') {
      return false;
    }
    throw error;
  }
}

/** The name under which something is made that is no directory. */
function newName(walk: Walk): string {
  if (walk.name === null) {
    return fail('exist');
  }
  if (walk.directoryWanted) {
    return fail(exists(walk.directory, walk.name) ? 'exist' : 'no-entry');
  }
  return walk.name;
}

/**
 * A link that leads out of its mount is followed by no guest, but by every program of the host: so
 * none is made or moved to where it would. What counts is what it says, from the place where it is.
 * `..` is only for the beginning: after a name it goes up from wherever that name leads to, which may
 * be a link, now or later.
 */
function checkStaysInside(target: string, directory: Directory): void {
  if (target.startsWith('/')) {
    fail('not-permitted');
  }
  const segments = target.split('/').filter((segment) => segment !== '' && segment !== '.');
  const ups = segments.lastIndexOf('..') + 1;
  if (
    ups > 0 &&
    (segments.slice(0, ups).some((step) => step !== '..') || ups > directory.depth())
  ) {
    fail('not-permitted');
  }
}

export function createDirectoryAt(
  descriptors: Descriptors,
  request: Request<'create-directory-at'>,
): undefined {
  const base = changeable(descriptors, request.directory);
  at(base.directory, request.path, (walk) => {
    const name = walk.name ?? fail('exist');
    making(base, BLOCK_BYTES, () => walk.directory.createDirectory(name));
  });
}

export function removeDirectoryAt(
  descriptors: Descriptors,
  request: Request<'remove-directory-at'>,
): undefined {
  const base = changeable(descriptors, request.directory);
  at(base.directory, request.path, (walk) => {
    const name = walk.name ?? fail(walk.last === 'dot' ? 'invalid' : 'not-empty');
    walk.directory.removeDirectory(name);
    base.mount.account.giveEntry(BLOCK_BYTES);
  });
}

export function unlinkFileAt(
  descriptors: Descriptors,
  request: Request<'unlink-file-at'>,
): undefined {
  const base = changeable(descriptors, request.directory);
  at(base.directory, request.path, (walk) => {
    const name = walk.name ?? fail('is-directory');
    if (walk.directoryWanted) {
      fail(walk.directory.statAt(name).type === 'directory' ? 'is-directory' : 'not-directory');
    }
    const gone = walk.directory.removeFile(name);
    base.mount.account.giveEntry(0);
    if (gone !== null) {
      descriptors.gone(gone, base.mount.account);
    }
  });
}

export function renameAt(descriptors: Descriptors, request: Request<'rename-at'>): undefined {
  const from = changeable(descriptors, request.directory);
  const to = changeable(descriptors, request.newDirectory);
  if (from.mount !== to.mount) {
    fail('cross-device');
  }
  at(from.directory, request.path, (old) => {
    at(to.directory, request.newPath, (target) => {
      const name = old.name ?? fail('busy');
      const newName = target.name ?? fail('busy');
      const { type } = old.directory.statAt(name);
      if (type !== 'directory' && (old.directoryWanted || target.directoryWanted)) {
        fail('not-directory');
      }
      if (type === 'symbolic-link') {
        checkStaysInside(old.directory.readLink(name) ?? '', target.directory);
      }
      const { entry, gone } = old.directory.rename(name, target.directory, newName);
      if (entry) {
        to.mount.account.giveEntry(0);
      }
      if (gone !== null) {
        descriptors.gone(gone, to.mount.account);
      }
    });
  });
}

export function linkAt(descriptors: Descriptors, request: Request<'link-at'>): undefined {
  const from = changeable(descriptors, request.directory);
  const to = changeable(descriptors, request.newDirectory);
  if (from.mount !== to.mount) {
    fail('cross-device');
  }
  at(from.directory, request.path, (old) => {
    const { type } = old.settle(request.follow === true);
    at(to.directory, request.newPath, (target) => {
      const newPlace = newName(target);
      if (old.name === null || type === 'directory') {
        return fail('not-permitted');
      }
      if (type === 'symbolic-link') {
        checkStaysInside(old.directory.readLink(old.name) ?? '', target.directory);
      }
      const { name } = old;
      making(to, 0, () => old.directory.link(name, target.directory, newPlace));
    });
  });
}

export function symlinkAt(descriptors: Descriptors, request: Request<'symlink-at'>): undefined {
  const base = changeable(descriptors, request.directory);
  const { target } = request;
  if (typeof target !== 'string') {
    return fail('invalid');
  }
  if (target === '') {
    return fail('no-entry');
  }
  if (target.length > PATH_BYTES_MAX || Buffer.byteLength(target) > PATH_BYTES_MAX) {
    return fail('name-too-long');
  }
  if (!target.isWellFormed()) {
    return fail('illegal-byte-sequence');
  }
  if (target.includes('\0')) {
    return fail('invalid');
  }
  at(base.directory, request.path, (walk) => {
    checkStaysInside(target, walk.directory);
    const name = newName(walk);
    making(base, blocks(Buffer.byteLength(target)), () => walk.directory.createLink(name, target));
  });
}

export function readlinkAt(descriptors: Descriptors, request: Request<'readlink-at'>): string {
  const base = descriptors.directory(request.directory);
  return at(base.directory, request.path, (walk) => {
    if (walk.directoryWanted) {
      walk.settle(true);
      return fail('invalid');
    }
    const target = walk.directory.readLink(walk.name as string) ?? fail('invalid');
    // Where it leads is a path of the host.
    return target.startsWith('/') ? fail('not-permitted') : target;
  });
}
