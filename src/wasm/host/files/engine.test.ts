/**
 * Goal: each operation does what WASI says, on a directory of the host and in memory alike, and fails
 * with the code that a native program would see. Method: one suite, run over both.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DESCRIPTORS_MAX, READ_BYTES_MAX, WRITE_BYTES_MAX } from './caps.ts';
import { openFiles } from './engine.ts';
import { FLAG, type Kind, Mounted, type MountedOptions, OPEN } from './fixtures/mounted.ts';
import type { ErrorCode, FileRequest } from './request.ts';
import { hostMountsSupported, openRoot } from './root.ts';

const KINDS: Kind[] = hostMountsSupported ? ['host', 'memory'] : ['memory'];

describe.each(KINDS)('files (%s)', (kind) => {
  let files: Mounted;
  const mounts: Mounted[] = [];

  function mount(options: MountedOptions = {}): Mounted {
    const made = new Mounted(kind, options);
    mounts.push(made);
    return made;
  }

  beforeEach(() => {
    files = mount();
  });
  afterEach(() => {
    for (const made of mounts.splice(0)) {
      made.close();
    }
  });

  const at = (path: string) => ({ directory: files.root, path });

  describe('reading and writing', () => {
    test('what is written is read, at any offset, and the end is told', () => {
      const { handle: file } = files.open('a', OPEN.create, FLAG.read | FLAG.write);
      expect(files.get({ op: 'write', file, bytes: Buffer.from('hello'), offset: 3 })).toBe(5);
      const read = (length: number, offset: number) => {
        const { bytes, end } = files.get({ op: 'read', file, length, offset });
        return [Buffer.from(bytes).toString(), end];
      };
      expect(read(100, 0)).toEqual(['\0\0\0hello', false]);
      expect(read(2, 4)).toEqual(['el', false]);
      expect(read(100, 8)).toEqual(['', true]);
      expect(read(100, 1_000_000)).toEqual(['', true]);
      expect(read(0, 8)).toEqual(['', false]);
      expect(files.get({ op: 'append', file, bytes: Buffer.from('!') })).toBe(1);
      expect(files.text('a')).toBe('\0\0\0hello!');
    });

    test('across pages, with holes, made shorter and longer', () => {
      const { handle: file } = files.open('a', OPEN.create, FLAG.read | FLAG.write);
      const bytes = Buffer.alloc(10_000, 'abc');
      files.get({ op: 'write', file, bytes, offset: 5000 });
      files.get({ op: 'write', file, bytes: Buffer.from('X'), offset: 40_000 });
      const model = Buffer.alloc(40_001);
      bytes.copy(model, 5000);
      model.write('X', 40_000);
      const all = () =>
        Buffer.from(files.get({ op: 'read', file, length: 100_000, offset: 0 }).bytes);
      expect(all().equals(model)).toBe(true);
      files.get({ op: 'set-size', file, size: 6001 });
      expect(all().equals(model.subarray(0, 6001))).toBe(true);
      files.get({ op: 'set-size', file, size: 9000 });
      const longer = Buffer.alloc(9000);
      model.copy(longer, 0, 0, 6001);
      expect(all().equals(longer)).toBe(true);
    });

    test('one request moves a bounded number of bytes, whatever length is asked for', () => {
      const { handle: file } = files.open('a', OPEN.create, FLAG.read | FLAG.write);
      const bytes = Buffer.alloc(WRITE_BYTES_MAX + 1, 1);
      expect(files.get({ op: 'write', file, bytes, offset: 0 })).toBe(WRITE_BYTES_MAX);
      expect(files.get({ op: 'append', file, bytes })).toBe(WRITE_BYTES_MAX);
      for (const length of [READ_BYTES_MAX + 1, 2 ** 32, 2 ** 53, 2 ** 64]) {
        const answer = files.get({ op: 'read', file, length, offset: 0 });
        expect(answer.bytes).toHaveLength(READ_BYTES_MAX);
      }
    });

    test('a read hands on no more of the host than was read', () => {
      files.put('a', 'short');
      const { handle: file } = files.open('a');
      const { bytes } = files.get({ op: 'read', file, length: 4096, offset: 0 });
      expect(bytes.buffer.byteLength).toBe(5);
    });

    const far: [string, number, ErrorCode | 'ok', ErrorCode | 'ok', ErrorCode | 'ok'][] = [
      // offset, read, write of a byte, set-size
      ['2^53 - 1', 2 ** 53 - 1, 'ok', 'file-too-large', 'ok'],
      ['2^62', 2 ** 62, 'ok', 'file-too-large', 'file-too-large'],
      ['2^63', 2 ** 63, 'invalid', 'invalid', 'invalid'],
      ['2^64 - 1', 2 ** 64, 'invalid', 'invalid', 'invalid'],
      ['negative', -1, 'invalid', 'invalid', 'invalid'],
      ['no number', Number.NaN, 'invalid', 'invalid', 'invalid'],
      // Which the system is not told: it would write where its descriptor is, and no growth be counted.
      ['between two bytes', 0.5, 'invalid', 'invalid', 'invalid'],
    ];
    test.each(far)('14: an offset of %s', (_, offset, reading, writing, sizing) => {
      const { handle: file } = files.open('a', OPEN.create, FLAG.read | FLAG.write);
      expect(files.code({ op: 'read', file, length: 1, offset })).toBe(reading);
      expect(files.code({ op: 'write', file, bytes: Buffer.of(1), offset })).toBe(writing);
      const size = files.code({ op: 'set-size', file, size: offset });
      // The largest size that there is: the file system of the host may have none as large.
      expect([sizing, kind === 'host' ? 'file-too-large' : sizing]).toContain(size);
      expect(files.get({ op: 'stat', handle: file }).size).toBe(size === 'ok' ? offset : 0);
      expect(files.code({ op: 'write', file, bytes: Buffer.of(1), offset: 10 })).toBe('ok');
    });

    test('needs the flag of its descriptor', () => {
      files.put('a', 'text');
      const { handle: reading } = files.open('a', 0, FLAG.read);
      const { handle: writing } = files.open('a', 0, FLAG.write);
      const bytes = Buffer.of(1);
      const tried = (file: number) => [
        files.code({ op: 'read', file, length: 1, offset: 0 }),
        files.code({ op: 'write', file, bytes, offset: 0 }),
        files.code({ op: 'append', file, bytes }),
        files.code({ op: 'set-size', file, size: 1 }),
      ];
      expect(tried(reading)).toEqual(['ok', 'bad-descriptor', 'bad-descriptor', 'invalid']);
      expect(tried(writing)).toEqual(['bad-descriptor', 'ok', 'ok', 'ok']);
      expect(tried(files.root)).toEqual([
        'is-directory',
        'bad-descriptor',
        'bad-descriptor',
        'invalid',
      ]);
    });

    test('two descriptors of a file see the same content', () => {
      const { handle: one, object } = files.open('a', OPEN.create, FLAG.write);
      const { handle: other, object: same } = files.open('a');
      expect(same).toBe(object);
      files.get({ op: 'write', file: one, bytes: Buffer.from('x'), offset: 0 });
      const read = files.get({ op: 'read', file: other, length: 9, offset: 0 });
      expect(Buffer.from(read.bytes).toString()).toBe('x');
    });

    test('a file that was removed works on while it is open', () => {
      files.put('a', 'text');
      const { handle: file } = files.open('a', 0, FLAG.read | FLAG.write);
      files.get({ op: 'unlink-file-at', ...at('a') });
      expect(files.names()).toEqual([]);
      files.get({ op: 'append', file, bytes: Buffer.from('!') });
      const { bytes } = files.get({ op: 'read', file, length: 9, offset: 0 });
      expect(Buffer.from(bytes).toString()).toBe('text!');
      expect(files.get({ op: 'stat', handle: file }).linkCount).toBe(0);
    });

    test('sync answers later, and only one at a time', async () => {
      const { handle } = files.open('a', OPEN.create, FLAG.write);
      for (const thing of [handle, files.root]) {
        const first = files.host.perform({ op: 'sync', handle: thing, dataOnly: true });
        if (!('outcome' in first)) {
          throw new Error('it was answered at once');
        }
        expect(first.outcome).toBeNull();
        expect(files.code({ op: 'sync', handle, dataOnly: false })).toBe('would-block');
        await new Promise<void>((resolve) => first.onSettled(resolve));
        expect(first.outcome).toEqual({ tag: 'ok', val: { tag: 'ok', val: undefined } });
      }
      const { handle: reading } = files.open('a');
      expect(files.code({ op: 'sync', handle: reading, dataOnly: false })).toBe('ok');
    });

    test('a descriptor that is closed while it is synchronised stays open until then', async () => {
      const { handle } = files.open('a', OPEN.create, FLAG.write);
      const answer = files.host.perform({ op: 'sync', handle, dataOnly: false });
      files.get({ op: 'close', handle });
      expect(files.code({ op: 'stat', handle })).toBe('bad-descriptor');
      if ('outcome' in answer) {
        await new Promise<void>((resolve) => answer.onSettled(resolve));
        expect(answer.outcome).toMatchObject({ val: { tag: 'ok' } });
      }
    });

    test('advice is taken note of, where it makes sense', () => {
      files.put('a', 'x');
      const { handle: file } = files.open('a');
      expect(files.code({ op: 'advise', file, offset: 0, length: 9 })).toBe('ok');
      expect(files.code({ op: 'advise', file, offset: 2 ** 63, length: 9 })).toBe('invalid');
      const advised = { op: 'advise', file: files.root, offset: 0, length: 0 } as const;
      expect(files.code(advised)).toBe('bad-descriptor');
    });
  });

  describe('opening', () => {
    beforeEach(() => {
      files.put('file', 'text');
      files.mkdir('dir');
      files.put('dir/inner', 'inner');
      files.get({ op: 'symlink-at', ...at('link'), target: 'file' });
      files.get({ op: 'symlink-at', ...at('dirlink'), target: 'dir' });
      files.get({ op: 'symlink-at', ...at('dangling'), target: 'nothing' });
    });

    const cases: [string, number, number, boolean, ErrorCode | 'ok'][] = [
      ['file', 0, FLAG.read, true, 'ok'],
      ['file', OPEN.directory, FLAG.read, true, 'not-directory'],
      ['file/', 0, FLAG.read, true, 'not-directory'],
      ['file/.', 0, FLAG.read, true, 'not-directory'],
      ['file/x', 0, FLAG.read, true, 'not-directory'],
      ['nothing', 0, FLAG.read, true, 'no-entry'],
      ['nothing/x', OPEN.create, FLAG.read, true, 'no-entry'],
      ['nothing/', OPEN.create, FLAG.read, true, 'is-directory'],
      ['file', OPEN.create | OPEN.exclusive, FLAG.read, true, 'exist'],
      ['dir', OPEN.create | OPEN.exclusive, FLAG.read, true, 'exist'],
      ['dangling', OPEN.create | OPEN.exclusive, FLAG.read, true, 'exist'],
      ['dir', OPEN.create, FLAG.read, true, 'is-directory'],
      ['dir', 0, FLAG.write, true, 'is-directory'],
      ['dir', OPEN.truncate, FLAG.read, true, 'is-directory'],
      ['dir', 0, FLAG.read, true, 'ok'],
      ['dir/', OPEN.directory, FLAG.read | FLAG.mutate, true, 'ok'],
      ['.', 0, FLAG.read, true, 'ok'],
      ['dir/..', 0, FLAG.read, true, 'ok'],
      ['./dir/./inner', 0, FLAG.read, true, 'ok'],
      ['dir//inner', 0, FLAG.read, true, 'ok'],
      ['link', 0, FLAG.read, true, 'ok'],
      ['link', 0, FLAG.read, false, 'loop'],
      ['link/', 0, FLAG.read, false, 'not-directory'],
      ['dirlink', 0, FLAG.read, false, 'loop'],
      ['dirlink', OPEN.directory, FLAG.read, false, 'not-directory'],
      ['dirlink/', 0, FLAG.read, false, 'ok'],
      ['dirlink/inner', 0, FLAG.read, false, 'ok'],
      ['dangling', 0, FLAG.read, true, 'no-entry'],
      ['dangling', OPEN.create, FLAG.write, true, 'ok'],
      ['file', OPEN.directory | OPEN.create, FLAG.read, true, 'invalid'],
      ['file', 16, FLAG.read, true, 'invalid'],
      ['file', 0, 64, true, 'invalid'],
      ['file', 0, 0, true, 'ok'],
    ];
    test.each(cases)(
      '%j with open-flags %i, flags %i, follow %s: %s',
      (path, how, flags, follow, code) => {
        expect(files.code(files.opening(path, how, flags, follow))).toBe(code);
      },
    );

    test('a dangling link that is followed makes what it says', () => {
      files.open('dangling', OPEN.create, FLAG.write);
      expect(files.names()).toContain('nothing');
      expect(files.text('nothing')).toBe('');
    });

    test('truncates, and tells what it opened', () => {
      const opened = files.open('file', OPEN.truncate, FLAG.write);
      expect(opened).toMatchObject({ type: 'regular-file', flags: FLAG.write });
      expect(files.text('file')).toBe('');
      expect(files.open('dir', 0, FLAG.mutate)).toMatchObject({
        type: 'directory',
        flags: FLAG.read | FLAG.mutate,
      });
    });

    test('at most so many descriptors are open; closing one makes room', () => {
      const handles = Array.from({ length: DESCRIPTORS_MAX }, () => files.open('file').handle);
      expect(files.code(files.opening('file'))).toBe('insufficient-memory');
      const stream: FileRequest = { op: 'read-directory', directory: files.root };
      expect(files.code(stream)).toBe('insufficient-memory');
      expect(files.code(files.opening('new', OPEN.create))).toBe('insufficient-memory');
      expect(files.names.bind(files)).toThrow('insufficient-memory');
      files.get({ op: 'close', handle: handles[0]! });
      expect(files.code(files.opening('file'))).toBe('ok');
    });

    test('a handle that was closed, was never given, or is another kind of thing', () => {
      const { handle } = files.open('file');
      files.get({ op: 'close', handle });
      const next = files.open('file').handle;
      expect(next).not.toBe(handle);
      const stream = files.get({ op: 'read-directory', directory: files.root });
      for (const bad of [handle, 0, -1, 1.5, 1e9, Number.NaN, '1', null, {}] as number[]) {
        expect(files.code({ op: 'stat', handle: bad })).toBe('bad-descriptor');
        expect(files.code({ op: 'close', handle: bad })).toBe('bad-descriptor');
        expect(files.code(files.opening('file', 0, 1, true, bad))).toBe('bad-descriptor');
      }
      expect(files.code(files.opening('file', 0, 1, true, next))).toBe('not-directory');
      expect(files.code(files.opening('file', 0, 1, true, stream))).toBe('bad-descriptor');
      expect(files.code({ op: 'stat', handle: stream })).toBe('bad-descriptor');
      expect(files.code({ op: 'next-entries', stream: next })).toBe('bad-descriptor');
      expect(files.code({ op: 'read', file: stream, length: 1, offset: 0 })).toBe('bad-descriptor');
    });

    test('a root stays open', () => {
      files.get({ op: 'close', handle: files.root });
      expect(files.code(files.opening('file'))).toBe('ok');
    });

    test('after close nothing is open, and nothing can be opened', () => {
      const { handle } = files.open('file');
      files.host.close();
      for (const request of [
        files.opening('file'),
        { op: 'stat', handle },
        { op: 'close', handle },
      ] as FileRequest[]) {
        expect(files.code(request)).toBe('bad-descriptor');
      }
    });
  });

  describe('names', () => {
    beforeEach(() => {
      files.put('file', 'text');
      files.mkdir('dir');
      files.mkdir('dir/sub');
    });

    const made: [string, ErrorCode | 'ok'][] = [
      ['new', 'ok'],
      ['new/', 'ok'],
      ['dir', 'exist'],
      ['file', 'exist'],
      ['.', 'exist'],
      ['dir/..', 'exist'],
      ['', 'no-entry'],
      ['no/new', 'no-entry'],
      ['file/new', 'not-directory'],
    ];
    test.each(made)('making the directory %j: %s', (path, code) => {
      expect(files.code({ op: 'create-directory-at', ...at(path) })).toBe(code);
    });

    const removed: [string, ErrorCode | 'ok', ErrorCode | 'ok'][] = [
      // path, as a directory, as a file
      ['dir/sub', 'ok', 'is-directory'],
      ['dir/sub/', 'ok', 'is-directory'],
      ['dir', 'not-empty', 'is-directory'],
      ['file', 'not-directory', 'ok'],
      ['file/', 'not-directory', 'not-directory'],
      ['.', 'invalid', 'is-directory'],
      ['dir/.', 'invalid', 'is-directory'],
      ['dir/sub/..', 'not-empty', 'is-directory'],
      ['', 'no-entry', 'no-entry'],
      ['none', 'no-entry', 'no-entry'],
      ['none/', 'no-entry', 'no-entry'],
    ];
    test.each(removed)('11: removing %j: %s, %s', (path, asDirectory, asFile) => {
      expect(files.code({ op: 'remove-directory-at', ...at(path) })).toBe(asDirectory);
      if (asDirectory !== 'ok') {
        expect(files.code({ op: 'unlink-file-at', ...at(path) })).toBe(asFile);
      }
      expect(files.names()).toContain('dir');
    });

    const rename = (path: string, newPath: string) =>
      files.code({ op: 'rename-at', ...at(path), newDirectory: files.root, newPath });

    const renamed: [string, string, ErrorCode | 'ok'][] = [
      ['file', 'other', 'ok'],
      ['file', 'dir/other', 'ok'],
      ['file', 'file', 'ok'],
      ['dir', 'dir', 'ok'],
      ['dir', 'other/', 'ok'],
      ['dir/', 'other', 'ok'],
      ['file/', 'other', 'not-directory'],
      ['file', 'other/', 'not-directory'],
      ['file', 'dir', 'is-directory'],
      ['dir', 'file', 'not-directory'],
      ['dir', 'dir/sub/x', 'invalid'],
      ['dir/sub', 'dir', 'not-empty'],
      ['none', 'other', 'no-entry'],
      ['none', '', 'no-entry'],
      ['.', 'other', 'busy'],
      ['file', '.', 'busy'],
      ['file', 'dir/..', 'busy'],
    ];
    test.each(renamed)('renaming %j to %j: %s', (path, newPath, code) => {
      expect(rename(path, newPath)).toBe(code);
    });

    test('a rename replaces a file, and an empty directory', () => {
      files.put('other', 'old');
      files.mkdir('empty');
      expect(rename('file', 'other')).toBe('ok');
      expect(rename('dir', 'empty')).toBe('ok');
      expect(files.names()).toEqual(['empty', 'other']);
      expect(files.names('empty')).toEqual(['sub']);
      expect(files.text('other')).toBe('text');
    });

    test('a directory that is open stays itself when it is renamed or removed', () => {
      const { handle } = files.open('dir');
      files.put('dir/inner', 'inner');
      expect(rename('dir', 'moved')).toBe('ok');
      const { handle: inner } = files.open('inner', 0, FLAG.read, true, handle);
      expect(files.get({ op: 'stat', handle: inner }).size).toBe(5);
      files.get({ op: 'unlink-file-at', directory: handle, path: 'inner' });
      files.get({ op: 'remove-directory-at', directory: handle, path: 'sub' });
      files.get({ op: 'remove-directory-at', ...at('moved') });
      expect(files.code(files.opening('x', OPEN.create, FLAG.write, true, handle))).toBe(
        'no-entry',
      );
      expect(files.code({ op: 'create-directory-at', directory: handle, path: 'x' })).toBe(
        'no-entry',
      );
      const symlink = { op: 'symlink-at', directory: handle, path: 'x', target: 'y' } as const;
      expect(files.code(symlink)).toBe('no-entry');
      const moving = {
        op: 'rename-at',
        ...at('file'),
        newDirectory: handle,
        newPath: 'x',
      } as const;
      expect(files.code(moving)).toBe('no-entry');
      const stream = files.get({ op: 'read-directory', directory: handle });
      expect(files.get({ op: 'next-entries', stream })).toEqual([]);
    });

    const link = (path: string, newPath: string, follow = false) =>
      files.code({ op: 'link-at', ...at(path), follow, newDirectory: files.root, newPath });

    test('hard links are names of one file', () => {
      expect(link('file', 'dir/other')).toBe('ok');
      const identity = (path: string) =>
        files.get({ op: 'identity-at', ...at(path), follow: false });
      expect(identity('file')).toBe(identity('dir/other'));
      expect(identity('file')).not.toBe(identity('dir'));
      files.put('dir/other', 'changed');
      expect(files.text('file')).toBe('changed');
      expect(files.get({ op: 'stat-at', ...at('file'), follow: true }).linkCount).toBe(2);
      files.get({ op: 'unlink-file-at', ...at('file') });
      expect(files.text('dir/other')).toBe('changed');
    });

    test('hard links of what can have none, and where none can be', () => {
      files.get({ op: 'symlink-at', ...at('s'), target: 'file' });
      expect(link('dir', 'x')).toBe('not-permitted');
      expect(link('.', 'x')).toBe('not-permitted');
      expect(link('none', 'x')).toBe('no-entry');
      expect(link('', 'x')).toBe('no-entry');
      expect(link('file', '')).toBe('no-entry');
      expect(link('file/', 'x')).toBe('not-directory');
      expect(link('file', 'x/')).toBe('no-entry');
      expect(link('file', 'dir')).toBe('exist');
      expect(link('file', 'file')).toBe('exist');
      expect(link('file', '.')).toBe('exist');
      expect(link('s', 'x', true)).toBe('ok');
      expect(link('s', 'y', false)).toBe('ok');
      const type = (path: string) => files.get({ op: 'stat-at', ...at(path), follow: false }).type;
      expect([type('x'), type('y')]).toEqual(['regular-file', 'symbolic-link']);
    });

    const symlink = (target: string, path: string) =>
      files.code({ op: 'symlink-at', ...at(path), target });
    const readlink = (path: string) => files.ask({ op: 'readlink-at', ...at(path) }).val;

    test('symbolic links say what they were made to say', () => {
      expect(symlink('some/./where', 's')).toBe('ok');
      expect(readlink('s')).toBe('some/./where');
      expect(symlink('x', 's')).toBe('exist');
      expect(symlink('x', 'dir')).toBe('exist');
      expect(symlink('x', 'dir/')).toBe('exist');
      expect(symlink('x', 'new/')).toBe('no-entry');
      expect(symlink('x', '.')).toBe('exist');
      expect(symlink('', 'new')).toBe('no-entry');
      expect(symlink('x\0', 'new')).toBe('invalid');
      expect(symlink('\ud800', 'new')).toBe('illegal-byte-sequence');
      expect(symlink('x'.repeat(4096), 'new')).toBe('name-too-long');
      expect(readlink('file')).toBe('invalid');
      expect(readlink('dir')).toBe('invalid');
      expect(readlink('.')).toBe('invalid');
      expect(readlink('none')).toBe('no-entry');
      expect(readlink('s/')).toBe('no-entry');
    });
  });

  describe('attributes', () => {
    test('of files, directories and links', () => {
      files.put('file', 'text');
      files.get({ op: 'symlink-at', ...at('link'), target: 'file' });
      const stat = (path: string, follow: boolean) =>
        files.get({ op: 'stat-at', ...at(path), follow });
      expect(stat('file', false)).toMatchObject({ type: 'regular-file', size: 4, linkCount: 1 });
      expect(stat('link', false)).toMatchObject({ type: 'symbolic-link', size: 4 });
      expect(stat('link', true)).toMatchObject({ type: 'regular-file' });
      expect(stat('.', true)).toMatchObject({ type: 'directory' });
      expect(files.code({ op: 'stat-at', ...at('file/'), follow: true })).toBe('not-directory');
      expect(files.get({ op: 'stat', handle: files.root })).toEqual(stat('.', false));
    });

    test('an identity is the same for one agent, and says nothing to another', () => {
      files.put('a', 'x');
      files.put('b', 'x');
      const identity = (path: string) =>
        files.get({ op: 'identity-at', ...at(path), follow: true });
      const { handle } = files.open('a');
      expect(identity('a')).toMatch(/^[0-9a-f]{32}$/);
      expect(files.get({ op: 'identity', handle })).toBe(identity('a'));
      expect(identity('b')).not.toBe(identity('a'));
      const other = mount();
      other.put('a', 'x');
      const theirs = { op: 'identity-at', directory: other.root, path: '.', follow: true } as const;
      expect(other.get(theirs)).not.toBe(identity('.'));
      if (files.directory !== null) {
        const root = openRoot(files.directory);
        const scope = files.host.preopens[0]!.scope;
        const again = openFiles([{ scope, root: root.fd }], { take: () => true, give: () => {} });
        const same = again.perform({ ...theirs, directory: again.preopens[0]!.handle, path: 'a' });
        expect(same).toMatchObject({ tag: 'ok', val: expect.stringMatching(/^[0-9a-f]{32}$/) });
        expect(same).not.toMatchObject({ val: identity('a') });
        again.close();
        root.close();
      }
    });

    test('times are set, kept, and taken from the clock', () => {
      files.put('file', 'text');
      const { handle } = files.open('file');
      const accessed = { seconds: 1_000_000_000, nanoseconds: 500_000_000 };
      const modified = { seconds: 2, nanoseconds: 0 };
      files.get({ op: 'set-times', handle, accessed, modified });
      expect(files.get({ op: 'stat', handle })).toMatchObject({ accessed, modified });
      const later = { seconds: 1_900_000_000, nanoseconds: 0 };
      const change = { ...at('file'), follow: true, accessed: 'no-change' as const };
      files.get({ op: 'set-times-at', ...change, modified: later });
      expect(files.get({ op: 'stat', handle })).toMatchObject({ accessed, modified: later });
      const before = Date.now() / 1000 - 1;
      files.get({ op: 'set-times-at', ...change, modified: 'now' });
      const now = files.get({ op: 'stat', handle }).modified?.seconds ?? 0;
      expect(now).toBeGreaterThanOrEqual(Math.floor(before));
      expect(now).toBeLessThanOrEqual(Date.now() / 1000 + 1);
    });

    test('of a link itself, and of a directory', () => {
      files.put('file', 'text');
      files.get({ op: 'symlink-at', ...at('link'), target: 'file' });
      const times = { accessed: 'no-change', modified: { seconds: 7, nanoseconds: 0 } } as const;
      files.get({ op: 'set-times-at', ...at('link'), follow: false, ...times });
      const modified = (path: string, follow = false) =>
        files.get({ op: 'stat-at', ...at(path), follow }).modified?.seconds;
      expect(modified('link')).toBe(7);
      expect(modified('file')).not.toBe(7);
      files.get({ op: 'set-times-at', ...at('.'), follow: false, ...times });
      expect(modified('.')).toBe(7);
      files.get({ op: 'set-times-at', ...at('link'), follow: true, ...times });
      expect(modified('file')).toBe(7);
    });

    test('times that are none', () => {
      files.put('file', 'text');
      const { handle } = files.open('file');
      const set = (accessed: unknown) =>
        files.code({ op: 'set-times', handle, accessed, modified: 'now' } as FileRequest);
      expect(set({ seconds: 1, nanoseconds: 1_000_000_000 })).toBe('invalid');
      expect(set({ seconds: -1, nanoseconds: 0 })).toBe('invalid');
      expect(set({ seconds: 1.5, nanoseconds: 0 })).toBe('invalid');
      expect(set('yesterday')).toBe('invalid');
      expect(set(null)).toBe('invalid');
      expect(set({ seconds: 1, nanoseconds: 999_999_999 })).toBe('ok');
      expect(['overflow', 'ok']).toContain(set({ seconds: 2 ** 60, nanoseconds: 0 }));
    });

    test('entries come a few at a time, all of them, while others come and go', () => {
      const names = Array.from({ length: 100 }, (_, index) => `file-${index}`);
      for (const name of names) {
        files.put(name, '');
      }
      const stream = files.get({ op: 'read-directory', directory: files.root });
      const seen: (string | null)[] = [];
      for (;;) {
        const entries = files.get({ op: 'next-entries', stream });
        expect(entries.length).toBeLessThanOrEqual(64);
        if (entries.length === 0) {
          break;
        }
        seen.push(...entries.map(({ name }) => name));
        files.code({ op: 'unlink-file-at', ...at('file-0') });
      }
      expect(seen.sort()).toEqual(names.sort());
      expect(files.get({ op: 'next-entries', stream })).toEqual([]);
    });
  });

  describe('modes', () => {
    /** A mount with something in it, and what its modes let be done to it. */
    function modes(write: boolean, create: boolean) {
      const holder = { write: true, create: true };
      const mounted = mount({ modes: holder });
      mounted.put('file', 'text');
      mounted.mkdir('dir');
      mounted.get({ op: 'symlink-at', directory: mounted.root, path: 'link', target: 'file' });
      Object.assign(holder, { write, create });
      const { root } = mounted;
      const to = { newDirectory: root, newPath: 'new' };
      const code = (request: FileRequest) => mounted.code(request);
      const here = (path: string) => ({ directory: root, path });
      const { handle } = mounted.open('file');
      const set = { accessed: 'now', modified: 'now' } as const;
      return {
        read: code(mounted.opening('file')),
        list: code({ op: 'read-directory', directory: root }),
        write: code(mounted.opening('file', 0, FLAG.write)),
        truncate: code(mounted.opening('file', OPEN.truncate, FLAG.read)),
        overwrite: code(mounted.opening('file', OPEN.create | OPEN.truncate, FLAG.write)),
        mutate: code(mounted.opening('dir', 0, FLAG.mutate)),
        create: code(mounted.opening('made', OPEN.create, FLAG.write)),
        mkdir: code({ op: 'create-directory-at', ...here('dir2') }),
        symlink: code({ op: 'symlink-at', ...here('link2'), target: 'x' }),
        times: code({ op: 'set-times', handle, ...set }),
        timesAt: code({ op: 'set-times-at', ...here('file'), follow: true, ...set }),
        link: code({ op: 'link-at', ...here('file'), follow: true, ...to }),
        rename: code({ op: 'rename-at', ...here('file'), ...to }),
        rmdir: code({ op: 'remove-directory-at', ...here('dir') }),
        unlink: code({ op: 'unlink-file-at', ...here('link') }),
        readlink: code({ op: 'readlink-at', ...here('none') }),
      };
    }
    const all = modesOf('ok');
    function modesOf(code: ErrorCode | 'ok') {
      return {
        write: code,
        truncate: code,
        overwrite: code,
        mutate: code,
        create: code,
        mkdir: code,
        symlink: code,
        times: code,
        timesAt: code,
        link: code,
        rename: code,
        rmdir: code,
        unlink: code,
      };
    }
    const reading = { read: 'ok', list: 'ok', readlink: 'no-entry' };

    test('none: it can be read, and nothing else', () => {
      expect(modes(false, false)).toEqual({ ...reading, ...modesOf('read-only') });
    });

    test('write: what is there can be changed, and nothing made or removed', () => {
      expect(modes(true, false)).toEqual({
        ...reading,
        ...modesOf('read-only'),
        write: 'ok',
        truncate: 'ok',
        overwrite: 'ok',
        mutate: 'ok',
        times: 'ok',
        timesAt: 'ok',
      });
    });

    test('create: names can be made and removed, what is there is not changed', () => {
      expect(modes(false, true)).toEqual({
        ...reading,
        ...all,
        write: 'read-only',
        truncate: 'read-only',
        overwrite: 'read-only',
        times: 'read-only',
        timesAt: 'read-only',
      });
    });

    test('both: everything', () => {
      expect(modes(true, true)).toEqual({ ...reading, ...all });
    });

    test('create: what it made it can write, as long as it has it open', () => {
      const mounted = mount({ modes: { write: false, create: true } });
      const { handle } = mounted.open('new', OPEN.create, FLAG.write);
      const bytes = Buffer.from('x');
      expect(mounted.code({ op: 'write', file: handle, bytes, offset: 0 })).toBe('ok');
      const times = { accessed: 'now', modified: 'now' } as const;
      expect(mounted.code({ op: 'set-times', handle, ...times })).toBe('ok');
      mounted.get({ op: 'close', handle });
      expect(mounted.code(mounted.opening('new', 0, FLAG.write))).toBe('read-only');
    });
  });
});

test('no mounts cost nothing, and all agents share them', () => {
  const budget = { take: () => true, give: () => {} };
  const none = openFiles([], budget);
  expect(openFiles([], budget)).toBe(none);
  none.close();
  expect(none.preopens).toEqual([]);
  expect(none.perform({ op: 'stat', handle: 1 })).toEqual({ tag: 'err', val: 'bad-descriptor' });
});

test.each(KINDS)('a request of any shape is answered (%s)', (kind) => {
  const files = new Mounted(kind);
  const values = [undefined, null, 0, 1, -1, 'x', {}, [], Number.NaN, new Uint8Array(1), 1n];
  const names = [
    ...['open-at', 'close', 'read', 'write', 'append', 'set-size', 'advise', 'sync', 'stat'],
    ...['stat-at', 'set-times', 'set-times-at', 'create-directory-at', 'remove-directory-at'],
    ...['unlink-file-at', 'rename-at', 'link-at', 'symlink-at', 'readlink-at', 'read-directory'],
    ...['next-entries', 'identity', 'identity-at', '__proto__', 'constructor', 'toString', 5],
  ];
  for (const value of values) {
    expect(files.host.perform(value as never)).toMatchObject({ tag: 'err' });
    for (const op of names) {
      for (const other of values) {
        const request = {
          ...{ op, directory: files.root, file: value, handle: value, stream: value },
          ...{ path: other, newPath: value, newDirectory: files.root, target: other },
          ...{ length: value, offset: other, size: value, bytes: other, follow: value },
          ...{ openFlags: value, flags: other, accessed: value, modified: other, dataOnly: value },
        };
        const answer = files.host.perform(request as never);
        expect('outcome' in answer || answer.tag === 'ok' || answer.tag === 'err').toBe(true);
      }
    }
  }
  expect(files.code(files.opening('fine', OPEN.create))).toBe('ok');
  files.close();
});
