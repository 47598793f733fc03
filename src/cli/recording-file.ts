/** The file of a recording: its owner's alone, and there whole or not at all. */

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Recording, RingfenceError, readRecording } from '../index.ts';
import { quoted } from './printable.ts';

/** What an agent has read stands in it. */
const MODE = 0o600;

/** The longest file that is read: the longest that is written, and something for what can't be compressed. */
const FILE_BYTES_MAX = 257 * 1024 * 1024;

function fileError(what: string, path: string, error: unknown): RingfenceError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return new RingfenceError(
    'RF_FILE',
    `Cannot ${what} the recording ${quoted(path)} (${code}): check its name and its rights.`,
    { path },
    { cause: error },
  );
}

/** A file that a recording will be written to. */
export class RecordingFile {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;

  private constructor(path: string, temporary: string, file: FileHandle) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
  }

  /**
   * Opens it before there is anything to write: whether it can be written is known before the run.
   *
   * @throws {RingfenceError} `RF_FILE`
   */
  static async open(path: string): Promise<RecordingFile> {
    const there = await stat(path).catch(() => null);
    if (there !== null && !there.isFile()) {
      throw new RingfenceError(
        'RF_FILE',
        `Cannot write the recording ${quoted(path)}: it is there and no file; name another.`,
        { path },
      );
    }
    const name = basename(path).slice(0, 100);
    const unique = randomBytes(6).toString('hex');
    const temporary = join(dirname(path), `.${name}.${unique}.tmp`);
    try {
      return new RecordingFile(path, temporary, await open(temporary, 'wx', MODE));
    } catch (error) {
      throw fileError('write', path, error);
    }
  }

  /** @throws {RingfenceError} `RF_FILE` */
  async write(recording: Recording): Promise<void> {
    try {
      await this.#file.writeFile(recording.bytes);
      await this.#file.sync();
      await this.#file.close();
      await rename(this.#temporary, this.#path);
    } catch (error) {
      await this.discard();
      throw fileError('write', this.#path, error);
    }
  }

  /** Nothing was recorded. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#temporary, { force: true }).catch(() => {});
  }
}

/**
 * Reads a recording out of a file.
 *
 * @throws {RingfenceError} `RF_FILE`, `RF_RECORDING_INVALID`
 */
export async function readRecordingFile(path: string): Promise<Recording> {
  let bytes: Buffer;
  try {
    // A pipe that nobody writes to would hold it up for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = await file.stat();
      if (!status.isFile() || status.size > FILE_BYTES_MAX) {
        throw Object.assign(new Error(), { code: status.isFile() ? 'too large' : 'no file' });
      }
      bytes = await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError('read', path, error);
  }
  return readRecording(bytes);
}
