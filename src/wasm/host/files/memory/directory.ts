/** A directory in memory, which does what one of Linux does. */

import { fail } from '../failure.ts';
import type { FileEntry, NewTime } from '../request.ts';
import type { SyncQueue } from '../sync-queue.ts';
import type {
  Directory,
  EntryReader,
  Found,
  Gone,
  ObjectBrief,
  ObjectStat,
  OpenFile,
  Replaced,
} from '../tree.ts';
import { MemoryFile } from './file.ts';
import { DirectoryNode, FileNode, LinkNode, type TreeNode } from './node.ts';

/** An empty tree. `tree` tells it from the other trees of its agent. */
export function memoryRoot(tree: string): Directory {
  return new MemoryDirectory(new DirectoryNode({ tree, last: 0 }));
}

class MemoryDirectory implements Directory {
  readonly #node: DirectoryNode;

  constructor(node: DirectoryNode) {
    this.#node = node;
  }

  retain(): this {
    return this;
  }

  release(): void {}

  depth(): number {
    let depth = 0;
    for (let node = this.#node; node.parent !== null; node = node.parent) {
      depth += 1;
    }
    return depth;
  }

  brief(): ObjectBrief {
    return briefOf(this.#node);
  }

  stat(): ObjectStat {
    return this.#node.stat();
  }

  setTimes(accessed: NewTime, modified: NewTime): void {
    this.#node.setTimes(accessed, modified);
  }

  sync(_queue: SyncQueue, done: (error: unknown) => void): void {
    setImmediate(done, null);
  }

  entries(): EntryReader {
    const { entries } = this.#node;
    let last = 0;
    return {
      next(): FileEntry | null {
        const entry = entries.after(last);
        if (entry === null) {
          return null;
        }
        last = entry.number;
        return { type: entry.value.type, name: entry.name };
      },
      close() {},
    };
  }

  statAt(name: string): ObjectStat {
    return this.#get(name).stat();
  }

  setTimesAt(name: string, accessed: NewTime, modified: NewTime): void {
    this.#get(name).setTimes(accessed, modified);
  }

  readLink(name: string): string | null {
    const node = this.#get(name);
    return node.type === 'symbolic-link' ? node.target : null;
  }

  openDirectory(name: string): Directory {
    const node = this.#get(name);
    return node.type === 'directory' ? new MemoryDirectory(node) : fail('not-directory');
  }

  find(name: string): Found {
    const node = this.#get(name);
    return {
      brief: briefOf(node),
      openFile: () => (node.type === 'regular-file' ? new MemoryFile(node) : fail('invalid')),
      directory: () =>
        node.type === 'directory' ? new MemoryDirectory(node) : fail('not-directory'),
      release() {},
    };
  }

  createFile(name: string): OpenFile {
    const node = new FileNode(this.#node.numbering);
    this.#add(name, node);
    return new MemoryFile(node);
  }

  createDirectory(name: string): void {
    this.#add(name, new DirectoryNode(this.#node.numbering));
  }

  createLink(name: string, target: string): void {
    this.#add(name, new LinkNode(this.#node.numbering, target));
  }

  link(name: string, to: Directory, newName: string): void {
    const node = this.#get(name);
    if (node.type === 'directory') {
      fail('not-permitted');
    }
    this.#sameMount(to).#add(newName, node);
  }

  rename(name: string, to: Directory, newName: string): Replaced {
    const target = this.#sameMount(to);
    const node = this.#get(name);
    target.#checkAlive();
    if (node.type === 'directory' && target.#isBelow(node)) {
      return fail('invalid');
    }
    const replaced = target.#node.entries.get(newName);
    if (replaced !== undefined && replaced.type === 'directory' && this.#isBelow(replaced)) {
      return fail('not-empty');
    }
    if (replaced === node) {
      return { entry: false, gone: null };
    }
    const gone = replaced === undefined ? null : target.#replace(newName, replaced, node);
    this.#remove(name, node);
    target.#put(newName, node);
    return { entry: replaced !== undefined, gone };
  }

  removeDirectory(name: string): void {
    const node = this.#get(name);
    const directory = node.type === 'directory' ? node : fail('not-directory');
    if (directory.entries.count > 0) {
      fail('not-empty');
    }
    this.#remove(name, directory);
    directory.removed = true;
  }

  removeFile(name: string): Gone | null {
    const node = this.#get(name);
    if (node.type === 'directory') {
      return fail('is-directory');
    }
    this.#remove(name, node);
    return goneIfNameless(node);
  }

  #get(name: string): TreeNode {
    return this.#node.entries.get(name) ?? fail('no-entry');
  }

  #checkAlive(): void {
    if (this.#node.removed) {
      fail('no-entry');
    }
  }

  #add(name: string, node: TreeNode): void {
    this.#checkAlive();
    if (this.#node.entries.get(name) !== undefined) {
      fail('exist');
    }
    this.#put(name, node);
  }

  #put(name: string, node: TreeNode): void {
    node.named();
    this.#node.entries.add(name, node);
    if (node.type === 'directory') {
      node.parent = this.#node;
      this.#node.subdirectories += 1;
    }
    this.#node.touch();
  }

  #remove(name: string, node: TreeNode): void {
    this.#node.entries.remove(name);
    node.unnamed();
    if (node.type === 'directory') {
      node.parent = null;
      this.#node.subdirectories -= 1;
    }
    this.#node.touch();
  }

  /** Removes what a rename puts something else in the place of. */
  #replace(name: string, replaced: TreeNode, by: TreeNode): Gone | null {
    if (by.type === 'directory') {
      this.removeDirectory(name);
      return briefOf(replaced);
    }
    return this.removeFile(name);
  }

  /** Whether it is this directory, or has it somewhere below. */
  #isBelow(ancestor: DirectoryNode): boolean {
    for (let node: DirectoryNode | null = this.#node; node !== null; node = node.parent) {
      if (node === ancestor) {
        return true;
      }
    }
    return false;
  }

  #sameMount(other: Directory): MemoryDirectory {
    const same = other instanceof MemoryDirectory && other.#node.numbering === this.#node.numbering;
    return same ? other : fail('cross-device');
  }
}

function briefOf({ type, size, key }: TreeNode): ObjectBrief {
  return { type, size, key };
}

function goneIfNameless(node: TreeNode): Gone | null {
  return node.linkCount === 0 ? briefOf(node) : null;
}
