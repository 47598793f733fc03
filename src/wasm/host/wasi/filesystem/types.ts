/**
 * wasi:filesystem/types: files and directories below the agent's mounts.
 *
 * Each function needs the grant of the very mount that its descriptor is of, and the modes that its
 * work needs; the file host checks those again, for itself.
 */

import type { FileModes, FilesScope } from '../../../../capability/grant.ts';
import { err, ok, type Result, WAIT } from '../../abi/binding.ts';
import type { HostAgent } from '../../agent.ts';
import { WRITE_BYTES_MAX } from '../../files/caps.ts';
import type { ErrorCode } from '../../files/request.ts';
import {
  DESCRIPTOR_FLAGS,
  type DirectoryEntry,
  type Functions,
  PATH_FLAGS,
} from '../../generated/wasi-filesystem-types.ts';
import { type Interface, implement, releaseHeld } from '../../implement.ts';
import { InputStream } from '../io/input-stream.ts';
import { OutputStream } from '../io/output-stream.ts';
import { abandon, ask, askFor } from './ask.ts';
import { type Descriptor, EntryStream } from './descriptor.ts';
import {
  changes,
  counted,
  creates,
  denied,
  deniedBoth,
  openNeeds,
  permitsBoth,
  reads,
  writes,
} from './permits.ts';
import { FileSink, FileSource } from './streams.ts';
import { descriptorStat, metadataHash, newTime } from './values.ts';

function follows(pathFlags: number): boolean {
  return (pathFlags & PATH_FLAGS.symlinkFollow) !== 0;
}

type Method<Name extends string> = Functions[`[method]descriptor.${Name}` & keyof Functions];

// biome-ignore lint/suspicious/noExplicitAny: any parameters after the descriptor fit here.
type OnDescriptor = (self: Descriptor, ...args: any[]) => unknown;

interface Declared<Work extends OnDescriptor> {
  /** The modes that it needs. */
  readonly needs: (modes: FileModes) => boolean;
  /** Whether its answer may come later, even where the file host is not brokered. */
  readonly waits?: boolean;
  readonly run: (agent: HostAgent, ...args: Parameters<Work>) => ReturnType<Work> | typeof WAIT;
}

/** The interface; `brokered`: the file host answers later, and not only to `sync`. */
export function filesystemTypes(brokered: boolean): Interface {
  /** A function of a descriptor: needs the grant of its mount, and modes of it. */
  const on = <Work extends OnDescriptor>({ needs, waits, run }: Declared<Work>) => ({
    permits: (scope: FilesScope, _agent: HostAgent, self: Descriptor) =>
      scope === self.scope && needs(scope.modes),
    denied,
    cancel: abandon,
    blocking: waits ?? brokered,
    run,
  });

  return implement<Functions>('wasi:filesystem/types', 'files', {
    '[method]descriptor.read-via-stream': on<Method<'read-via-stream'>>({
      needs: reads,
      waits: false,
      run: (agent, self, offset) =>
        (self.flags & DESCRIPTOR_FLAGS.read) === 0 || self.type === 'directory'
          ? err(self.type === 'directory' ? 'is-directory' : 'bad-descriptor')
          : ok(new InputStream(agent, new FileSource(agent, self, Number(offset), brokered))),
    }),
    '[method]descriptor.write-via-stream': on<Method<'write-via-stream'>>({
      needs: changes,
      waits: false,
      run: (agent, self, offset) => writeStream(agent, self, Number(offset)),
    }),
    '[method]descriptor.append-via-stream': on<Method<'append-via-stream'>>({
      needs: changes,
      waits: false,
      run: (agent, self) => writeStream(agent, self, null),
    }),
    '[method]descriptor.advise': on<Method<'advise'>>({
      needs: reads,
      run: (agent, { handle }, offset, length) =>
        ask(agent, { op: 'advise', file: handle, offset: Number(offset), length: Number(length) }),
    }),
    '[method]descriptor.sync-data': on<Method<'sync-data'>>({
      needs: reads,
      waits: true,
      run: (agent, { handle }) => ask(agent, { op: 'sync', handle, dataOnly: true }),
    }),
    '[method]descriptor.sync': on<Method<'sync'>>({
      needs: reads,
      waits: true,
      run: (agent, { handle }) => ask(agent, { op: 'sync', handle, dataOnly: false }),
    }),
    '[method]descriptor.get-flags': on<Method<'get-flags'>>({
      needs: reads,
      waits: false,
      run: (_agent, { flags }) => ok(flags),
    }),
    '[method]descriptor.get-type': on<Method<'get-type'>>({
      needs: reads,
      waits: false,
      run: (_agent, { type }) => ok(type),
    }),
    '[method]descriptor.set-size': on<Method<'set-size'>>({
      needs: changes,
      run: (agent, { handle }, size) =>
        ask(agent, { op: 'set-size', file: handle, size: Number(size) }),
    }),
    '[method]descriptor.set-times': on<Method<'set-times'>>({
      needs: changes,
      run: (agent, self, accessed, modified) =>
        counted(
          agent,
          self,
          'filesystem.descriptor.set-times',
          ask(agent, {
            op: 'set-times',
            handle: self.handle,
            accessed: newTime(accessed),
            modified: newTime(modified),
          }),
        ),
    }),
    '[method]descriptor.read': on<Method<'read'>>({
      needs: reads,
      run: (agent, { handle }, length, offset) =>
        askFor(
          agent,
          { op: 'read', file: handle, length: Number(length), offset: Number(offset) },
          ({ bytes, end }) => [bytes, end] as const,
        ),
    }),
    '[method]descriptor.write': on<Method<'write'>>({
      needs: changes,
      run: (agent, { handle }, buffer, offset) => {
        const bytes = buffer.subarray(0, WRITE_BYTES_MAX);
        return askFor(agent, { op: 'write', file: handle, bytes, offset: Number(offset) }, BigInt);
      },
    }),
    '[method]descriptor.read-directory': on<Method<'read-directory'>>({
      needs: reads,
      run: (agent, self) =>
        askFor(
          agent,
          { op: 'read-directory', directory: self.handle },
          (stream) => new EntryStream(agent, stream, self.grant),
        ),
    }),
    '[method]descriptor.create-directory-at': on<Method<'create-directory-at'>>({
      needs: creates,
      run: (agent, { handle }, path) =>
        ask(agent, { op: 'create-directory-at', directory: handle, path }),
    }),
    '[method]descriptor.stat': on<Method<'stat'>>({
      needs: reads,
      run: (agent, { handle }) =>
        askFor(agent, { op: 'stat', handle }, (stat) => descriptorStat(agent, stat)),
    }),
    '[method]descriptor.stat-at': on<Method<'stat-at'>>({
      needs: reads,
      run: (agent, { handle }, pathFlags, path) =>
        askFor(
          agent,
          { op: 'stat-at', directory: handle, path, follow: follows(pathFlags) },
          (stat) => descriptorStat(agent, stat),
        ),
    }),
    '[method]descriptor.set-times-at': on<Method<'set-times-at'>>({
      needs: writes,
      run: (agent, { handle }, pathFlags, path, accessed, modified) =>
        ask(agent, {
          op: 'set-times-at',
          directory: handle,
          path,
          follow: follows(pathFlags),
          accessed: newTime(accessed),
          modified: newTime(modified),
        }),
    }),
    '[method]descriptor.link-at': {
      ...on<Method<'link-at'>>({
        needs: creates,
        run: (agent, self, pathFlags, path, other, newPath) =>
          ask(agent, {
            op: 'link-at',
            directory: self.handle,
            path,
            follow: follows(pathFlags),
            newDirectory: other.handle,
            newPath,
          }),
      }),
      permits: (scope: FilesScope, agent, self, _pathFlags, _path, other) =>
        permitsBoth(scope, agent, self, other),
      denied: (_message, agent, self, _pathFlags, _path, other) => deniedBoth(agent, self, other),
    },
    '[method]descriptor.open-at': {
      ...on<Method<'open-at'>>({
        needs: reads,
        run: (agent, self, pathFlags, path, openFlags, flags) =>
          counted(
            agent,
            self,
            'filesystem.descriptor.open-at',
            askFor(
              agent,
              {
                op: 'open-at',
                directory: self.handle,
                path,
                follow: follows(pathFlags),
                openFlags,
                flags,
              },
              (opened) => self.opened(agent, opened),
            ),
          ),
      }),
      permits: (scope: FilesScope, _agent, self, _pathFlags, _path, openFlags, flags) =>
        scope === self.scope && openNeeds(scope.modes, openFlags, flags),
    },
    '[method]descriptor.readlink-at': on<Method<'readlink-at'>>({
      needs: reads,
      run: (agent, { handle }, path) => ask(agent, { op: 'readlink-at', directory: handle, path }),
    }),
    '[method]descriptor.remove-directory-at': on<Method<'remove-directory-at'>>({
      needs: creates,
      run: (agent, { handle }, path) =>
        ask(agent, { op: 'remove-directory-at', directory: handle, path }),
    }),
    '[method]descriptor.rename-at': {
      ...on<Method<'rename-at'>>({
        needs: creates,
        run: (agent, self, path, other, newPath) =>
          ask(agent, {
            op: 'rename-at',
            directory: self.handle,
            path,
            newDirectory: other.handle,
            newPath,
          }),
      }),
      permits: (scope: FilesScope, agent, self, _path, other) =>
        permitsBoth(scope, agent, self, other),
      denied: (_message, agent, self, _path, other) => deniedBoth(agent, self, other),
    },
    '[method]descriptor.symlink-at': on<Method<'symlink-at'>>({
      needs: creates,
      run: (agent, { handle }, target, path) =>
        ask(agent, { op: 'symlink-at', directory: handle, target, path }),
    }),
    '[method]descriptor.unlink-file-at': on<Method<'unlink-file-at'>>({
      needs: creates,
      run: (agent, { handle }, path) =>
        ask(agent, { op: 'unlink-file-at', directory: handle, path }),
    }),
    // Flat: it can't wait, so what was learned at the opening answers it.
    '[method]descriptor.is-same-object': {
      permits: (scope: FilesScope, _agent, self) => scope === self.scope,
      denied: () => false,
      run: (_agent, self, other) => self.object === other.object,
    },
    '[method]descriptor.metadata-hash': on<Method<'metadata-hash'>>({
      needs: reads,
      run: (agent, { handle }) => askFor(agent, { op: 'identity', handle }, metadataHash),
    }),
    '[method]descriptor.metadata-hash-at': on<Method<'metadata-hash-at'>>({
      needs: reads,
      run: (agent, { handle }, pathFlags, path) =>
        askFor(
          agent,
          { op: 'identity-at', directory: handle, path, follow: follows(pathFlags) },
          metadataHash,
        ),
    }),
    '[method]directory-entry-stream.read-directory-entry': {
      permits: (scope: FilesScope, _agent, self) => scope === self.scope,
      denied,
      cancel: abandon,
      blocking: brokered,
      run: nextEntry,
    },
    'filesystem-error-code': { capability: null, run: (_agent, error) => error.fileError },
    '[resource-drop]descriptor': { capability: null, run: releaseHeld },
    '[resource-drop]directory-entry-stream': { capability: null, run: releaseHeld },
  });
}

function writeStream(
  agent: HostAgent,
  self: Descriptor,
  offset: number | null,
): Result<OutputStream, ErrorCode> {
  if ((self.flags & DESCRIPTOR_FLAGS.write) === 0) {
    return err('bad-descriptor');
  }
  return ok(new OutputStream(agent, new FileSink(agent, self, offset)));
}

function nextEntry(
  agent: HostAgent,
  self: EntryStream,
): Result<DirectoryEntry | undefined, ErrorCode> | typeof WAIT {
  let entry = self.take();
  if (entry === null && !self.ended) {
    const answer = ask(agent, { op: 'next-entries', stream: self.handle });
    if (answer === WAIT || answer.tag === 'err') {
      return answer;
    }
    self.arrived(answer.val);
    entry = self.take();
  }
  if (entry === null) {
    return ok(undefined);
  }
  const { type, name } = entry;
  return name === null ? err('illegal-byte-sequence') : ok({ type, name });
}
