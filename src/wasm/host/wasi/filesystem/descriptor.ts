/** Descriptors and directory streams, as a guest holds them. */

import type { FilesScope } from '../../../../capability/grant.ts';
import type { HeldGrant } from '../../../../capability/held.ts';
import type { HostAgent } from '../../agent.ts';
import type { Preopen } from '../../files/host.ts';
import type { FileEntry, FileHandle, Opened } from '../../files/request.ts';
import { Held } from '../held.ts';

declare module '../../abi/binding.ts' {
  interface HostResources {
    'wasi:filesystem/types/descriptor': Descriptor;
    'wasi:filesystem/types/directory-entry-stream': EntryStream;
  }
}

/** What a directory stream keeps besides: entries that were read and not asked for yet. */
const ENTRY_STREAM_BYTES = 16 * 1024;

/**
 * A handle of the file host that several objects use: a descriptor and the streams made of it. It is
 * closed with the last of them. A root is never closed.
 */
export class SharedHandle {
  readonly handle: FileHandle;
  readonly #root: boolean;
  #users = 1;

  constructor(handle: FileHandle, root: boolean) {
    this.handle = handle;
    this.#root = root;
  }

  share(): this {
    this.#users += 1;
    return this;
  }

  release(agent: HostAgent): void {
    this.#users -= 1;
    if (this.#users === 0 && !this.#root) {
      // A broker answers later, and nobody waits for it: it does one request after another.
      agent.files.perform({ op: 'close', handle: this.handle });
    }
  }
}

/** An open file or directory. */
export class Descriptor extends Held {
  readonly shared: SharedHandle;
  readonly grant: HeldGrant<'files'>;
  readonly type: Opened['type'];
  readonly flags: number;
  readonly object: number;
  #released = false;

  private constructor(
    agent: HostAgent,
    shared: SharedHandle,
    grant: HeldGrant<'files'>,
    opened: Omit<Opened, 'handle'>,
  ) {
    super(agent);
    this.shared = shared;
    this.grant = grant;
    this.type = opened.type;
    this.flags = opened.flags;
    this.object = opened.object;
  }

  static ofRoot(agent: HostAgent, root: Preopen, grant: HeldGrant<'files'>): Descriptor {
    const { flags, object } = root;
    return new Descriptor(agent, new SharedHandle(root.handle, true), grant, {
      type: 'directory',
      flags,
      object,
    });
  }

  /** What was opened below this one. */
  opened(agent: HostAgent, opened: Opened): Descriptor {
    return new Descriptor(agent, new SharedHandle(opened.handle, false), this.grant, opened);
  }

  get handle(): FileHandle {
    return this.shared.handle;
  }

  get scope(): FilesScope {
    return this.grant.scope;
  }

  override release(agent: HostAgent): void {
    super.release(agent);
    if (!this.#released) {
      this.#released = true;
      this.shared.release(agent);
    }
  }
}

/** The entries of a directory, one after another. */
export class EntryStream extends Held {
  readonly grant: HeldGrant<'files'>;
  readonly #shared: SharedHandle;
  /** Read, and not asked for yet; the next one is the last element. */
  readonly #entries: FileEntry[] = [];
  #ended = false;
  #released = false;

  constructor(agent: HostAgent, handle: FileHandle, grant: HeldGrant<'files'>) {
    super(agent, ENTRY_STREAM_BYTES);
    this.#shared = new SharedHandle(handle, false);
    this.grant = grant;
  }

  get handle(): FileHandle {
    return this.#shared.handle;
  }

  get scope(): FilesScope {
    return this.grant.scope;
  }

  /** There is no further entry, and none to be asked for. */
  get ended(): boolean {
    return this.#ended && this.#entries.length === 0;
  }

  /** The next one that was read already; null: more must be read. */
  take(): FileEntry | null {
    return this.#entries.pop() ?? null;
  }

  /** What was read; nothing: the directory is through. */
  arrived(entries: readonly FileEntry[]): void {
    this.#ended = entries.length === 0;
    this.#entries.push(...entries.toReversed());
  }

  override release(agent: HostAgent): void {
    super.release(agent);
    if (!this.#released) {
      this.#released = true;
      this.#shared.release(agent);
    }
  }
}
