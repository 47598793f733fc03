/** What performs an agent's requests on files: the engine itself, or a broker in front of it. */

import type { FilesScope } from '../../../capability/grant.ts';
import type { Operation } from '../operation.ts';
import type { FileAnswer, FileHandle, FileOperationName, FileRequest } from './request.ts';

/** A mounted directory. */
export interface Preopen {
  readonly handle: FileHandle;
  readonly guest: string;
  readonly scope: FilesScope;
  /** WASI's descriptor flags of its root. */
  readonly flags: number;
  /** As `Opened.object`. */
  readonly object: number;
}

/** Performs the requests of one agent on its mounts. */
export interface FileHost {
  /** The mounts in the order of their granting. */
  readonly preopens: readonly Preopen[];
  /**
   * Answers at once, or later. Never throws, whatever the request is. One that is under way is not
   * ended by {@link close}: what it holds is given back when it is through.
   */
  perform<Name extends FileOperationName>(
    request: FileRequest<Name>,
  ): FileAnswer<Name> | Operation<FileAnswer<Name>>;
  /** Closes every descriptor; every later request fails. The roots stay with whoever opened them. */
  close(): void;
}

/** The agent's limit of disk. */
export interface DiskBudget {
  /** False, and nothing taken: it would pass the limit. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}
