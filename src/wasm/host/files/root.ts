/** Opening a directory of the host that is to be mounted. */

import { closeSync, constants, existsSync, fstatSync, openSync, readlinkSync } from 'node:fs';
import { RingfenceError } from '../../../errors.ts';
import { isPseudoSystem } from './linux/pseudo-systems.ts';
import { self } from './linux/system.ts';

/** Whether directories of the host can be mounted here: only Linux can name what a descriptor holds. */
export const hostMountsSupported: boolean =
  process.platform === 'linux' && existsSync('/proc/self/fd');

/** A directory of the host, open. */
export interface OpenedRoot {
  readonly fd: number;
  /** Where it is, without symbolic links: what scopes are compared by. */
  readonly canonicalPath: string;
  close(): void;
}

function refuse(hostPath: string, why: string): never {
  throw new RingfenceError(
    'RF_FILE',
    `Cannot mount the directory ${JSON.stringify(hostPath)}: ${why}.`,
    {
      path: hostPath,
    },
  );
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is no directory',
  EACCES: 'it can not be read',
  EPERM: 'it can not be read',
  ELOOP: 'it has too many symbolic links',
  ENAMETOOLONG: 'its path is too long',
  EMFILE: 'too many files are open: raise the limit (ulimit -n) or run fewer agents',
  ENFILE: 'the system has too many files open',
};

/**
 * Opens a directory of the host. The path is used once: what is checked and used afterwards is what
 * was opened, whatever happens to the path.
 *
 * @throws {RingfenceError} `RF_FILE`: it isn't there, is no directory, can't be read, or is a view of
 * the system such as `/proc`.
 */
export function openRoot(hostPath: string): OpenedRoot {
  if (!hostMountsSupported) {
    return refuse(
      hostPath,
      'directories of the host can be mounted on Linux with /proc only; mount one in memory',
    );
  }
  if (hostPath.includes('\0')) {
    return refuse(hostPath, 'its path has a NUL character in it');
  }
  let fd: number;
  try {
    fd = openSync(hostPath, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK);
  } catch (error) {
    const code = String((error as { code?: unknown }).code);
    return refuse(hostPath, WHY[code] ?? `the system refuses it (${code})`);
  }
  try {
    if (fstatSync(fd).nlink === 0) {
      refuse(hostPath, 'it was removed');
    }
    if (isPseudoSystem(self(fd))) {
      refuse(hostPath, 'it is a view of the system, no place for files');
    }
    let open = true;
    return {
      fd,
      canonicalPath: readlinkSync(self(fd)),
      close() {
        // A second time its number may mean something else.
        if (open) {
          open = false;
          closeSync(fd);
        }
      },
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
