/**
 * The engine: performs an agent's requests on its mounts, each checked here, whoever sends it.
 *
 * It knows no agent and no gate, so it runs beside the guest in a worker, and behind a broker where
 * the agent has a process of its own. Everything but `sync` is answered at once: only what the page
 * cache has, or a local disk gives soon, is ever asked for.
 */

import { randomBytes } from 'node:crypto';
import type { FilesScope } from '../../../capability/grant.ts';
import { DESCRIPTOR_FLAGS } from '../generated/wasi-filesystem-types.ts';
import type { Operation } from '../operation.ts';
import { Account } from './account.ts';
import { type DescriptorBudget, Descriptors, type Mount } from './descriptors.ts';
import { codeOf, fail } from './failure.ts';
import type { DiskBudget, FileHost, Preopen } from './host.ts';
import { Later } from './later.ts';
import { LinuxDirectory } from './linux/directory.ts';
import { memoryRoot } from './memory/directory.ts';
import * as data from './operations/data.ts';
import * as metadata from './operations/metadata.ts';
import * as names from './operations/names.ts';
import { openAt } from './operations/open.ts';
import type { FileAnswer, FileOperationName, FileRequest } from './request.ts';
import { SyncQueue } from './sync-queue.ts';
import type { Directory } from './tree.ts';

/** Calls of `sync` that one agent may have under way; a guest waits for each. */
const SYNCS_MAX = 1;

/** What to mount, and the open directory of this process where it is one of the host. */
export interface MountSource {
  readonly scope: FilesScope;
  readonly root: number | null;
}

class FileEngine implements FileHost {
  readonly preopens: readonly Preopen[];
  readonly #descriptors: Descriptors;
  readonly #secret = randomBytes(16).toString('hex');
  readonly #queue: SyncQueue;
  #syncs = 0;

  constructor(
    mounts: readonly MountSource[],
    budget: DiskBudget,
    queue: SyncQueue,
    descriptors: DescriptorBudget,
  ) {
    this.#descriptors = new Descriptors(descriptors);
    this.#queue = queue;
    this.preopens = mounts.map(({ scope, root }) => this.#mount(scope, root, budget));
  }

  perform<Name extends FileOperationName>(
    request: FileRequest<Name>,
  ): FileAnswer<Name> | Operation<FileAnswer<Name>> {
    try {
      const any = request as unknown as FileRequest;
      if (any.op === 'sync') {
        return this.#sync(any) as FileAnswer<Name> | Operation<FileAnswer<Name>>;
      }
      return { tag: 'ok', val: this.#answer(any) } as FileAnswer<Name>;
    } catch (error) {
      return { tag: 'err', val: codeOf(error) };
    }
  }

  close(): void {
    this.#descriptors.closeAll();
  }

  #mount(scope: FilesScope, root: number | null, budget: DiskBudget): Preopen {
    const { modes } = scope;
    const directory = this.#rootOf(scope, root);
    const mount: Mount = { modes, account: new Account(scope.quota, budget) };
    const object = this.#descriptors.object(directory.brief());
    const handle = this.#descriptors.addRoot({ kind: 'directory', mount, directory, object });
    const mutable = modes.write || modes.create;
    const flags = DESCRIPTOR_FLAGS.read | (mutable ? DESCRIPTOR_FLAGS.mutateDirectory : 0);
    return { handle, guest: scope.guest, scope, flags, object: object.number };
  }

  #rootOf(scope: FilesScope, root: number | null): Directory {
    if (scope.source.kind === 'memory') {
      return memoryRoot(`memory ${scope.guest}`);
    }
    if (root === null) {
      throw new TypeError('a directory of the host is to be mounted, and none was opened');
    }
    return LinuxDirectory.root(root);
  }

  #answer(request: FileRequest): unknown {
    const open = this.#descriptors;
    switch (request.op) {
      case 'open-at':
        return openAt(open, request);
      case 'close':
        return open.close(request.handle);
      case 'read':
        return data.read(open, request);
      case 'write':
        return data.write(open, request);
      case 'append':
        return data.append(open, request);
      case 'set-size':
        return data.setSize(open, request);
      case 'advise':
        return data.advise(open, request);
      case 'stat':
        return metadata.stat(open, request);
      case 'stat-at':
        return metadata.statAt(open, request);
      case 'set-times':
        return metadata.setTimes(open, request);
      case 'set-times-at':
        return metadata.setTimesAt(open, request);
      case 'read-directory':
        return metadata.readDirectory(open, request);
      case 'next-entries':
        return metadata.nextEntries(open, request);
      case 'identity':
        return metadata.identity(open, request, this.#secret);
      case 'identity-at':
        return metadata.identityAt(open, request, this.#secret);
      case 'create-directory-at':
        return names.createDirectoryAt(open, request);
      case 'remove-directory-at':
        return names.removeDirectoryAt(open, request);
      case 'unlink-file-at':
        return names.unlinkFileAt(open, request);
      case 'rename-at':
        return names.renameAt(open, request);
      case 'link-at':
        return names.linkAt(open, request);
      case 'symlink-at':
        return names.symlinkAt(open, request);
      case 'readlink-at':
        return names.readlinkAt(open, request);
      default:
        return fail('unsupported');
    }
  }

  #sync(request: FileRequest<'sync'>): FileAnswer<'sync'> | Operation<FileAnswer<'sync'>> {
    const thing = this.#descriptors.thing(request.handle);
    if (thing.kind === 'stream') {
      return fail('bad-descriptor');
    }
    if (thing.kind === 'file' ? !thing.write : !thing.mount.modes.create) {
      return { tag: 'ok', val: undefined };
    }
    if (this.#syncs >= SYNCS_MAX) {
      return fail('would-block');
    }
    const later = new Later<'sync'>();
    const done = (error: unknown): void => {
      this.#syncs -= 1;
      later.settle(
        error === null || error === undefined
          ? { tag: 'ok', val: undefined }
          : { tag: 'err', val: codeOf(error) },
      );
    };
    if (thing.kind === 'file') {
      thing.file.sync(request.dataOnly === true, this.#queue, done);
    } else {
      thing.directory.sync(this.#queue, done);
    }
    this.#syncs += 1;
    return later;
  }
}

/** For all agents without mounts: nothing to open, nothing to close. */
const NO_FILES: FileHost = {
  preopens: [],
  perform: () => ({ tag: 'err', val: 'bad-descriptor' }),
  close: () => {},
};

/**
 * Opens the mounts of an agent. Roots of the host stay with whoever opened them: they are not closed
 * here, and must stay open until after `close`. Agents that share a queue wait for each other's `sync`.
 */
export function openFiles(
  mounts: readonly MountSource[],
  budget: DiskBudget,
  queue: SyncQueue = new SyncQueue(),
  descriptors: DescriptorBudget = { hasRoom: () => true, count: () => {} },
): FileHost {
  return mounts.length === 0 ? NO_FILES : new FileEngine(mounts, budget, queue, descriptors);
}
