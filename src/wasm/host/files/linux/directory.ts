/** A directory of the host, held by a descriptor. */

import { isUtf8 } from 'node:buffer';
import {
  constants,
  fstatSync,
  fsync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { FileFailure, fail } from '../failure.ts';
import type { NewTime } from '../request.ts';
import type { SyncQueue } from '../sync-queue.ts';
import type {
  Access,
  Directory,
  EntryReader,
  Found,
  Gone,
  ObjectBrief,
  ObjectStat,
  OpenFile,
  Replaced,
} from '../tree.ts';
import { LinuxEntries } from './entries.ts';
import { LinuxFile } from './file.ts';
import { isPseudoSystem } from './pseudo-systems.ts';
import {
  at,
  briefOf,
  close,
  hold,
  holdDirectory,
  holdSelf,
  isSystemError,
  newTimes,
  OPEN_FLAGS_ALWAYS,
  open,
  self,
  statAt,
  statOf,
} from './system.ts';

function accessFlags({ read, write }: Access): number {
  return write ? (read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY;
}

/** The root of a mount: what its directories have in common. */
interface Root {
  readonly descriptor: number;
  /** Its file system: where a directory has another, it is looked at what that is. */
  readonly device: number;
}

/** A directory of the host, and all that is done in it by one segment. */
export class LinuxDirectory implements Directory {
  readonly #descriptor: number;
  readonly #root: Root;
  #holders = 1;

  private constructor(descriptor: number, root: Root) {
    this.#descriptor = descriptor;
    this.#root = root;
  }

  /** The root of a mount. Its descriptor is and stays its owner's. */
  static root(descriptor: number): LinuxDirectory {
    const root = { descriptor, device: fstatSync(descriptor).dev };
    return new LinuxDirectory(descriptor, root);
  }

  retain(): this {
    this.#holders += 1;
    return this;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0 && this.#descriptor !== this.#root.descriptor) {
      close(this.#descriptor);
    }
  }

  depth(): number {
    const root = readlinkSync(self(this.#root.descriptor));
    const here = readlinkSync(self(this.#descriptor));
    const beneath = root.endsWith('/') ? root : `${root}/`;
    return here.startsWith(beneath) ? here.slice(beneath.length).split('/').length : 0;
  }

  brief(): ObjectBrief {
    return briefOf(this.#descriptor);
  }

  stat(): ObjectStat {
    return statOf(this.#descriptor);
  }

  setTimes(accessed: NewTime, modified: NewTime): void {
    utimesSync(self(this.#descriptor), ...newTimes(() => this.stat(), accessed, modified));
  }

  sync(queue: SyncQueue, done: (error: unknown) => void): void {
    const descriptor = open(self(this.#descriptor), constants.O_RDONLY | constants.O_DIRECTORY);
    queue.add((next) => {
      fsync(descriptor, (error) => {
        close(descriptor);
        next();
        done(error);
      });
    });
  }

  entries(): EntryReader {
    // Node opens it out of our sight: so it is asked before whether a descriptor is left.
    close(holdSelf(this.#descriptor));
    return new LinuxEntries(self(this.#descriptor), this.retain());
  }

  statAt(name: string): ObjectStat {
    return statAt(this.#descriptor, name) ?? fail('no-entry');
  }

  setTimesAt(name: string, accessed: NewTime, modified: NewTime): void {
    const times = newTimes(() => this.statAt(name), accessed, modified);
    lutimesSync(at(this.#descriptor, name), ...times);
  }

  readLink(name: string): string | null {
    let target: Buffer;
    try {
      target = readlinkSync(at(this.#descriptor, name), 'buffer');
    } catch (error) {
      if (isSystemError(error, 'EINVAL')) {
        return null;
      }
      throw error;
    }
    return isUtf8(target) ? target.toString('utf8') : fail('illegal-byte-sequence');
  }

  openDirectory(name: string): LinuxDirectory {
    const held = holdDirectory(this.#descriptor, name);
    try {
      this.#checkSystem(held, fstatSync(held).dev);
    } catch (error) {
      close(held);
      throw error;
    }
    return new LinuxDirectory(held, this.#root);
  }

  find(name: string): Found {
    const held = hold(this.#descriptor, name);
    try {
      const brief = briefOf(held);
      this.#checkSystem(held, brief.device);
      let taken = false;
      return {
        brief,
        openFile: (access) =>
          new LinuxFile(open(self(held), accessFlags(access) | OPEN_FLAGS_ALWAYS)),
        directory: () => {
          taken = true;
          return new LinuxDirectory(held, this.#root);
        },
        release: () => {
          if (!taken) {
            close(held);
          }
        },
      };
    } catch (error) {
      close(held);
      throw error;
    }
  }

  createFile(name: string, access: Access): OpenFile {
    const flags = accessFlags(access) | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const path = at(this.#descriptor, name);
    // A file that can't be held after it was made would be there, and counted for nobody: so it is
    // asked before whether a descriptor is left.
    close(holdSelf(this.#descriptor));
    try {
      return new LinuxFile(open(path, flags | OPEN_FLAGS_ALWAYS, 0o666));
    } catch (error) {
      if (error instanceof FileFailure) {
        // Another thread took the last descriptor just then.
        unlinkSync(path);
      }
      throw error;
    }
  }

  createDirectory(name: string): void {
    mkdirSync(at(this.#descriptor, name), 0o777);
  }

  createLink(name: string, target: string): void {
    symlinkSync(target, at(this.#descriptor, name));
  }

  link(name: string, to: Directory, newName: string): void {
    linkSync(at(this.#descriptor, name), at(this.#sameMount(to), newName));
  }

  rename(name: string, to: Directory, newName: string): Replaced {
    const target = this.#sameMount(to);
    const replaced = this.#holdIfThere(target, newName);
    try {
      const moved = replaced === null ? null : statAt(this.#descriptor, name);
      renameSync(at(this.#descriptor, name), at(target, newName));
      if (replaced === null || moved?.key === replaced.brief.key) {
        return { entry: false, gone: null };
      }
      return { entry: true, gone: this.#goneSince(replaced) };
    } finally {
      if (replaced !== null) {
        close(replaced.descriptor);
      }
    }
  }

  removeDirectory(name: string): void {
    rmdirSync(at(this.#descriptor, name));
  }

  removeFile(name: string): Gone | null {
    const held = this.#holdIfThere(this.#descriptor, name);
    if (held === null) {
      return fail('no-entry');
    }
    try {
      if (held.brief.type === 'directory') {
        fail('is-directory');
      }
      unlinkSync(at(this.#descriptor, name));
      return this.#goneSince(held);
    } finally {
      close(held.descriptor);
    }
  }

  /** Refuses what is in a file system that is a view of the system. */
  #checkSystem(descriptor: number, device: number): void {
    if (device !== this.#root.device && isPseudoSystem(self(descriptor))) {
      fail('access');
    }
  }

  #sameMount(other: Directory): number {
    if (!(other instanceof LinuxDirectory) || other.#root !== this.#root) {
      return fail('cross-device');
    }
    return other.#descriptor;
  }

  /** A handle on what is under a name: only it can tell whether the object lost its last name. */
  #holdIfThere(
    directory: number,
    name: string,
  ): { readonly descriptor: number; readonly brief: ObjectBrief } | null {
    let descriptor: number;
    try {
      descriptor = hold(directory, name);
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) {
        return null;
      }
      throw error;
    }
    try {
      return { descriptor, brief: briefOf(descriptor) };
    } catch (error) {
      close(descriptor);
      throw error;
    }
  }

  #goneSince({ descriptor }: { readonly descriptor: number }): Gone | null {
    const { key, type, size, linkCount } = briefOf(descriptor);
    // Some file systems count no links of directories; these have one name each.
    return linkCount === 0 || type === 'directory' ? { key, type, size } : null;
  }
}
