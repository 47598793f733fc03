/**
 * The directories of an agent in a process of its own: they are open here, and each request is checked
 * and performed here, by the engine that a worker has.
 */

import type { HeldGrant } from '../../capability/held.ts';
import type { FileHost } from '../../wasm/host/files/host.ts';
import type { FileAnswer, FileHandle, FileRequest } from '../../wasm/host/files/request.ts';
import type { RemotePreopen } from '../../wasm/worker/child/messages.ts';
import { openAgentFiles } from '../../wasm/worker/files.ts';
import type { FileOwner } from '../../wasm/worker/parts.ts';
import type { Mount } from '../../wasm/worker/protocol.ts';
import { ChildProtocolError } from './from-child.ts';

/** Requests that are answered later (`sync`) and are under way at a time. */
const UNDER_WAY_MAX = 16;

const REVOKED: FileAnswer = { tag: 'err', val: 'access' };
const UNKNOWN: FileAnswer = { tag: 'err', val: 'bad-descriptor' };

/** The mounts of one agent, open here; what it may do in them is checked at each request. */
export class FileBroker {
  /** What its process must know of its mounts: no path of this machine. */
  readonly preopens: readonly RemotePreopen[];
  readonly #owner: FileOwner;
  readonly #files: FileHost;
  /** Under which grant each handle was opened. */
  readonly #grants = new Map<FileHandle, HeldGrant<'files'>>();
  #underWay = 0;
  #closed = false;

  constructor(owner: FileOwner, mounts: readonly Mount[]) {
    this.#owner = owner;
    this.#files = openAgentFiles(owner, mounts);
    this.preopens = this.#files.preopens.map(({ scope, ...preopen }) => {
      const grant = owner.grants.of.files.find((held) => held.scope === scope);
      if (grant === undefined) {
        throw new Error('a directory is mounted without a grant');
      }
      this.#grants.set(preopen.handle, grant);
      return { ...preopen, index: grant.index };
    });
  }

  /** Performs a request; `answered` is called once, at once or later. */
  perform(request: FileRequest, answered: (answer: FileAnswer) => void): void {
    const refusal = this.#refusal(request);
    if (refusal !== null) {
      answered(refusal);
      return;
    }
    const answer = this.#files.perform(request);
    if ('tag' in answer) {
      this.#note(request, answer);
      answered(answer);
      return;
    }
    if (this.#underWay >= UNDER_WAY_MAX) {
      throw new ChildProtocolError('more requests on files under way than an agent can have');
    }
    this.#underWay += 1;
    answer.onSettled(() => {
      this.#underWay -= 1;
      const { outcome } = answer;
      if (outcome?.tag === 'ok' && !this.#closed) {
        answered(outcome.val);
      }
    });
  }

  close(): void {
    this.#closed = true;
    this.#files.close();
  }

  /** Null: every directory or file that it names was opened under a grant that is in force. */
  #refusal(request: FileRequest): FileAnswer | null {
    this.#owner.grants.look();
    for (const handle of handlesOf(request)) {
      const grant = this.#grants.get(handle);
      if (grant === undefined) {
        return UNKNOWN;
      }
      // What was opened can always be closed.
      if (request.op !== 'close' && !this.#owner.grants.inForce(grant)) {
        return REVOKED;
      }
    }
    return null;
  }

  #note(request: FileRequest, answer: FileAnswer): void {
    if (answer.tag === 'err') {
      return;
    }
    if (request.op === 'close') {
      // The engine keeps the roots open, whoever closes them.
      if (!this.preopens.some(({ handle }) => handle === request.handle)) {
        this.#grants.delete(request.handle);
      }
      return;
    }
    if (request.op === 'open-at' || request.op === 'read-directory') {
      const grant = this.#grants.get(request.directory);
      const val = answer.val as FileHandle | { readonly handle: FileHandle };
      if (grant !== undefined) {
        this.#grants.set(typeof val === 'number' ? val : val.handle, grant);
      }
    }
  }
}

function handlesOf(request: FileRequest): FileHandle[] {
  const handles: FileHandle[] = [];
  for (const field of ['handle', 'file', 'directory', 'newDirectory', 'stream'] as const) {
    const handle = (request as Readonly<Record<string, unknown>>)[field];
    if (typeof handle === 'number') {
      handles.push(handle);
    }
  }
  return handles;
}
