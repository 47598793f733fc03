/** The entries of a directory of the host, read a few at a time. */

import { isUtf8 } from 'node:buffer';
import { type Dir, type Dirent, opendirSync } from 'node:fs';
import type { DescriptorType, FileEntry } from '../request.ts';
import type { Directory, EntryReader } from '../tree.ts';

/** Entries that Node asks the system for at a time. */
const BUFFERED = 32;

function typeOf(entry: Dirent<Buffer>): DescriptorType {
  if (entry.isFile()) {
    return 'regular-file';
  }
  if (entry.isDirectory()) {
    return 'directory';
  }
  if (entry.isSymbolicLink()) {
    return 'symbolic-link';
  }
  if (entry.isFIFO()) {
    return 'fifo';
  }
  if (entry.isSocket()) {
    return 'socket';
  }
  if (entry.isBlockDevice()) {
    return 'block-device';
  }
  return entry.isCharacterDevice() ? 'character-device' : 'unknown';
}

/** Reads the entries of one directory. */
export class LinuxEntries implements EntryReader {
  readonly #directory: Directory;
  readonly #dir: Dir;

  /**
   * `path` names the directory by its descriptor, so that stays held: where the system does not say
   * what an entry is, Node looks it up under this path.
   */
  constructor(path: string, held: Directory) {
    this.#directory = held;
    try {
      this.#dir = opendirSync(path, { encoding: 'buffer' as BufferEncoding, bufferSize: BUFFERED });
    } catch (error) {
      held.release();
      throw error;
    }
  }

  next(): FileEntry | null {
    const entry = this.#dir.readSync() as unknown as Dirent<Buffer> | null;
    if (entry === null) {
      return null;
    }
    const name = isUtf8(entry.name) ? entry.name.toString('utf8') : null;
    return { type: typeOf(entry), name };
  }

  close(): void {
    try {
      this.#dir.closeSync();
    } catch {
      // As when any descriptor is closed.
    } finally {
      this.#directory.release();
    }
  }
}
