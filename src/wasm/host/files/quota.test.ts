/**
 * Goal: an agent adds no more than its quota and its limit of disk allow, however it does it, and gets
 * back what it removes, but no more than it added. Method: acts that grow and shrink, over both kinds
 * of mounts; what is counted is compared with what is there.
 */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { BLOCK_BYTES, ENTRY_BYTES } from './caps.ts';
import { FLAG, type Kind, Mounted, type MountedOptions, OPEN } from './fixtures/mounted.ts';
import type { FileHandle } from './request.ts';
import { hostMountsSupported } from './root.ts';

const KINDS: Kind[] = hostMountsSupported ? ['host', 'memory'] : ['memory'];
const BLOCK = BLOCK_BYTES;
const ENTRY = ENTRY_BYTES;

describe.each(KINDS)('17: quota (%s)', (kind) => {
  const mounts: Mounted[] = [];
  function mount(options: MountedOptions = {}): Mounted {
    const made = new Mounted(kind, options);
    mounts.push(made);
    return made;
  }
  afterEach(() => {
    for (const made of mounts.splice(0)) {
      made.close();
    }
  });

  const fill = (files: Mounted, file: FileHandle, bytes: number, offset = 0) =>
    files.code({ op: 'write', file, bytes: Buffer.alloc(bytes, 1), offset });
  const at = (files: Mounted, path: string) => ({ directory: files.root, path });
  const link = (files: Mounted, path: string, newPath: string) =>
    files.code({
      op: 'link-at',
      directory: files.root,
      path,
      follow: false,
      newDirectory: files.root,
      newPath,
    });
  const create = (files: Mounted, path: string) =>
    files.open(path, OPEN.create, FLAG.read | FLAG.write).handle;

  describe.each([
    ['the quota of the mount', (bytes: number) => ({ quota: { bytes, files: 0 } })],
    ["the agent's limit of disk", (bytes: number) => ({ diskBytes: bytes })],
  ])('%s', (_, limited) => {
    test('is as much as can be written, block by block, and one more can not', () => {
      const files = mount(limited(ENTRY + 3 * BLOCK));
      const file = create(files, 'a');
      expect(fill(files, file, BLOCK, 0)).toBe('ok');
      expect(fill(files, file, BLOCK, BLOCK)).toBe('ok');
      expect(fill(files, file, BLOCK, 2 * BLOCK)).toBe('ok');
      expect(fill(files, file, 1, 3 * BLOCK)).toBe('quota');
      expect(files.code({ op: 'append', file, bytes: Buffer.of(1) })).toBe('quota');
      expect(files.code({ op: 'set-size', file, size: 3 * BLOCK + 1 })).toBe('quota');
      expect(files.code({ op: 'create-directory-at', ...at(files, 'd') })).toBe('quota');
      expect(files.code(files.opening('b', OPEN.create))).toBe('quota');
      // What is there can be written over.
      expect(fill(files, file, 3 * BLOCK, 0)).toBe('ok');
      expect(files.get({ op: 'stat', handle: file }).size).toBe(3 * BLOCK);
    });

    test('counts holes: a size is promised', () => {
      const files = mount(limited(ENTRY + 2 * BLOCK));
      const file = create(files, 'a');
      expect(fill(files, file, 1, 2 ** 40)).toBe('quota');
      expect(files.code({ op: 'set-size', file, size: 2 ** 50 })).toBe('quota');
      expect(files.get({ op: 'stat', handle: file }).size).toBe(0);
      expect(fill(files, file, 1, 2 * BLOCK - 1)).toBe('ok');
    });

    test('gets back what is cut off, and what is removed', () => {
      const files = mount(limited(2 * ENTRY + 2 * BLOCK));
      const file = create(files, 'a');
      expect(fill(files, file, 2 * BLOCK)).toBe('ok');
      const other = create(files, 'b');
      expect(fill(files, other, 1)).toBe('quota');
      files.get({ op: 'set-size', file, size: BLOCK });
      expect(fill(files, other, 1)).toBe('ok');
      files.get({ op: 'close', handle: file });
      files.get({ op: 'unlink-file-at', ...at(files, 'a') });
      expect(files.diskBytes).toBe(ENTRY + BLOCK);
      expect(fill(files, other, 2 * BLOCK)).toBe('ok');
      files.open('b', OPEN.truncate, FLAG.write);
      expect(files.diskBytes).toBe(ENTRY);
    });
  });

  test('a file that is removed while it is open counts until it is closed everywhere', () => {
    const files = mount();
    const one = create(files, 'a');
    const two = files.open('a', 0, FLAG.write).handle;
    fill(files, one, 5 * BLOCK);
    files.get({ op: 'unlink-file-at', ...at(files, 'a') });
    expect(files.diskBytes).toBe(5 * BLOCK);
    fill(files, one, BLOCK, 5 * BLOCK);
    files.get({ op: 'close', handle: one });
    expect(files.diskBytes).toBe(6 * BLOCK);
    files.get({ op: 'close', handle: two });
    expect(files.diskBytes).toBe(0);
  });

  test('a file with another name counts on; the last one frees it', () => {
    const files = mount();
    const file = create(files, 'a');
    fill(files, file, 2 * BLOCK);
    files.get({ op: 'close', handle: file });
    expect(link(files, 'a', 'b')).toBe('ok');
    expect(files.diskBytes).toBe(2 * ENTRY + 2 * BLOCK);
    files.get({ op: 'unlink-file-at', ...at(files, 'a') });
    expect(files.diskBytes).toBe(ENTRY + 2 * BLOCK);
    files.get({ op: 'unlink-file-at', ...at(files, 'b') });
    expect(files.diskBytes).toBe(0);
  });

  test('what a rename replaces is freed; a rename onto itself frees nothing', () => {
    const files = mount();
    for (const name of ['a', 'b']) {
      const file = create(files, name);
      fill(files, file, BLOCK);
      files.get({ op: 'close', handle: file });
    }
    const rename = (path: string, newPath: string) =>
      files.get({ op: 'rename-at', ...at(files, path), newDirectory: files.root, newPath });
    rename('a', 'a');
    expect(files.diskBytes).toBe(2 * (ENTRY + BLOCK));
    rename('a', 'b');
    expect(files.diskBytes).toBe(ENTRY + BLOCK);
    expect(link(files, 'b', 'c')).toBe('ok');
    rename('b', 'c');
    expect(files.diskBytes).toBe(2 * ENTRY + BLOCK);
    files.mkdir('d');
    files.mkdir('e');
    rename('d', 'e');
    expect(files.diskBytes).toBe(3 * ENTRY + 2 * BLOCK);
  });

  test('directories and links count', () => {
    const files = mount({ quota: { bytes: 2 * (ENTRY + BLOCK), files: 0 } });
    files.mkdir('d');
    files.get({ op: 'symlink-at', ...at(files, 's'), target: 'x' });
    expect(files.diskBytes).toBe(2 * (ENTRY + BLOCK));
    expect(files.code({ op: 'create-directory-at', ...at(files, 'e') })).toBe('quota');
    files.get({ op: 'remove-directory-at', ...at(files, 'd') });
    files.get({ op: 'unlink-file-at', ...at(files, 's') });
    expect(files.diskBytes).toBe(0);
  });

  test('the number of entries has a quota of its own', () => {
    const files = mount({ quota: { bytes: 0, files: 3 } });
    files.put('a', '');
    files.mkdir('d');
    files.get({ op: 'symlink-at', ...at(files, 's'), target: 'x' });
    expect(files.code(files.opening('b', OPEN.create))).toBe('quota');
    expect(files.code({ op: 'create-directory-at', ...at(files, 'e') })).toBe('quota');
    expect(files.code({ op: 'symlink-at', ...at(files, 't'), target: 'x' })).toBe('quota');
    expect(link(files, 'a', 'l')).toBe('quota');
    files.get({ op: 'unlink-file-at', ...at(files, 's') });
    expect(link(files, 'a', 'l')).toBe('ok');
    expect(files.code(files.opening('b', OPEN.create))).toBe('quota');
  });

  test('what fails takes nothing', () => {
    const files = mount();
    files.put('a', 'x');
    const before = files.diskBytes;
    expect(files.code({ op: 'create-directory-at', ...at(files, 'a') })).toBe('exist');
    expect(files.code({ op: 'symlink-at', ...at(files, 'a'), target: 'x' })).toBe('exist');
    expect(link(files, 'a', 'a')).toBe('exist');
    expect(files.code(files.opening('a', OPEN.create | OPEN.exclusive))).toBe('exist');
    expect(files.code({ op: 'unlink-file-at', ...at(files, 'none') })).toBe('no-entry');
    expect(files.code({ op: 'remove-directory-at', ...at(files, 'a') })).toBe('not-directory');
    expect(files.diskBytes).toBe(before);
  });

  test('who makes and removes for ever is counted for what is there', () => {
    const files = mount({ quota: { bytes: 4 * (ENTRY + BLOCK), files: 4 } });
    for (let turn = 0; turn < 500; turn += 1) {
      files.put('a', 'some text');
      files.mkdir('d');
      const to = { newDirectory: files.root, newPath: 'd/b' };
      files.get({ op: 'rename-at', ...at(files, 'a'), ...to });
      files.get({ op: 'unlink-file-at', ...at(files, 'd/b') });
      files.get({ op: 'remove-directory-at', ...at(files, 'd') });
    }
    expect(files.diskBytes).toBe(0);
  });

  test.runIf(kind === 'host')(
    'who removes what was there before never ends up with more than was there and its quota',
    () => {
      const quota = 2 * (ENTRY + BLOCK);
      const files = mount({ quota: { bytes: quota, files: 0 } });
      writeFileSync(join(files.directory as string, 'old'), Buffer.alloc(100 * BLOCK));
      const add = (path: string) => {
        const opened = files.ask(files.opening(path, OPEN.create, FLAG.write));
        return opened.tag === 'ok' && fill(files, opened.val.handle, BLOCK) === 'ok';
      };
      expect([add('a'), add('b'), add('c')]).toEqual([true, true, false]);
      files.get({ op: 'unlink-file-at', ...at(files, 'old') });
      // Less is there than at the beginning; from here on it is its quota again.
      expect(files.diskBytes).toBe(0);
      const added = Array.from({ length: 10 }, (_, index) => add(`more-${index}`));
      expect(added.filter((ok) => ok)).toHaveLength(2);
    },
  );
});

test.skipIf(!hostMountsSupported)(
  '17: where no descriptor is left for it a file is not made, and counts for nobody',
  () => {
    const program = fileURLToPath(new URL('./fixtures/few-descriptors.ts', import.meta.url));
    const told = execFileSync(
      'sh',
      ['-c', 'ulimit -n 200 && exec "$0" "$1"', process.execPath, program],
      { encoding: 'utf8' },
    );
    const { held, ...outcome } = JSON.parse(told) as { held: number };
    expect(held).toBeLessThan(200);
    expect(outcome).toEqual({
      whenFull: ['insufficient-memory'],
      madeWhenFull: 0,
      // With descriptors again the quota is what bounds it: the directory is one of the three.
      after: ['ok', 'quota'],
      made: 2,
    });
  },
);
