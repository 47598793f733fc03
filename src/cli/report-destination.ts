/** Where the report goes: standard output, or a file that appears whole or not at all. */

import { randomBytes } from 'node:crypto';
import { constants, fstatSync, type Stats } from 'node:fs';
import { access, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Report, RingfenceError } from '../index.ts';
import type { Outlet } from './outlet.ts';
import { printableJson, quoted } from './printable.ts';

/** Somewhere that a report can be written to; it was found writable before the run. */
export interface ReportDestination {
  /** @throws {RingfenceError} `RF_INTERNAL` where it can't be written after all, as the disk is full. */
  write(report: Report): Promise<void>;
}

/** The report as it is written to files: indented, ending its line. */
function prettyJson(report: Report): string {
  return `${printableJson(report, 2)}\n`;
}

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}

function cannotWrite(path: string, why: string): RingfenceError {
  return new RingfenceError(
    'RF_FILE',
    `Cannot write the report to ${quoted(path)}: ${why}; name another file, or '-' for standard output.`,
    { path },
  );
}

function cannotFinish(path: string, error: unknown): RingfenceError {
  return new RingfenceError(
    'RF_INTERNAL',
    `Cannot write the report to ${quoted(path)} (${errorCode(error)}): make room and run it again.`,
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

  async write(report: Report): Promise<void> {
    const text = (this.#outlet.atLineStart ? '' : '\n') + prettyJson(report);
    await this.#outlet.write(Buffer.from(text)).catch(() => {});
  }
}

/** Something that is no regular file, such as a device or a pipe: it can't be replaced. */
class SpecialFileDestination implements ReportDestination {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async write(report: Report): Promise<void> {
    try {
      // Without O_NONBLOCK a pipe that nobody reads would hold the process for ever.
      const file = await open(this.#path, constants.O_WRONLY | constants.O_NONBLOCK);
      try {
        await file.writeFile(prettyJson(report));
      } finally {
        await file.close();
      }
    } catch (error) {
      throw cannotFinish(this.#path, error);
    }
  }
}

/** A regular file, there or not: written beside it, then put in its place. */
class FileDestination implements ReportDestination {
  readonly #path: string;
  readonly #mode: number;

  constructor(path: string, mode: number) {
    this.#path = path;
    this.#mode = mode;
  }

  async write(report: Report): Promise<void> {
    const unique = randomBytes(6).toString('hex');
    const name = basename(this.#path).slice(0, 100);
    const temporary = join(dirname(this.#path), `.${name}.${unique}.tmp`);
    try {
      const file = await open(temporary, 'wx', this.#mode);
      try {
        await file.writeFile(prettyJson(report));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw cannotFinish(this.#path, error);
    }
  }
}

/** What is at a path; null where nothing is. */
async function statusOf(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      return null;
    }
    throw cannotWrite(path, `it can't be looked at (${errorCode(error)})`);
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

async function requireWritable(path: string, shown: string, isDirectory: boolean): Promise<void> {
  const mode = isDirectory ? constants.W_OK | constants.X_OK : constants.W_OK;
  await access(path, mode).catch((error: unknown) => {
    const code = errorCode(error);
    throw cannotWrite(
      shown,
      code === 'ENOENT'
        ? 'its directory does not exist'
        : `its ${isDirectory ? 'directory' : 'file'} can't be written (${code})`,
    );
  });
}

/**
 * Checks that a report can be written to where `--report` says.
 *
 * @param path a file, or `-` for standard output
 * @throws {RingfenceError} `RF_FILE` where it can't be.
 */
export async function openReportDestination(
  path: string,
  outlets: { readonly stdout: Outlet; readonly stderr: Outlet },
): Promise<ReportDestination> {
  if (path === '-') {
    return new OutletDestination(outlets.stdout);
  }
  const status = await statusOf(path);
  if (status === null) {
    if (path.endsWith('/')) {
      throw cannotWrite(path, 'it names a directory');
    }
    await requireWritable(dirname(path), path, true);
    return new FileDestination(path, 0o666);
  }
  const outlet = [outlets.stdout, outlets.stderr].find((candidate) => isOutlet(status, candidate));
  if (outlet !== undefined) {
    return new OutletDestination(outlet);
  }
  if (status.isDirectory()) {
    throw cannotWrite(path, 'it is a directory');
  }
  await requireWritable(path, path, false);
  if (!status.isFile()) {
    return new SpecialFileDestination(path);
  }
  const real = await realpath(path);
  await requireWritable(dirname(real), path, true);
  return new FileDestination(real, status.mode & 0o777);
}
