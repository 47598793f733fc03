/**
 * The directories of an agent, for tools of the catalogue: by the engine that its own file functions have, under
 * the grants that it holds at the moment of the call. Each call opens them anew and keeps nothing, so nothing
 * outlives a grant or the agent. Directories in memory are where the agent runs, and are not reached from here.
 */

import { isWithin } from '../capability/algebra.ts';
import type { FilesScope, Grant } from '../capability/grant.ts';
import type { ControlBlock } from '../resource/control-blocks.ts';
import type { Process } from '../supervisor/process.ts';
import type { AgentFiles, ReachedEntry, ReachedStat, WriteMode } from '../tools/catalogue/reach.ts';
import { ToolError, type ToolErrorKind } from '../tools/outcome.ts';
import { openFiles } from '../wasm/host/files/engine.ts';
import type { FileHost } from '../wasm/host/files/host.ts';
import type {
  ErrorCode,
  FileHandle,
  FileOperationName,
  FileOperations,
  FileRequest,
} from '../wasm/host/files/request.ts';
import { DESCRIPTOR_FLAGS, OPEN_FLAGS } from '../wasm/host/generated/wasi-filesystem-types.ts';

const KINDS: Readonly<Partial<Record<ErrorCode, ToolErrorKind>>> = {
  access: 'denied',
  'not-permitted': 'denied',
  'read-only': 'denied',
  'no-entry': 'not-found',
  quota: 'limit-exceeded',
  'insufficient-space': 'limit-exceeded',
  'file-too-large': 'limit-exceeded',
};

const failure = (code: ErrorCode): ToolError =>
  new ToolError(KINDS[code] ?? 'invalid', `the file system says ${code}`);

interface Mounted {
  readonly scope: FilesScope;
  readonly root: number;
}

/** A path within a mount. */
interface Place {
  readonly mount: Mounted;
  /** Relative to it; `.` is the mount itself. */
  readonly path: string;
}

function mountsOf(process: Process, grants: readonly Grant[]): Mounted[] {
  return grants.flatMap((grant) => {
    const root =
      grant.kind === 'files' ? (process.request.roots.get(grant.scope.guest)?.fd ?? null) : null;
    return grant.kind === 'files' && root !== null ? [{ scope: grant.scope, root }] : [];
  });
}

/** The innermost mount that a path of the guest is in. Segments of it are the engine's to judge. */
function placeOf(mounts: readonly Mounted[], path: string): Place {
  const [mount] = mounts
    .filter(({ scope }) => path === scope.guest || path.startsWith(prefixOf(scope.guest)))
    .sort((one, other) => other.scope.guest.length - one.scope.guest.length);
  if (mount === undefined) {
    throw new ToolError('denied', 'the path is in no directory that is mounted for the agent');
  }
  return { mount, path: path.slice(prefixOf(mount.scope.guest).length) || '.' };
}

const prefixOf = (guest: string): string => (guest === '/' ? '/' : `${guest}/`);

/** Whether one of the agent's own directories has a file of the host in it that it may change. */
export function canChange(grants: readonly Grant[], path: string): boolean {
  return grants.some(
    (grant) =>
      grant.kind === 'files' &&
      grant.scope.source.kind === 'host' &&
      (grant.scope.modes.write || grant.scope.modes.create) &&
      isWithin(grant.scope.source.path, path),
  );
}

/** One mount, open for one call. */
class Session {
  readonly #host: FileHost;
  readonly root: FileHandle;

  constructor(mount: Mounted, block: ControlBlock, diskBytes: number) {
    this.#host = openFiles([mount], {
      take: (bytes) => block.takeToolDisk(bytes, diskBytes),
      give: (bytes) => block.giveToolDisk(bytes),
    });
    this.root = this.#host.preopens[0]?.handle ?? 0;
  }

  do<Name extends FileOperationName>(request: FileRequest<Name>): FileOperations[Name]['answer'] {
    const answer = this.#host.perform(request);
    if (!('tag' in answer)) {
      throw failure('unsupported');
    }
    if (answer.tag === 'err') {
      throw failure(answer.val);
    }
    return answer.val;
  }

  open(path: string, openFlags: number, flags: number): FileHandle {
    const request = { op: 'open-at', directory: this.root, path, follow: true } as const;
    return this.do<'open-at'>({ ...request, openFlags, flags }).handle;
  }

  close(): void {
    this.#host.close();
  }
}

const toMs = (time: { seconds: number; nanoseconds: number } | null): number | null =>
  time === null ? null : time.seconds * 1_000 + Math.floor(time.nanoseconds / 1e6);

/** What an agent can do with files by tools. */
export class FilesOfAgent implements AgentFiles {
  readonly #process: Process;
  readonly #mounts: readonly Mounted[];

  /** `grants` are those in force. */
  constructor(process: Process, grants: readonly Grant[]) {
    this.#process = process;
    this.#mounts = mountsOf(process, grants);
  }

  read(path: string, offset: number, length: number): { bytes: Uint8Array; end: boolean } {
    return this.#in(path, (session, inner) => {
      const file = session.open(inner, 0, DESCRIPTOR_FLAGS.read);
      const { bytes, end } = session.do<'read'>({ op: 'read', file, length, offset });
      // They are the engine's until its next request.
      return { bytes: bytes.slice(), end: end || bytes.length < length };
    });
  }

  write(path: string, bytes: Uint8Array, mode: WriteMode): number {
    return this.#in(path, (session, inner, { scope }) => {
      if (scope.quota.bytes !== 0 || scope.quota.files !== 0) {
        // What it has used of it the engine in the agent's own thread counts.
        throw new ToolError('denied', 'the directory has a quota of its own: write it yourself');
      }
      const { create, exclusive, truncate } = OPEN_FLAGS;
      const how = { create: create | exclusive, replace: create | truncate, append: create }[mode];
      const file = session.open(inner, how, DESCRIPTOR_FLAGS.write);
      let written = 0;
      while (written < bytes.length) {
        const rest = bytes.subarray(written);
        written +=
          mode === 'append'
            ? session.do<'append'>({ op: 'append', file, bytes: rest })
            : session.do<'write'>({ op: 'write', file, bytes: rest, offset: written });
      }
      return written;
    });
  }

  list(path: string, most: number): { entries: ReachedEntry[]; more: boolean } {
    return this.#in(path, (session, inner) => {
      const directory = session.open(inner, OPEN_FLAGS.directory, DESCRIPTOR_FLAGS.read);
      const stream = session.do<'read-directory'>({ op: 'read-directory', directory });
      const entries: ReachedEntry[] = [];
      for (;;) {
        const next = session.do<'next-entries'>({ op: 'next-entries', stream });
        for (const { name, type } of next) {
          if (name !== null) {
            entries.push({ name, type });
          }
        }
        if (next.length === 0 || entries.length > most) {
          return { entries: entries.slice(0, most), more: entries.length > most };
        }
      }
    });
  }

  stat(path: string): ReachedStat {
    return this.#in(path, (session, inner) => {
      const request = {
        op: 'stat-at',
        directory: session.root,
        path: inner,
        follow: true,
      } as const;
      const { type, size, modified } = session.do<'stat-at'>(request);
      return { type, size, modifiedMs: toMs(modified) };
    });
  }

  remove(path: string, what: 'file' | 'directory'): void {
    this.#in(path, (session, inner) => {
      const op = what === 'file' ? 'unlink-file-at' : 'remove-directory-at';
      session.do<typeof op>({ op, directory: session.root, path: inner } as FileRequest<typeof op>);
    });
  }

  makeDirectory(path: string): void {
    this.#in(path, (session, inner) => {
      session.do<'create-directory-at'>({
        op: 'create-directory-at',
        directory: session.root,
        path: inner,
      });
    });
  }

  #in<Value>(
    path: string,
    work: (session: Session, inner: string, mount: Mounted) => Value,
  ): Value {
    const { mount, path: inner } = placeOf(this.#mounts, path);
    const { block, request } = this.#process;
    if (block === null) {
      throw new ToolError('unavailable', 'the agent has ended');
    }
    const session = new Session(mount, block, request.limits.diskBytes);
    try {
      return work(session, inner, mount);
    } finally {
      session.close();
    }
  }
}
