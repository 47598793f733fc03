/** An open file in memory. */

import type { NewTime } from '../request.ts';
import type { SyncQueue } from '../sync-queue.ts';
import type { ObjectBrief, ObjectStat, OpenFile } from '../tree.ts';
import type { FileNode } from './node.ts';

export class MemoryFile implements OpenFile {
  readonly #node: FileNode;

  constructor(node: FileNode) {
    this.#node = node;
  }

  brief(): ObjectBrief {
    const { type, size, key } = this.#node;
    return { type, size, key };
  }

  size(): number {
    return this.#node.size;
  }

  stat(): ObjectStat {
    return this.#node.stat();
  }

  read(offset: number, length: number): Uint8Array {
    return this.#node.content.read(offset, length);
  }

  write(bytes: Uint8Array, offset: number): number {
    this.#node.content.write(bytes, offset);
    this.#node.touch();
    return bytes.length;
  }

  append(bytes: Uint8Array): number {
    return this.write(bytes, this.#node.size);
  }

  setSize(size: number): void {
    this.#node.content.setSize(size);
    this.#node.touch();
  }

  setTimes(accessed: NewTime, modified: NewTime): void {
    this.#node.setTimes(accessed, modified);
  }

  sync(_dataOnly: boolean, _queue: SyncQueue, done: (error: unknown) => void): void {
    setImmediate(done, null);
  }

  close(): void {}
}
