/**
 * What an agent has added to a mount: bytes in blocks, and entries. Bounded by the mount's quota and
 * by the agent's limit of disk.
 *
 * What is removed is given back, but never more than was added: so what is there is never more than
 * what was there before and what may be added. That holds for each agent by itself; of several on one
 * directory each is counted for what it adds, and is given what it removes.
 */

import type { FilesScope } from '../../../capability/grant.ts';
import { BLOCK_BYTES, ENTRY_BYTES } from './caps.ts';
import { fail } from './failure.ts';
import type { DiskBudget } from './host.ts';
import type { DescriptorType } from './request.ts';

/** Bytes that content of a size counts. */
export function blocks(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}

/** Bytes that the content of an object counts. A directory's grows with its entries, which count. */
export function contentBytes(object: {
  readonly type: DescriptorType;
  readonly size: number;
}): number {
  return object.type === 'directory' ? BLOCK_BYTES : blocks(object.size);
}

/** The account of one mount. */
export class Account {
  readonly #quota: FilesScope['quota'];
  readonly #budget: DiskBudget;
  #bytes = 0;
  #entries = 0;

  constructor(quota: FilesScope['quota'], budget: DiskBudget) {
    this.#quota = quota;
    this.#budget = budget;
  }

  /** Whether anything that was added is there still, as far as it can be known. */
  get used(): boolean {
    return this.#bytes > 0;
  }

  /** Fails with `quota`, and nothing is taken. */
  take(bytes: number): void {
    const { bytes: limit } = this.#quota;
    if (limit !== 0 && this.#bytes + bytes > limit) {
      fail('quota');
    }
    if (!this.#budget.take(bytes)) {
      fail('quota');
    }
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    const given = Math.min(bytes, this.#bytes);
    this.#bytes -= given;
    this.#budget.give(given);
  }

  /** Fails with `quota`: it would be one entry, or the bytes of one, too many. */
  takeEntry(contentBytesAdded: number): void {
    const { files: limit } = this.#quota;
    if (limit !== 0 && this.#entries >= limit) {
      fail('quota');
    }
    this.take(ENTRY_BYTES + contentBytesAdded);
    this.#entries += 1;
  }

  giveEntry(contentBytesRemoved: number): void {
    const entry = this.#entries > 0 ? ENTRY_BYTES : 0;
    this.#entries = Math.max(0, this.#entries - 1);
    this.give(entry + contentBytesRemoved);
  }
}
