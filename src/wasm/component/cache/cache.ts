/**
 * The content-addressed cache of prepared modules: one file an entry, written whole or not at all,
 * believed only when everything about it is as we wrote it.
 */

import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, opendir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { openCacheDirectory } from './directory.ts';
import {
  type CacheContent,
  decodeEntry,
  type EntryBounds,
  encodeEntry,
  entryBytesMax,
} from './entry.ts';

/** How large the cache may become. */
export interface CacheLimits {
  /**
   * Bytes of all entries together; those that were used longest ago go first.
   *
   * @default 1 GiB
   */
  readonly bytes: number;
  /**
   * Number of entries.
   *
   * @default 10_000
   */
  readonly entries: number;
}

const DEFAULT_CACHE_LIMITS: CacheLimits = Object.freeze({
  bytes: 1024 * 1024 * 1024,
  entries: 10_000,
});

const KEY = /^[0-9a-f]{64}$/;
const ENTRY_FILE = /^[0-9a-f]{64}\.entry$/;
const TEMPORARY_FILE = /^[0-9a-f]{64}\.[0-9a-f]{16}\.new$/;
/** A temporary file this old was left by a process that died; no write takes so long. */
const TEMPORARY_AGE_MS_MAX = 60 * 60 * 1000;

/** Keeps what was prepared, by key. All methods may be called by many processes at once. */
export class ModuleCache {
  readonly #directory: string;
  readonly #limits: CacheLimits;
  readonly #nowMs: () => number;

  private constructor(directory: string, limits: CacheLimits, nowMs: () => number) {
    this.#directory = directory;
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /**
   * Opens the cache in a directory of its own, which is made where it isn't there.
   *
   * @throws RingfenceError `RF_FILE` where the directory can't be trusted; the system's error where it
   * can't be used.
   */
  static async open(
    directory: string,
    limits: Partial<CacheLimits> = {},
    nowMs: () => number = Date.now,
  ): Promise<ModuleCache> {
    await openCacheDirectory(directory);
    return new ModuleCache(directory, { ...DEFAULT_CACHE_LIMITS, ...limits }, nowMs);
  }

  /** What stands under a key, or null; an entry that isn't right in everything is removed. */
  async read(key: string, bounds: EntryBounds): Promise<CacheContent | null> {
    const path = this.#pathOf(key);
    let handle: FileHandle;
    try {
      // NONBLOCK, so that a FIFO in its place can't hold us; it is seen by its type then.
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      handle = await open(path, flags);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') await this.discard(key);
      return null;
    }
    try {
      const content = await readTrusted(handle, key, bounds);
      if (content === null) await this.discard(key);
      else await this.#markUsed(handle);
      return content;
    } finally {
      await handle.close();
    }
  }

  /**
   * Puts an entry under a key, in place of one that is there. One that is larger than the whole cache
   * is not kept.
   *
   * @throws the system's error where it can't be written; then nothing has changed.
   */
  async write(key: string, content: CacheContent): Promise<void> {
    const pieces = encodeEntry(key, content);
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (bytes > this.#limits.bytes) return;
    await this.#makeRoom(bytes);
    const temporary = join(this.#directory, `${key}.${randomBytes(8).toString('hex')}.new`);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const handle = await open(temporary, flags, 0o600);
    try {
      for (const piece of pieces) await handle.writeFile(piece);
      await handle.close();
      await rename(temporary, this.#pathOf(key));
    } catch (error) {
      await handle.close().catch(() => {});
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }

  /** Removes whatever stands under a key. */
  async discard(key: string): Promise<void> {
    const path = this.#pathOf(key);
    // An empty directory in an entry's place would be in the way for ever; a full one is not ours
    // to remove, and the next write says so.
    await unlink(path).catch(() => rmdir(path).catch(() => {}));
  }

  #pathOf(key: string): string {
    if (!KEY.test(key)) throw new Error(`not a key of the cache: ${key}`);
    return join(this.#directory, `${key}.entry`);
  }

  /** The time of change is the time of last use: what was used longest ago goes first. */
  async #markUsed(handle: FileHandle): Promise<void> {
    const nowSeconds = this.#nowMs() / 1000;
    // An entry that can't be marked only goes sooner.
    await handle.utimes(nowSeconds, nowSeconds).catch(() => {});
  }

  async #makeRoom(bytesNeeded: number): Promise<void> {
    const entries = await this.#entries();
    entries.sort((a, b) => a.usedAtMs - b.usedAtMs);
    let bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    let count = entries.length;
    for (const entry of entries) {
      const fits = bytes + bytesNeeded <= this.#limits.bytes && count < this.#limits.entries;
      if (fits) return;
      await rm(entry.path, { force: true });
      bytes -= entry.bytes;
      count -= 1;
    }
  }

  /** All entries; removes temporary files that were left behind on the way, touches nothing else. */
  async #entries(): Promise<{ path: string; bytes: number; usedAtMs: number }[]> {
    const entries: { path: string; bytes: number; usedAtMs: number }[] = [];
    for await (const { name } of await opendir(this.#directory)) {
      const path = join(this.#directory, name);
      if (!ENTRY_FILE.test(name) && !TEMPORARY_FILE.test(name)) continue;
      const status = await lstat(path).catch(() => null); // Another process may have removed it.
      if (status === null || status.isDirectory()) continue;
      if (ENTRY_FILE.test(name)) {
        entries.push({ path, bytes: status.size, usedAtMs: status.mtimeMs });
      } else if (this.#nowMs() - status.mtimeMs > TEMPORARY_AGE_MS_MAX) {
        await rm(path, { force: true });
      }
    }
    return entries;
  }
}

async function readTrusted(
  handle: FileHandle,
  key: string,
  bounds: EntryBounds,
): Promise<CacheContent | null> {
  // Asked of the open file, so that it can't be another by the time it is read.
  const status = await handle.stat();
  if (!isOurs(status) || status.size > entryBytesMax(bounds)) return null;
  // Read by its size and not to its end: a file that grows meanwhile is not followed.
  const bytes = new Uint8Array(status.size);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, filled);
    if (bytesRead === 0) return null;
    filled += bytesRead;
  }
  return decodeEntry(key, bytes, bounds);
}

/**
 * A regular file of this user, with exactly the mode we give, under no second name. It may have lost
 * its name since it was opened: another process has then put its own entry in its place.
 */
function isOurs(status: Stats): boolean {
  if (!status.isFile()) return false;
  const user = process.getuid?.();
  if (user === undefined) return true;
  return status.uid === user && (status.mode & 0o777) === 0o600 && status.nlink <= 1;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}
