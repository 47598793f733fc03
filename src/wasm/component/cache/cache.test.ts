/**
 * Goal: only an entry that we wrote ourselves, whole and for this key, is ever read; whatever else is
 * in its place is removed, and never followed (family 60 of the threats). Method: each test begins
 * with the positive control, an entry that is found, and then spoils one thing about it.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import {
  chmod,
  chown,
  link,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RingfenceError } from '../../../errors.ts';
import { ModuleCache } from './cache.ts';
import { defaultCacheDirectory } from './directory.ts';
import { type CacheContent, encodeEntry } from './entry.ts';
import { cacheKey, installedVersions } from './key.ts';

const BOUNDS = { planBytes: 10_000, modules: 4, modulesBytes: 100_000 };
const KEY = 'a1'.repeat(32);
const OTHER_KEY = 'b2'.repeat(32);
const CONTENT: CacheContent = {
  adapted: true,
  plan: { format: 1, names: ['__proto__', '\u2028'] },
  modules: [new Uint8Array([1, 2, 3]), new Uint8Array(5_000).fill(9)],
};
const isRoot = process.getuid?.() === 0;

let directory: string;
let cache: ModuleCache;
const entryOf = (key: string) => join(directory, `${key}.entry`);

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'ringfence-cache-')), 'cache');
  cache = await ModuleCache.open(directory);
});
afterEach(async () => {
  await rm(join(directory, '..'), { recursive: true, force: true });
});

/** Writes a good entry, sees that it is found, spoils it, and sees that it is not found and gone. */
async function expectRemoved(spoil: (path: string) => Promise<void> | void): Promise<void> {
  await cache.write(KEY, CONTENT);
  expect(await cache.read(KEY, BOUNDS)).toEqual(CONTENT);
  await spoil(entryOf(KEY));
  expect(await cache.read(KEY, BOUNDS)).toBeNull();
  expect(() => lstatSync(entryOf(KEY))).toThrow('ENOENT');
  // And a new one takes its place.
  await cache.write(KEY, CONTENT);
  expect(await cache.read(KEY, BOUNDS)).toEqual(CONTENT);
}

/** An entry's bytes with one byte changed. */
function altered(path: string, at: number): Uint8Array {
  const bytes = new Uint8Array(readFileSync(path));
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  return bytes;
}

describe('an entry', () => {
  test('is what was written, and private', async () => {
    await cache.write(KEY, CONTENT);
    expect(await cache.read(KEY, BOUNDS)).toEqual(CONTENT);
    expect(lstatSync(entryOf(KEY)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual([`${KEY}.entry`]);
  });

  test('is not there under another key', async () => {
    await cache.write(KEY, CONTENT);
    expect(await cache.read(OTHER_KEY, BOUNDS)).toBeNull();
  });

  test('gives each module a buffer of its own', async () => {
    await cache.write(KEY, CONTENT);
    const found = await cache.read(KEY, BOUNDS);
    expect(found?.modules.map((module) => module.buffer.byteLength)).toEqual([3, 5_000]);
  });

  test.each([8, 41, 72, 76, 84, -1, -5_001])('with byte %i altered is removed', async (at) => {
    await expectRemoved((path) => writeFile(path, altered(path, at)));
  });

  test.each([0, 7, 60, 100, 4_000])('torn after %i bytes is removed', async (length) => {
    await expectRemoved((path) => truncate(path, length));
  });

  test('with bytes behind its end is removed', async () => {
    await expectRemoved((path) => writeFile(path, 'x', { flag: 'a' }));
  });

  test('under the key of another file is removed, though its hash is right', async () => {
    await expectRemoved(async (path) => {
      await cache.write(OTHER_KEY, CONTENT);
      await rename(entryOf(OTHER_KEY), path);
    });
  });

  test('whose lengths lie under a right hash is removed', async () => {
    await expectRemoved(async (path) => {
      const bytes = Buffer.concat(encodeEntry(KEY, CONTENT));
      bytes.writeUInt32LE(0xffffffff, 8 + 32 + 32 + 8);
      createHash('sha256').update(bytes.subarray(40)).digest().copy(bytes, 8);
      await writeFile(path, bytes);
    });
  });

  test('that is larger than what may be prepared is not read', async () => {
    await expectRemoved((path) => truncate(path, 10_000_000_000));
  });

  test('that is a symbolic link is removed, and its target left alone', async () => {
    const target = join(directory, '..', 'target');
    await expectRemoved(async (path) => {
      await rename(path, target);
      await symlink(target, path);
    });
    expect(existsSync(target)).toBe(true);
  });

  test('with a second name is removed', async () => {
    await expectRemoved((path) => link(path, join(directory, '..', 'second')));
  });

  test.each([0o644, 0o666, 0o700])('with the mode %o is removed', async (mode) => {
    await expectRemoved((path) => chmod(path, mode));
  });

  test.runIf(isRoot)('of another user is removed', async () => {
    await expectRemoved((path) => chown(path, 65534, 65534));
  });

  test('that is a directory is removed', async () => {
    await expectRemoved(async (path) => {
      await rm(path);
      await mkdir(path);
    });
  });

  test('that is a FIFO is removed, without waiting for its writer', async () => {
    await expectRemoved(async (path) => {
      await rm(path);
      execFileSync('mkfifo', ['-m', '600', path]);
    });
  });
});

describe('several writers', () => {
  test('leave one whole entry and nothing else', async () => {
    const others = await Promise.all(Array.from({ length: 8 }, () => ModuleCache.open(directory)));
    const reads: unknown[] = [];
    await Promise.all(
      others.map(async (other) => {
        await other.write(KEY, CONTENT);
        reads.push(await other.read(KEY, BOUNDS));
      }),
    );
    expect(reads).toEqual(Array(8).fill(CONTENT));
    expect(await readdir(directory)).toEqual([`${KEY}.entry`]);
  });

  test('one that failed leaves no temporary file', async () => {
    await mkdir(entryOf(KEY));
    await writeFile(join(entryOf(KEY), 'in-the-way'), '');
    await expect(cache.write(KEY, CONTENT)).rejects.toThrow();
    expect(await readdir(directory)).toEqual([`${KEY}.entry`]);
  });

  test('one that died leaves a file that is removed an hour later, and a newer one is not', async () => {
    const old = join(directory, `${KEY}.${'0'.repeat(16)}.new`);
    const young = join(directory, `${KEY}.${'1'.repeat(16)}.new`);
    await writeFile(old, '');
    await writeFile(young, '');
    const longAgo = Date.now() / 1000 - 2 * 60 * 60;
    await utimes(old, longAgo, longAgo);
    await cache.write(OTHER_KEY, CONTENT);
    expect(existsSync(old)).toBe(false);
    expect(existsSync(young)).toBe(true);
  });
});

describe('the size of the cache', () => {
  const keys = ['1', '2', '3', '4'].map((digit) => digit.repeat(64));

  async function fill(limits: { bytes?: number; entries?: number }): Promise<void> {
    let nowMs = Date.now() - 10_000_000;
    const small = await ModuleCache.open(directory, limits, () => nowMs);
    const [first, second, third, fourth] = keys as [string, string, string, string];
    for (const key of [first, second, third]) {
      nowMs += 1_000;
      await small.write(key, CONTENT);
      // Reading is what marks an entry as used.
      await small.read(key, BOUNDS);
    }
    nowMs += 1_000;
    await small.read(first, BOUNDS);
    await small.write(fourth, CONTENT);
  }
  const kept = async () => (await readdir(directory)).sort();
  const files = (...indexes: number[]) => indexes.map((index) => `${keys[index]}.entry`);

  test('within the bounds everything is kept', async () => {
    await fill({ bytes: 1_000_000 });
    expect(await kept()).toEqual(files(0, 1, 2, 3));
  });

  test('what was used longest ago goes first', async () => {
    await fill({ bytes: 16_000 });
    expect(await kept()).toEqual(files(0, 2, 3));
  });

  test('the number of entries is bounded as well', async () => {
    await fill({ entries: 2 });
    expect(await kept()).toEqual(files(2, 3));
  });

  test('an entry larger than the cache is not kept, and pushes nothing out', async () => {
    await cache.write(KEY, CONTENT);
    const small = await ModuleCache.open(directory, { bytes: 100 });
    await small.write(OTHER_KEY, CONTENT);
    expect(await readdir(directory)).toEqual([`${KEY}.entry`]);
  });

  test('files of others are not counted and not touched', async () => {
    await writeFile(join(directory, 'foreign'), new Uint8Array(50_000));
    await fill({ bytes: 16_000 });
    expect(await kept()).toEqual([...files(0, 2, 3), 'foreign']);
  });
});

describe('the directory', () => {
  test('is made private, with those above it', async () => {
    const deep = join(directory, 'not', 'there');
    await ModuleCache.open(deep);
    expect(lstatSync(deep).mode & 0o777).toBe(0o700);
  });

  async function refusalOf(path: string): Promise<RingfenceError> {
    const error: unknown = await ModuleCache.open(path).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(RingfenceError);
    return error as RingfenceError;
  }

  test('is refused where others may write to it, and taken once they may not', async () => {
    await chmod(directory, 0o770);
    const refusal = await refusalOf(directory);
    expect(refusal.code).toBe('RF_FILE');
    expect(refusal.message).toContain('chmod 700');
    await chmod(directory, 0o700);
    await expect(ModuleCache.open(directory)).resolves.toBeInstanceOf(ModuleCache);
  });

  test('is refused where it is a link', async () => {
    const path = `${directory}-link`;
    await symlink(directory, path);
    expect((await refusalOf(path)).message).toContain('symbolic link');
  });

  test('is refused where it is a file', async () => {
    const path = `${directory}-file`;
    await writeFile(path, '');
    expect((await refusalOf(path)).message).toContain('no directory');
  });

  test.runIf(isRoot)('is refused where it belongs to another user', async () => {
    await chown(directory, 65534, 65534);
    expect((await refusalOf(directory)).message).toContain('another user');
  });

  test('that can not be made is the system’s error', async () => {
    const path = join(directory, 'file');
    await writeFile(path, '');
    await expect(ModuleCache.open(join(path, 'below'))).rejects.toThrow('ENOTDIR');
  });
});

describe('the default place', () => {
  const place = (variables: Record<string, string>, platform: NodeJS.Platform = 'linux') =>
    defaultCacheDirectory({ variables, platform, home: '/home/me' });

  test('follows RINGFENCE_CACHE, then XDG_CACHE_HOME, then the platform', () => {
    expect(place({ RINGFENCE_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
    expect(place({ XDG_CACHE_HOME: '/b' })).toBe('/b/ringfence');
    expect(place({})).toBe('/home/me/.cache/ringfence');
    expect(place({}, 'darwin')).toBe('/home/me/Library/Caches/ringfence');
  });

  test('ignores what is relative or empty', () => {
    expect(place({ RINGFENCE_CACHE: '', XDG_CACHE_HOME: 'b' })).toBe('/home/me/.cache/ringfence');
  });
});

describe('the key', () => {
  const versions = installedVersions(1);

  test('is the same for the same file and versions', () => {
    expect(cacheKey(KEY, versions)).toBe(cacheKey(KEY, installedVersions(1)));
    expect(cacheKey(KEY, versions)).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is another for another file', () => {
    expect(cacheKey(OTHER_KEY, versions)).not.toBe(cacheKey(KEY, versions));
  });

  test.each(Object.keys(versions))('is another for another version of %s', (part) => {
    const changed = { ...versions, [part]: 'another' } as unknown as typeof versions;
    expect(cacheKey(KEY, changed)).not.toBe(cacheKey(KEY, versions));
  });
});
