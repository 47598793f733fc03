/** Where the report, or a profile, goes as JSON: standard output, or a file that appears whole or not at all. */

import { randomBytes } from 'node:crypto';
import { constants, fstatSync, type Stats } from 'node:fs';
import { access, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RingfenceError } from '../index.ts';
import type { Outlet } from './outlet.ts';
import { printableJson, quoted } from './printable.ts';

/** What is written: the words of errors. */
export type Written = 'report' | 'profile';

/** Somewhere that JSON can be written to; it was found writable before the run. */
export interface ReportDestination {
  /** @throws {RingfenceError} `RF_INTERNAL` where it can't be written after all, as the disk is full. */
  write(value: object): Promise<void>;
}

/** As it is written to files: indented, ending its line. */
function prettyJson(value: object): string {
  return `${printableJson(value, 2)}\n`;
}

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}

function cannotWrite(what: Written, path: string, why: string): RingfenceError {
  return new RingfenceError(
    'RF_FILE',
    `Cannot write the ${what} to ${quoted(path)}: ${why}; name another file, or '-' for standard output.`,
    { path },
  );
}

function cannotFinish(what: Written, path: string, error: unknown): RingfenceError {
  return new RingfenceError(
    'RF_INTERNAL',
    `Cannot write the ${what} to ${quoted(path)} (${errorCode(error)}): make room and run it again.`,
    { path },
    { cause: error },
  );
}

/** Prints the report behind the guest's output, on a line of its own. */
class OutletDestination implements ReportDestination {
  readonly #outlet: Outlet;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  async write(value: object): Promise<void> {
    const text = (this.#outlet.atLineStart ? '' : '\n') + prettyJson(value);
    await this.#outlet.write(Buffer.from(text)).catch(() => {});
  }
}

/** Something that is no regular file, such as a device or a pipe: it can't be replaced. */
class SpecialFileDestination implements ReportDestination {
  readonly #what: Written;
  readonly #path: string;

  constructor(what: Written, path: string) {
    this.#what = what;
    this.#path = path;
  }

  async write(value: object): Promise<void> {
    try {
      // Without O_NONBLOCK a pipe that nobody reads would hold the process for ever.
      const file = await open(this.#path, constants.O_WRONLY | constants.O_NONBLOCK);
      try {
        await file.writeFile(prettyJson(value));
      } finally {
        await file.close();
      }
    } catch (error) {
      throw cannotFinish(this.#what, this.#path, error);
    }
  }
}

/** A regular file, there or not: written beside it, then put in its place. */
class FileDestination implements ReportDestination {
  readonly #what: Written;
  readonly #path: string;
  readonly #mode: number;

  constructor(what: Written, path: string, mode: number) {
    this.#what = what;
    this.#path = path;
    this.#mode = mode;
  }

  async write(value: object): Promise<void> {
    const unique = randomBytes(6).toString('hex');
    const name = basename(this.#path).slice(0, 100);
    const temporary = join(dirname(this.#path), `.${name}.${unique}.tmp`);
    try {
      const file = await open(temporary, 'wx', this.#mode);
      try {
        await file.writeFile(prettyJson(value));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw cannotFinish(this.#what, this.#path, error);
    }
  }
}

/** What is at a path; null where nothing is. */
async function statusOf(what: Written, path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      return null;
    }
    throw cannotWrite(what, path, `it can't be looked at (${errorCode(error)})`);
  }
}

/** A file such as /dev/stdout, which must not be replaced under the guest's output. */
function isOutlet(status: Stats, outlet: Outlet): boolean {
  try {
    const own = fstatSync(outlet.descriptor);
    return own.dev === status.dev && own.ino === status.ino;
  } catch {
    return false;
  }
}

async function requireWritable(
  what: Written,
  path: string,
  shown: string,
  isDirectory: boolean,
): Promise<void> {
  const mode = isDirectory ? constants.W_OK | constants.X_OK : constants.W_OK;
  await access(path, mode).catch((error: unknown) => {
    const code = errorCode(error);
    throw cannotWrite(
      what,
      shown,
      code === 'ENOENT'
        ? 'its directory does not exist'
        : `its ${isDirectory ? 'directory' : 'file'} can't be written (${code})`,
    );
  });
}

/**
 * Checks that it can be written to where `--report` or `--profile` says.
 *
 * @param path a file, or `-` for standard output
 * @param what what will be written, for errors
 * @throws {RingfenceError} `RF_FILE` where it can't be.
 */
export async function openReportDestination(
  path: string,
  outlets: { readonly stdout: Outlet; readonly stderr: Outlet },
  what: Written = 'report',
): Promise<ReportDestination> {
  if (path === '-') {
    return new OutletDestination(outlets.stdout);
  }
  const status = await statusOf(what, path);
  if (status === null) {
    if (path.endsWith('/')) {
      throw cannotWrite(what, path, 'it names a directory');
    }
    await requireWritable(what, dirname(path), path, true);
    return new FileDestination(what, path, 0o666);
  }
  const outlet = [outlets.stdout, outlets.stderr].find((candidate) => isOutlet(status, candidate));
  if (outlet !== undefined) {
    return new OutletDestination(outlet);
  }
  if (status.isDirectory()) {
    throw cannotWrite(what, path, 'it is a directory');
  }
  await requireWritable(what, path, path, false);
  if (!status.isFile()) {
    return new SpecialFileDestination(what, path);
  }
  const real = await realpath(path);
  await requireWritable(what, dirname(real), path, true);
  return new FileDestination(what, real, status.mode & 0o777);
}
