/**
 * Goal: whatever is asked, and whatever is in the mounted directory, nothing outside of it is read,
 * written, listed, made or removed. Method: the families of hostile paths, on a directory of the host
 * with canaries beside it; each refusal beside the same act inside, which succeeds. In the titles: the
 * family's number in the threat model.
 */

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFiles } from './engine.ts';
import { FLAG, Mounted, OPEN, SECRET } from './fixtures/mounted.ts';
import type { ErrorCode, FileRequest, FileTime } from './request.ts';
import { hostMountsSupported, openRoot } from './root.ts';

describe.runIf(hostMountsSupported)('the way out of a mount', () => {
  let files: Mounted;
  let directory: string;
  let outside: string;
  beforeEach(() => {
    files = new Mounted('host');
    directory = files.directory as string;
    outside = files.outside as string;
    files.mkdir('dir');
    files.put('dir/file', 'inside');
  });
  afterEach(() => {
    const untouched = readdirSync(outside).sort();
    const secrets = ['secret', 'dir/secret'].map((name) =>
      readFileSync(join(outside, name), 'utf8'),
    );
    const times = lstatSync(join(outside, 'secret')).mtimeMs;
    files.close();
    expect(untouched).toEqual(['dir', 'mounted', 'secret']);
    expect(secrets).toEqual([SECRET, SECRET]);
    expect(times).toBeGreaterThan(1_000_000_000_000);
  });

  const at = (path: string) => ({ directory: files.root, path });
  const TIME: FileTime = { seconds: 1, nanoseconds: 0 };

  /** Everything that can be done with a path, by what it would do. */
  function everything(path: string): Record<string, ErrorCode | 'ok'> {
    const times = { accessed: TIME, modified: TIME };
    const requests: Record<string, FileRequest> = {
      read: files.opening(path),
      'read, nofollow': files.opening(path, 0, FLAG.read, false),
      write: files.opening(path, 0, FLAG.write),
      truncate: files.opening(path, OPEN.truncate, FLAG.write),
      create: files.opening(path, OPEN.create, FLAG.write),
      'create anew': files.opening(path, OPEN.create | OPEN.exclusive, FLAG.write),
      list: files.opening(path, OPEN.directory),
      stat: { op: 'stat-at', ...at(path), follow: true },
      lstat: { op: 'stat-at', ...at(path), follow: false },
      identity: { op: 'identity-at', ...at(path), follow: true },
      times: { op: 'set-times-at', ...at(path), follow: true, ...times },
      ltimes: { op: 'set-times-at', ...at(path), follow: false, ...times },
      readlink: { op: 'readlink-at', ...at(path) },
      mkdir: { op: 'create-directory-at', ...at(path) },
      symlink: { op: 'symlink-at', ...at(path), target: 'dir' },
      link: { op: 'link-at', ...at(path), follow: true, newDirectory: files.root, newPath: 'n1' },
      llink: { op: 'link-at', ...at(path), follow: false, newDirectory: files.root, newPath: 'n2' },
      'link to': {
        ...{ op: 'link-at', ...at('dir/file'), follow: false },
        ...{ newDirectory: files.root, newPath: path },
      },
      rename: { op: 'rename-at', ...at(path), newDirectory: files.root, newPath: 'n3' },
      'rename to': {
        ...{ op: 'rename-at', ...at('dir/file') },
        ...{ newDirectory: files.root, newPath: path },
      },
      rmdir: { op: 'remove-directory-at', ...at(path) },
      unlink: { op: 'unlink-file-at', ...at(path) },
    };
    return Object.fromEntries(
      Object.entries(requests).map(([name, request]) => [name, files.code(request)]),
    );
  }

  function refusedAll(path: string): void {
    const codes = everything(path);
    expect(codes).toEqual(
      Object.fromEntries(Object.keys(codes).map((name) => [name, 'not-permitted'])),
    );
  }

  test.each([
    '../secret',
    '..',
    '../dir/secret',
    'dir/../../secret',
    './../secret',
    'dir/../../mounted/dir/file',
    'dir/./.././../secret',
    'dir//..//..//secret',
  ])('1: %j', (path) => {
    refusedAll(path);
    expect(files.text('dir/../dir/./file')).toBe('inside');
  });

  test.each(['/etc/passwd', '/', '//secret', '/../secret', '///'])('2: %j', (path) => {
    refusedAll(path);
    expect(files.text('dir/file')).toBe('inside');
  });

  test.each(['\\..\\secret', 'C:\\x', '..\\secret', 'file::$DATA', 'NUL.txt', 'COM¹'])(
    '2, 15: %j is a name like any other here',
    (name) => {
      expect(files.code(files.opening(name))).toBe('no-entry');
      files.put(name, 'inside');
      expect(readFileSync(join(directory, name), 'utf8')).toBe('inside');
    },
  );

  describe('3: links that the guest makes', () => {
    test.each(['../secret', '/etc/passwd', 'dir/../../secret', '..', 'x/../..', './/..', '/'])(
      'to %j are not made',
      (target) => {
        expect(files.code({ op: 'symlink-at', ...at('l'), target })).toBe('not-permitted');
        expect(existsSync(join(directory, 'l'))).toBe(false);
      },
    );

    test('that go up from a name are not made: the name may be a link itself', () => {
      files.get({ op: 'symlink-at', ...at('here'), target: '.' });
      for (const target of ['here/../secret', 'dir/../dir/file', 'here/./../secret', 'x/..']) {
        expect(files.code({ op: 'symlink-at', ...at('l'), target })).toBe('not-permitted');
      }
      files.get({ op: 'symlink-at', ...at('l'), target: 'here/dir/file' });
      expect(readFileSync(join(directory, 'l'), 'utf8')).toBe('inside');
    });

    test('that stay inside are, and are followed', () => {
      files.get({ op: 'symlink-at', ...at('dir/l'), target: '../dir/file' });
      expect(files.text('dir/l')).toBe('inside');
    });

    test('are not moved or linked to where they lead out', () => {
      files.get({ op: 'symlink-at', ...at('dir/l'), target: '../secret' });
      const to = { newDirectory: files.root, newPath: 'l' };
      expect(files.code({ op: 'rename-at', ...at('dir/l'), ...to })).toBe('not-permitted');
      expect(files.code({ op: 'link-at', ...at('dir/l'), follow: false, ...to })).toBe(
        'not-permitted',
      );
      expect(files.code({ op: 'rename-at', ...at('dir/l'), ...to, newPath: 'dir/m' })).toBe('ok');
    });

    test('from a deeper descriptor, the depth is that of the mount', () => {
      const { handle } = files.open('dir');
      const make = (target: string) =>
        files.code({ op: 'symlink-at', directory: handle, path: 'l', target });
      expect(make('../../secret')).toBe('not-permitted');
      expect(make('../dir/file')).toBe('ok');
      expect(files.text('dir/l')).toBe('inside');
      // Below its own descriptor only: what is above is not reached from there.
      expect(files.code(files.opening('l', 0, FLAG.read, true, handle))).toBe('not-permitted');
    });

    test('lead nowhere when their directory is moved up', () => {
      files.mkdir('dir/deep');
      files.get({ op: 'symlink-at', ...at('dir/deep/l'), target: '../../secret' });
      const to = { newDirectory: files.root, newPath: 'up' };
      files.get({ op: 'rename-at', ...at('dir/deep'), ...to });
      expect(readlinkSync(join(directory, 'up/l'))).toBe('../../secret');
      expect(readFileSync(join(directory, 'up/l'), 'utf8')).toBe(SECRET);
      refusedAll('up/l/x');
      expect(files.code(files.opening('up/l'))).toBe('not-permitted');
      expect(files.code(files.opening('up/l', OPEN.create | OPEN.truncate, FLAG.write))).toBe(
        'not-permitted',
      );
    });
  });

  describe('4, 8: links that are there', () => {
    const LINKS: [string, string][] = [
      ['relative', '../secret'],
      ['relative-dir', '../dir'],
      ['absolute', '/etc/passwd'],
      ['absolute-dir', '/'],
      ['missing', '../none'],
      ['through', 'relative-dir/secret'],
      ['self', '/proc/self/root/etc/passwd'],
    ];
    beforeEach(() => {
      for (const [name, target] of LINKS) {
        symlinkSync(target, join(directory, name));
      }
    });

    test.each(LINKS)('%s: nothing is done through it', (name) => {
      refusedAll(`${name}/x`);
      refusedAll(`${name}/../x`);
      const codes = everything(name);
      expect(codes).toMatchObject({
        read: 'not-permitted',
        'read, nofollow': 'loop',
        write: 'not-permitted',
        truncate: 'not-permitted',
        create: 'not-permitted',
        'create anew': 'exist',
        list: 'not-permitted',
        stat: 'not-permitted',
        lstat: 'ok',
        identity: 'not-permitted',
        times: 'not-permitted',
        mkdir: 'exist',
        symlink: 'exist',
        link: 'not-permitted',
        'link to': 'exist',
        rename: name === 'through' ? 'ok' : 'not-permitted',
        rmdir: 'not-directory',
      });
    });

    test('where an absolute one leads is not told; the link itself can be removed', () => {
      const readlink = (path: string) => files.ask({ op: 'readlink-at', ...at(path) }).val;
      expect(readlink('absolute')).toBe('not-permitted');
      expect(readlink('through')).toBe('relative-dir/secret');
      files.get({ op: 'unlink-file-at', ...at('absolute') });
      expect(existsSync(join(directory, 'absolute'))).toBe(false);
    });

    test('a rename over one replaces the link, not what it leads to', () => {
      const to = { newDirectory: files.root, newPath: 'relative' };
      files.get({ op: 'rename-at', ...at('dir/file'), ...to });
      expect(files.text('relative')).toBe('inside');
    });
  });

  test('5: a descriptor stays on its directory when a link takes its place', () => {
    const { handle } = files.open('dir');
    renameSync(join(directory, 'dir'), join(directory, 'moved'));
    symlinkSync('../dir', join(directory, 'dir'));
    const open = (path: string, how = 0, flags: number = FLAG.read) =>
      files.code(files.opening(path, how, flags, true, handle));
    expect(open('secret')).toBe('no-entry');
    expect(open('file')).toBe('ok');
    expect(open('new', OPEN.create, FLAG.write)).toBe('ok');
    expect(readdirSync(join(directory, 'moved')).sort()).toEqual(['file', 'new']);
    const stream = files.get({ op: 'read-directory', directory: handle });
    const names = files.get({ op: 'next-entries', stream }).map(({ name }) => name);
    expect(names.sort()).toEqual(['file', 'new']);
    expect(files.code(files.opening('dir/secret'))).toBe('not-permitted');
  });

  test('5: a directory that is moved out of the mount is reached by its descriptor alone', () => {
    const { handle } = files.open('dir');
    renameSync(join(directory, 'dir'), join(outside, 'elsewhere'));
    expect(files.code(files.opening('file', 0, FLAG.read, true, handle))).toBe('ok');
    expect(files.code(files.opening('../secret', 0, FLAG.read, true, handle))).toBe(
      'not-permitted',
    );
    expect(
      files.code({ op: 'symlink-at', directory: handle, path: 'l', target: '../secret' }),
    ).toBe('not-permitted');
    renameSync(join(outside, 'elsewhere'), join(directory, 'dir'));
  });

  test('6: a link that is swapped in at any moment is never followed', async () => {
    mkdirSync(join(directory, 'sub'));
    writeFileSync(join(directory, 'sub', 'secret'), 'inside');
    symlinkSync('../dir', join(directory, 'link'));
    const counters = new Int32Array(new SharedArrayBuffer(8));
    const swapper = new Worker(new URL('./fixtures/swapper.ts', import.meta.url), {
      workerData: { directory, counters },
    });
    await new Promise((resolve) => swapper.once('online', resolve));
    const seen = new Map<string, number>();
    const note = (what: string, code: string) => {
      const key = `${what} ${code}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    };
    for (let turn = 0; turn < 10_000; turn += 1) {
      const opened = files.ask(files.opening('sub/secret'));
      if (opened.tag === 'ok') {
        const file = opened.val.handle;
        const { bytes } = files.get({ op: 'read', file, length: 99, offset: 0 });
        note('read', Buffer.from(bytes).toString());
        files.get({ op: 'close', handle: file });
      } else {
        note('read', opened.val);
      }
      if (turn % 4 !== 0) {
        continue;
      }
      const name = `sub/made-${turn}`;
      note('mkdir', files.code({ op: 'create-directory-at', ...at(name) }));
      note('rmdir', files.code({ op: 'remove-directory-at', ...at(name) }));
    }
    Atomics.store(counters, 0, 1);
    await new Promise((resolve) => swapper.once('exit', resolve));
    expect(Atomics.load(counters, 1)).toBeGreaterThan(100);
    const codes = [...seen.keys()];
    const allowed = ['inside', 'ok', 'no-entry', 'not-permitted', 'not-directory'];
    expect(codes.filter((key) => !allowed.includes(key.split(' ')[1] as string))).toEqual([]);
    // Both were met: the directory, and the link.
    expect(codes).toEqual(expect.arrayContaining(['read inside', 'read not-permitted']));
    expect(codes).toEqual(expect.arrayContaining(['mkdir ok', 'mkdir not-permitted']));
    expect(readdirSync(join(outside, 'dir'))).toEqual(['secret']);
  }, 120_000);

  test('7: 40 links are followed, 41 are not; one to itself neither', () => {
    files.put('link-0', 'inside');
    for (let link = 1; link <= 41; link += 1) {
      const target = `link-${link - 1}`;
      files.get({ op: 'symlink-at', ...at(`link-${link}`), target });
    }
    expect(files.text('link-40')).toBe('inside');
    expect(files.code(files.opening('link-41'))).toBe('loop');
    files.get({ op: 'symlink-at', ...at('self'), target: 'self' });
    for (const path of ['self', 'self/x', './self/']) {
      expect(files.code(files.opening(path))).toBe('loop');
    }
    expect(files.code({ op: 'stat-at', ...at('self'), follow: true })).toBe('loop');
    files.get({ op: 'symlink-at', ...at('grows'), target: 'grows/grows' });
    expect(files.code(files.opening('grows'))).toBe('loop');
  });

  test('7: a way of too many steps or too deep is refused, whatever it says', () => {
    const long = '../dir/'.repeat(300);
    expect(files.code(files.opening(`dir/${long}file`))).toBe('name-too-long');
    expect(files.text(`dir/${'../dir/'.repeat(50)}file`)).toBe('inside');
    expect(files.text(`${'./'.repeat(2000)}dir/file`)).toBe('inside');
  });

  test('9: between two mounts nothing is renamed or linked, not even on one directory', () => {
    const root = openRoot(directory);
    const source = { kind: 'host', path: root.canonicalPath } as const;
    const quota = { bytes: 0, files: 0 };
    const mounts = [false, true].map((mode) => ({
      scope: { guest: `/${mode}`, source, quota, modes: { write: mode, create: mode } },
      root: root.fd,
    }));
    const host = openFiles(mounts, { take: () => true, give: () => {} });
    const [readable, writable] = host.preopens.map(({ handle }) => handle) as [number, number];
    const code = (request: FileRequest) => {
      const answer = host.perform(request);
      return 'outcome' in answer ? 'later' : answer.tag === 'ok' ? 'ok' : answer.val;
    };
    const move = (from: number, to: number) => [
      code({ op: 'rename-at', directory: from, path: 'dir/file', newDirectory: to, newPath: 'x' }),
      code({
        ...{ op: 'link-at', directory: from, path: 'dir/file', follow: true },
        ...{ newDirectory: to, newPath: 'y' },
      }),
    ];
    expect(move(readable, writable)).toEqual(['read-only', 'read-only']);
    expect(move(writable, readable)).toEqual(['read-only', 'read-only']);
    expect(move(writable, writable)).toEqual(['ok', 'no-entry']);
    host.close();
    const both = openFiles([mounts[1]!, { ...mounts[1]! }], { take: () => true, give: () => {} });
    const [one, other] = both.preopens.map(({ handle }) => handle) as [number, number];
    const across = (to: number) => {
      const answer = both.perform({
        ...{ op: 'rename-at', directory: one, path: 'x', newDirectory: to, newPath: 'z' },
      });
      return 'outcome' in answer ? 'later' : answer.val;
    };
    expect(across(other)).toBe('cross-device');
    expect(across(one)).toBeUndefined();
    both.close();
    root.close();
  });

  test('12: names that can be none', () => {
    const code = (path: string) => files.code(files.opening(path, OPEN.create, FLAG.write));
    expect(code('a\0b')).toBe('invalid');
    expect(code('dir/file\0')).toBe('invalid');
    expect(code('\ud800')).toBe('illegal-byte-sequence');
    expect(code('x'.repeat(256))).toBe('name-too-long');
    expect(code('é'.repeat(128))).toBe('name-too-long');
    expect(code('x/'.repeat(2048))).toBe('name-too-long');
    expect(code('x'.repeat(10_000_000))).toBe('name-too-long');
    expect(code('x'.repeat(255))).toBe('ok');
    expect(code('é'.repeat(127))).toBe('ok');
  });

  test('12: what a terminal would act on is a name like any other', () => {
    const names = ['new\nline', '\x1b[31mred', 'tab\there', '\u2028', '__proto__', 'constructor'];
    for (const name of names) {
      files.put(name, name);
      expect(files.text(name)).toBe(name);
    }
    expect(files.names()).toEqual([...names, 'dir'].sort());
  });

  test('12: a name of the host that is no text is listed as such, and the others are there', () => {
    writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.of(0xff, 0x61)]), '');
    expect(files.names()).toEqual(['?', 'dir']);
  });

  describe('13: what is no file', () => {
    test('a pipe is neither opened nor waited for, and can be removed', () => {
      execFileSync('mkfifo', [join(directory, 'pipe')]);
      for (const flags of [FLAG.read, FLAG.write, FLAG.read | FLAG.write]) {
        for (const how of [0, OPEN.create, OPEN.truncate]) {
          expect(files.code(files.opening('pipe', how, flags))).toBe('not-permitted');
        }
      }
      const stat = files.get({ op: 'stat-at', ...at('pipe'), follow: true });
      expect(stat.type).toBe('fifo');
      expect(files.code({ op: 'unlink-file-at', ...at('pipe') })).toBe('ok');
    });

    test('a socket', async () => {
      const server = createServer().listen(join(directory, 'socket'));
      await new Promise((resolve) => server.once('listening', resolve));
      expect(files.code(files.opening('socket'))).toBe('not-permitted');
      const stat = files.get({ op: 'stat-at', ...at('socket'), follow: true });
      expect(stat.type).toBe('socket');
      await new Promise((resolve) => server.close(resolve));
    });

    test('devices and the system below the root of the host', () => {
      const root = openRoot('/');
      const source = { kind: 'host', path: '/' } as const;
      const modes = { write: false, create: false };
      const scope = { guest: '/', source, modes, quota: { bytes: 0, files: 0 } };
      const host = openFiles([{ scope, root: root.fd }], { take: () => false, give: () => {} });
      const base = { directory: host.preopens[0]!.handle, follow: true };
      const code = (path: string) => {
        const answer = host.perform({ op: 'open-at', ...base, path, openFlags: 0, flags: 1 });
        return 'outcome' in answer ? 'later' : answer.tag === 'ok' ? 'ok' : answer.val;
      };
      expect(code('etc/passwd')).toBe('ok');
      expect(code('dev/zero')).toBe('not-permitted');
      expect(code('dev/null')).toBe('not-permitted');
      for (const path of ['proc', 'proc/self', 'proc/self/environ', 'proc/self/mem', 'sys']) {
        expect([path, code(path)]).toEqual([path, 'access']);
      }
      const stat = host.perform({ op: 'stat-at', ...base, path: 'proc/self/environ' });
      expect(stat).toEqual({ tag: 'err', val: 'access' });
      host.close();
      root.close();
    });
  });

  test('16: what an agent had open is closed at its end', () => {
    const before = readdirSync('/proc/self/fd').length;
    const other = new Mounted('host');
    other.put('file', 'x');
    other.mkdir('dir');
    for (let turn = 0; turn < 100; turn += 1) {
      other.open('file', 0, FLAG.read | FLAG.write);
      other.open('dir');
      const { handle } = other.open('file', 0, FLAG.write);
      other.get({ op: 'append', file: handle, bytes: Buffer.of(1) });
      other.get({ op: 'close', handle });
    }
    other.get({ op: 'read-directory', directory: other.root });
    expect(readdirSync('/proc/self/fd').length).toBeGreaterThanOrEqual(before + 200);
    other.close();
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  });

  test('16: no refusal keeps anything open', () => {
    symlinkSync('../secret', join(directory, 'link'));
    execFileSync('mkfifo', [join(directory, 'pipe')]);
    const before = readdirSync('/proc/self/fd').length;
    for (const path of ['../x', 'dir/../../x', 'link', 'link/x', 'pipe', 'dir/file/x', 'none/x']) {
      for (let turn = 0; turn < 10; turn += 1) {
        everything(path);
      }
    }
    for (const handle of Array.from({ length: 300 }, (_, index) => index + 2)) {
      files.code({ op: 'close', handle });
    }
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });

  test('any sequence on any paths leaves the outside alone', () => {
    const segment = fc.constantFrom('a', 'b', 'out', 'abs', 'dir', '..', '..', '.', '', '\0', '…');
    const path = fc.array(segment, { minLength: 1, maxLength: 6 }).map((all) => all.join('/'));
    const ops = ['mkdir', 'put', 'symlink', 'link', 'rename', 'rmdir', 'unlink', 'times'] as const;
    const step = fc.record({ op: fc.constantFrom(...ops), path, to: path });
    const snapshot = () => [
      readdirSync(outside).sort(),
      readdirSync(join(outside, 'dir')),
      ...['secret', 'dir/secret', 'dir'].map((name) => lstatSync(join(outside, name)).mtimeMs),
      ...['secret', 'dir/secret'].map((name) => readFileSync(join(outside, name), 'utf8')),
    ];
    symlinkSync('../dir', join(directory, 'out'));
    symlinkSync(outside, join(directory, 'abs'));
    const before = snapshot();
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }), (steps) => {
        for (const { op, path, to } of steps) {
          const both = { ...at(path), newDirectory: files.root, newPath: to };
          const times = { accessed: TIME, modified: TIME };
          const opened = files.ask(files.opening(path, OPEN.create | OPEN.truncate, FLAG.write));
          if (opened.tag === 'ok' && opened.val.type === 'regular-file') {
            const file = opened.val.handle;
            files.code({ op: 'write', file, bytes: Buffer.from('guest'), offset: 0 });
          }
          if (opened.tag === 'ok') {
            files.code({ op: 'close', handle: opened.val.handle });
          }
          const requests: Record<(typeof ops)[number], FileRequest> = {
            mkdir: { op: 'create-directory-at', ...at(path) },
            put: files.opening(path),
            symlink: { op: 'symlink-at', ...at(path), target: to },
            link: { op: 'link-at', follow: true, ...both },
            rename: { op: 'rename-at', ...both },
            rmdir: { op: 'remove-directory-at', ...at(path) },
            unlink: { op: 'unlink-file-at', ...at(path) },
            times: { op: 'set-times-at', ...at(path), follow: true, ...times },
          };
          const answer = files.ask(requests[op]);
          if (op === 'put' && answer.tag === 'ok') {
            const { handle } = answer.val as { handle: number };
            files.code({ op: 'close', handle });
          }
        }
        expect(snapshot()).toEqual(before);
      }),
      { numRuns: 150 },
    );
  });
});
