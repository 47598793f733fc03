/** An open regular file of the host. */

import {
  constants,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  futimesSync,
  readSync,
  writeSync,
} from 'node:fs';
import type { NewTime } from '../request.ts';
import type { SyncQueue } from '../sync-queue.ts';
import type { ObjectBrief, ObjectStat, OpenFile } from '../tree.ts';
import { briefOf, close, newTimes, OPEN_FLAGS_ALWAYS, open, self, statOf } from './system.ts';

/** Reads longer than this look at the size first, so that no more is allocated than there is. */
const READ_UNSEEN_MAX = 64 * 1024;

/** A regular file of the host that is open. */
export class LinuxFile implements OpenFile {
  readonly #descriptor: number;
  /** The same file, opened for appending; when it is first needed. */
  #appending: number | null = null;
  #syncs = 0;
  #closed = false;

  /** Takes the descriptor over. */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  brief(): ObjectBrief {
    return briefOf(this.#descriptor);
  }

  size(): number {
    return fstatSync(this.#descriptor).size;
  }

  stat(): ObjectStat {
    return statOf(this.#descriptor);
  }

  read(offset: number, length: number): Uint8Array {
    let wanted = length;
    if (wanted > READ_UNSEEN_MAX) {
      wanted = Math.min(wanted, Math.max(READ_UNSEEN_MAX, this.size() - offset));
    }
    const bytes = Buffer.allocUnsafeSlow(wanted);
    const count = readSync(this.#descriptor, bytes, 0, wanted, offset);
    // Of what was not read nothing is handed on: it is whatever the host's memory had there.
    return count === wanted ? bytes : Uint8Array.prototype.slice.call(bytes, 0, count);
  }

  write(bytes: Uint8Array, offset: number): number {
    return writeSync(this.#descriptor, bytes, 0, bytes.length, offset);
  }

  append(bytes: Uint8Array): number {
    this.#appending ??= open(
      self(this.#descriptor),
      constants.O_WRONLY | constants.O_APPEND | OPEN_FLAGS_ALWAYS,
    );
    return writeSync(this.#appending, bytes, 0, bytes.length, null);
  }

  setSize(size: number): void {
    ftruncateSync(this.#descriptor, size);
  }

  setTimes(accessed: NewTime, modified: NewTime): void {
    futimesSync(this.#descriptor, ...newTimes(() => this.stat(), accessed, modified));
  }

  sync(dataOnly: boolean, queue: SyncQueue, done: (error: unknown) => void): void {
    this.#syncs += 1;
    queue.add((next) => {
      (dataOnly ? fdatasync : fsync)(this.#descriptor, (error) => {
        this.#syncs -= 1;
        this.#closeIfUnused();
        next();
        done(error);
      });
    });
  }

  /** While the system still works on the descriptor it stays open: its number must mean no other. */
  close(): void {
    this.#closed = true;
    this.#closeIfUnused();
  }

  #closeIfUnused(): void {
    if (this.#closed && this.#syncs === 0) {
      close(this.#descriptor);
      if (this.#appending !== null) {
        close(this.#appending);
      }
    }
  }
}
