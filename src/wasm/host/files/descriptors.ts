/** What an agent has open, by handles that are never given out again. */

import type { FileModes } from '../../../capability/grant.ts';
import { type Account, contentBytes } from './account.ts';
import { DESCRIPTORS_MAX } from './caps.ts';
import { fail } from './failure.ts';
import type { FileHandle } from './request.ts';
import type { Directory, EntryReader, Gone, ObjectBrief, OpenFile } from './tree.ts';

/** A mounted tree, as the operations see it. */
export interface Mount {
  readonly modes: FileModes;
  readonly account: Account;
}

/** An object of a tree that is open once or more. */
export interface SharedObject {
  readonly key: string;
  /** Tells it from all others that are open at the same time. */
  readonly number: number;
  opens: number;
  /** This agent took its last name away: what it takes is given back here when it is closed. */
  removedFrom: Account | null;
}

/** A directory that is open. */
export interface OpenDirectory {
  readonly kind: 'directory';
  readonly mount: Mount;
  readonly directory: Directory;
  readonly object: SharedObject;
}

/** A file that is open, and for what. */
export interface OpenRegular {
  readonly kind: 'file';
  readonly mount: Mount;
  readonly file: OpenFile;
  readonly object: SharedObject;
  readonly read: boolean;
  readonly write: boolean;
}

/** The entries of a directory that are being read. */
export interface OpenStream {
  readonly kind: 'stream';
  readonly mount: Mount;
  readonly entries: EntryReader;
}

/** What a handle can stand for. */
export type OpenThing = OpenDirectory | OpenRegular | OpenStream;

/** What several agents may have open together. */
export interface DescriptorBudget {
  hasRoom(): boolean;
  /** So many more, or fewer, are open. */
  count(more: number): void;
}

/** The descriptors of one agent. */
export class Descriptors {
  readonly #budget: DescriptorBudget;
  readonly #open = new Map<unknown, OpenThing>();
  readonly #objects = new Map<string, SharedObject>();
  readonly #roots = new Set<FileHandle>();
  #lastHandle = 0;
  #lastObject = 0;

  constructor(budget: DescriptorBudget) {
    this.#budget = budget;
  }

  /** Fails where as many are open as may be. Ask before anything is opened. */
  checkRoom(): void {
    if (this.#open.size - this.#roots.size >= DESCRIPTORS_MAX || !this.#budget.hasRoom()) {
      fail('insufficient-memory');
    }
  }

  add(thing: OpenThing): FileHandle {
    this.#budget.count(1);
    return this.#add(thing);
  }

  #add(thing: OpenThing): FileHandle {
    this.#lastHandle += 1;
    this.#open.set(this.#lastHandle, thing);
    return this.#lastHandle;
  }

  /** One that can't be closed by a request. */
  addRoot(root: OpenDirectory): FileHandle {
    const handle = this.#add(root);
    this.#roots.add(handle);
    return handle;
  }

  /** An object is open once more: `add` what it is open as. */
  object({ key }: ObjectBrief): SharedObject {
    let object = this.#objects.get(key);
    if (object === undefined) {
      this.#lastObject += 1;
      object = { key, number: this.#lastObject, opens: 0, removedFrom: null };
      this.#objects.set(key, object);
    }
    object.opens += 1;
    return object;
  }

  /** Whatever is open under a handle; `bad-descriptor`: nothing is. */
  thing(handle: unknown): OpenThing {
    return this.#open.get(handle) ?? fail('bad-descriptor');
  }

  /** A file; `otherwise` for a directory. */
  file(handle: unknown, otherwise: 'is-directory' | 'bad-descriptor' | 'invalid'): OpenRegular {
    const thing = this.thing(handle);
    if (thing.kind === 'file') {
      return thing;
    }
    return fail(thing.kind === 'directory' ? otherwise : 'bad-descriptor');
  }

  /** A directory; `not-directory` for a file. */
  directory(handle: unknown): OpenDirectory {
    const thing = this.thing(handle);
    if (thing.kind === 'directory') {
      return thing;
    }
    return fail(thing.kind === 'file' ? 'not-directory' : 'bad-descriptor');
  }

  /** An object has lost its last name: what it took is free, or will be when it is closed. */
  gone(gone: Gone, account: Account): void {
    const object = this.#objects.get(gone.key);
    if (object === undefined) {
      account.give(contentBytes(gone));
    } else {
      object.removedFrom = account;
    }
  }

  /** Closes one; the roots stay. */
  close(handle: unknown): void {
    const thing = this.thing(handle);
    if (this.#roots.has(handle as FileHandle)) {
      return;
    }
    this.#open.delete(handle);
    this.#budget.count(-1);
    this.#dispose(thing);
  }

  /** At the agent's end, where all that it had counted is given back at once. */
  closeAll(): void {
    const things = [...this.#open.values()];
    this.#open.clear();
    for (const thing of things) {
      try {
        this.#dispose(thing);
      } catch {
        // One that can't be looked at any more keeps none of the others open.
      }
    }
  }

  #dispose(thing: OpenThing): void {
    switch (thing.kind) {
      case 'stream':
        thing.entries.close();
        break;
      case 'directory':
        this.#leave(thing.object);
        thing.directory.release();
        break;
      case 'file': {
        const account = this.#leave(thing.object);
        try {
          if (account !== null) {
            account.give(contentBytes(thing.file.brief()));
          }
        } finally {
          thing.file.close();
        }
        break;
      }
    }
  }

  /** One handle fewer; answers where to give back what the object took, if that was the last. */
  #leave(object: SharedObject): Account | null {
    object.opens -= 1;
    if (object.opens > 0) {
      return null;
    }
    this.#objects.delete(object.key);
    return object.removedFrom;
  }
}
