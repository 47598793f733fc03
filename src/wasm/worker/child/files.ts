/**
 * The directories of an agent in a process of its own: the kernel keeps them, and performs one request
 * after another.
 */

import type { FilesScope } from '../../../capability/grant.ts';
import type { Operation } from '../../host/agent.ts';
import type { FileHost, Preopen } from '../../host/files/host.ts';
import type { FileAnswer, FileOperationName, FileRequest } from '../../host/files/request.ts';
import { PendingOperation } from '../mail.ts';
import type { FileOwner } from '../parts.ts';
import type { RemotePreopen } from './messages.ts';

/** Hands a request to the kernel; false: it is larger than what is taken. */
type Ask = (id: number, request: FileRequest) => boolean;

/** The mounts of the one agent of this process: each operation is a request to the kernel. */
export class RemoteFiles implements FileHost {
  readonly preopens: readonly Preopen[];
  readonly #ask: Ask;
  readonly #underWay = new Map<number, PendingOperation<FileAnswer>>();
  #nextId = 1;
  #closed = false;

  constructor(owner: FileOwner, preopens: readonly RemotePreopen[], ask: Ask) {
    this.#ask = ask;
    this.preopens = preopens.map(({ index, ...preopen }) => ({
      ...preopen,
      scope: scopeOf(owner, index),
    }));
  }

  perform<Name extends FileOperationName>(
    request: FileRequest<Name>,
  ): FileAnswer<Name> | Operation<FileAnswer<Name>> {
    if (this.#closed) {
      return { tag: 'err', val: 'bad-descriptor' };
    }
    const id = this.#nextId;
    this.#nextId += 1;
    const operation = new PendingOperation<FileAnswer>(() => this.#underWay.delete(id));
    this.#underWay.set(id, operation);
    if (!this.#ask(id, request as unknown as FileRequest)) {
      this.#underWay.delete(id);
      return { tag: 'err', val: 'name-too-long' };
    }
    return operation as Operation<FileAnswer<Name>>;
  }

  answered(id: number, answer: FileAnswer): void {
    const operation = this.#underWay.get(id);
    this.#underWay.delete(id);
    operation?.settle({ tag: 'ok', val: answer });
  }

  /** What the kernel keeps it closes when the agent has ended. */
  close(): void {
    this.#closed = true;
    this.#underWay.clear();
  }
}

/** The scope of the very grant that the gate looks at. */
function scopeOf(owner: FileOwner, index: number): FilesScope {
  const grant = owner.grants.of.files.find((held) => held.index === index);
  if (grant === undefined) {
    throw new Error(`the mount of grant ${index} came without its grant`);
  }
  return grant.scope;
}
