/** The objects of a tree in memory. */

import { BLOCK_BYTES } from '../caps.ts';
import { fail } from '../failure.ts';
import type { FileTime, NewTime } from '../request.ts';
import type { ObjectStat } from '../tree.ts';
import { Content } from './content.ts';
import { Entries } from './entries.ts';

/** Numbers for the objects of one tree. */
export interface Numbering {
  /** Tells its trees from others of the same agent. */
  readonly tree: string;
  last: number;
}

/** Hard links that a file can have, as on ext4. */
const LINKS_MAX = 65_000;

function now(): FileTime {
  const milliseconds = Date.now();
  return {
    seconds: Math.floor(milliseconds / 1000),
    nanoseconds: (milliseconds % 1000) * 1_000_000,
  };
}

/** An object: a file, a directory or a symbolic link. */
abstract class Node {
  readonly key: string;
  abstract readonly type: 'regular-file' | 'directory' | 'symbolic-link';
  abstract readonly size: number;
  protected names = 0;
  #accessed = now();
  #modified = this.#accessed;
  #changed = this.#accessed;

  constructor(numbering: Numbering) {
    numbering.last += 1;
    this.key = `${numbering.tree}:${numbering.last}`;
  }

  get linkCount(): number {
    return this.names;
  }

  stat(): ObjectStat {
    return {
      type: this.type,
      linkCount: this.linkCount,
      size: this.size,
      accessed: this.#accessed,
      modified: this.#modified,
      changed: this.#changed,
      key: this.key,
    };
  }

  setTimes(accessed: NewTime, modified: NewTime): void {
    const moment = now();
    this.#accessed = newTime(accessed, this.#accessed, moment);
    this.#modified = newTime(modified, this.#modified, moment);
    this.#changed = moment;
  }

  /** What is in it has changed. */
  touch(): void {
    this.#modified = now();
    this.#changed = this.#modified;
  }

  named(): void {
    if (this.names >= LINKS_MAX) {
      fail('too-many-links');
    }
    this.names += 1;
    this.#changed = now();
  }

  unnamed(): void {
    this.names -= 1;
    this.#changed = now();
  }
}

function newTime(wanted: NewTime, current: FileTime, moment: FileTime): FileTime {
  return wanted === 'no-change' ? current : wanted === 'now' ? moment : wanted;
}

export class FileNode extends Node {
  readonly type = 'regular-file';
  readonly content = new Content();

  get size(): number {
    return this.content.size;
  }
}

export class LinkNode extends Node {
  readonly type = 'symbolic-link';
  readonly target: string;

  constructor(numbering: Numbering, target: string) {
    super(numbering);
    this.target = target;
  }

  get size(): number {
    return Buffer.byteLength(this.target);
  }
}

export class DirectoryNode extends Node {
  readonly type = 'directory';
  readonly size = BLOCK_BYTES;
  readonly entries = new Entries<TreeNode>();
  readonly numbering: Numbering;
  /** Null: it is the root, or was removed. */
  parent: DirectoryNode | null = null;
  /** It was removed: nothing can be made in it any more. */
  removed = false;
  /** Directories in it: each has a name for it. */
  subdirectories = 0;

  constructor(numbering: Numbering) {
    super(numbering);
    this.numbering = numbering;
  }

  /** Its own name and `.` in it, and `..` in each directory below. */
  override get linkCount(): number {
    return this.removed ? 0 : 2 + this.subdirectories;
  }
}

export type TreeNode = FileNode | LinkNode | DirectoryNode;
