/** wasi:filesystem: offered with no directory in it; so no descriptor ever exists. */

import type { Functions as PreopensFunctions } from '../generated/wasi-filesystem-preopens.ts';
import type { Functions as FilesystemTypesFunctions } from '../generated/wasi-filesystem-types.ts';
import { implement, notOffered } from '../implement.ts';

const NO_DESCRIPTOR = 'no directory is mounted, so there is no descriptor';

export const preopens = implement<PreopensFunctions>('wasi:filesystem/preopens', null, {
  'get-directories': () => [],
});

export const filesystemTypes = implement<FilesystemTypesFunctions>('wasi:filesystem/types', null, {
  // No stream here is of a file, so no error of a stream is the file system's.
  'filesystem-error-code': () => undefined,
  ...notOffered(NO_DESCRIPTOR, [
    '[method]descriptor.read-via-stream',
    '[method]descriptor.write-via-stream',
    '[method]descriptor.append-via-stream',
    '[method]descriptor.advise',
    '[method]descriptor.sync-data',
    '[method]descriptor.get-flags',
    '[method]descriptor.get-type',
    '[method]descriptor.set-size',
    '[method]descriptor.set-times',
    '[method]descriptor.read',
    '[method]descriptor.write',
    '[method]descriptor.read-directory',
    '[method]descriptor.sync',
    '[method]descriptor.create-directory-at',
    '[method]descriptor.stat',
    '[method]descriptor.stat-at',
    '[method]descriptor.set-times-at',
    '[method]descriptor.link-at',
    '[method]descriptor.open-at',
    '[method]descriptor.readlink-at',
    '[method]descriptor.remove-directory-at',
    '[method]descriptor.rename-at',
    '[method]descriptor.symlink-at',
    '[method]descriptor.unlink-file-at',
    '[method]descriptor.is-same-object',
    '[method]descriptor.metadata-hash',
    '[method]descriptor.metadata-hash-at',
    '[method]directory-entry-stream.read-directory-entry',
    '[resource-drop]descriptor',
    '[resource-drop]directory-entry-stream',
  ]),
});
