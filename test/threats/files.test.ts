/**
 * Goal: a guest reaches what is in its mounts, as its grant says, and nothing else of the host: not by
 * paths, links, races, special files, sizes or numbers. Method: a guest that does what it is told, run
 * in every isolation; beside its directory there are canaries. Each refusal beside the same act within
 * the grant. What the engine alone can show is in src/wasm/host/files/escape.test.ts.
 */

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { GrantsInput, LoadedModule, SpawnOptions } from '../../src/index.ts';
import { hostMountsSupported } from '../../src/wasm/host/files/root.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';
import { type Puppet, spawnPuppet } from '../support/puppet.ts';

const SECRET = 'the secret outside';
const FOLLOW = '1';
const CREATE = '1';
const READ = '1';
const WRITE = '2';

/** Turns of the race between two agents; the engine's own race has ten times as many. */
const TURNS = 1_000;

type Mounts = NonNullable<GrantsInput['files']>;

/** Words for the guest, escaped. */
const words = (all: readonly (string | number)[]): string =>
  all
    .map((word) => (/^%(?:surrogate|long\d+)$/.test(`${word}`) ? word : encodeURIComponent(word)))
    .join(' ');

describe.runIf(hostMountsSupported).each(['shared', 'thread', 'process'] as const)(
  'files of an agent (%s)',
  (isolation) => {
    let host: TestKernel;
    let module: LoadedModule;
    let outside: string;
    let directory: string;
    const puppets: Puppet[] = [];

    beforeAll(async () => {
      host = await testKernel();
      module = await host.kernel.load(guest('file-puppet'));
    });
    afterAll(async () => {
      await host.kernel.close();
      expect(host.warnings.filter((text) => !text.includes('isolation'))).toEqual([]);
    });
    beforeEach(() => {
      outside = mkdtempSync(join(tmpdir(), 'ringfence-threats-'));
      directory = join(outside, 'mounted');
      mkdirSync(join(directory, 'dir'), { recursive: true });
      mkdirSync(join(outside, 'dir'));
      writeFileSync(join(directory, 'dir', 'file'), 'inside');
      writeFileSync(join(outside, 'secret'), SECRET);
      writeFileSync(join(outside, 'dir', 'secret'), SECRET);
    });
    afterEach(async () => {
      await Promise.all(puppets.splice(0).map((puppet) => puppet.end()));
      const there = readdirSync(outside).sort();
      const secrets = ['secret', 'dir/secret'].map((name) =>
        readFileSync(join(outside, name), 'utf8'),
      );
      const listed = readdirSync(join(outside, 'dir'));
      rmSync(outside, { recursive: true });
      expect([there, listed, secrets]).toEqual([
        ['dir', 'mounted', 'secret'],
        ['secret'],
        [SECRET, SECRET],
      ]);
    });

    const all = ['read', 'write', 'create'] as const;
    const mounts = (modes: readonly (typeof all)[number][] = all): Mounts => [
      { host: directory, guest: '/', modes: [...modes] },
    ];

    async function start(
      files: Mounts = mounts(),
      options: Omit<SpawnOptions, 'module' | 'grants'> = {},
    ): Promise<(...all: (string | number)[]) => Promise<string>> {
      const puppet = await spawnPuppet(host.kernel, module, {
        ...options,
        grants: { files },
        isolation,
      });
      puppets.push(puppet);
      return async (...all) => {
        const answer = await puppet.tell(words(all));
        expect(answer).not.toContain(outside);
        return answer;
      };
    }

    const open = (path: string, name = 'f', how = '0', flags = READ) =>
      ['open', '0', path, name, FOLLOW, how, flags] as const;

    /** Every act on a path of the first mount, and what it answers. */
    async function everything(
      tell: Awaited<ReturnType<typeof start>>,
      path: string,
    ): Promise<string[]> {
      const acts: (readonly (string | number)[])[] = [
        open(path),
        open(path, 'w', '0', WRITE),
        open(path, 'w', '9', WRITE),
        ['stat', '0', path, FOLLOW],
        ['hash', '0', path],
        ['times', '0', path, FOLLOW],
        ['readlink', '0', path],
        ['mkdir', '0', path],
        ['symlink', '0', 'dir', path],
        ['link', '0', path, '0', 'stolen', FOLLOW],
        ['rename', '0', path, '0', 'stolen'],
        ['link', '0', 'dir/file', '0', path, '0'],
        ['rename', '0', 'dir/file', '0', path],
        ['unlink', '0', path],
        ['rmdir', '0', path],
      ];
      const answers: string[] = [];
      for (const act of acts) {
        answers.push((await tell(...act)).replace(/^\S+ /, ''));
      }
      return answers;
    }

    const refused = Array(15).fill('err not-permitted');

    test('01, 02: dots and absolute paths lead nowhere', async () => {
      const tell = await start();
      for (const path of [
        '../secret',
        'dir/../../secret',
        './../secret',
        '..',
        '/etc/passwd',
        '//x',
      ]) {
        expect([path, ...(await everything(tell, path))]).toEqual([path, ...refused]);
      }
      expect(await tell(...open('\\..\\secret'))).toBe('open err no-entry');
      expect(await tell(...open('dir/../dir/./file'))).toBe('open ok');
      expect(await tell('read', 'f', 100, 0)).toBe('read ok 6 inside');
    });

    test('03: no link to the outside is made, nor moved to where it would be one', async () => {
      const tell = await start();
      for (const target of ['../secret', '/etc/passwd', 'dir/../../secret', '..']) {
        expect(await tell('symlink', '0', target, 'l')).toBe('symlink err not-permitted');
      }
      expect(await tell('symlink', '0', '../dir/file', 'dir/l')).toBe('symlink ok');
      expect(await tell('rename', '0', 'dir/l', '0', 'l')).toBe('rename err not-permitted');
      expect(await tell('link', '0', 'dir/l', '0', 'l', '0')).toBe('link err not-permitted');
      expect(await tell(...open('dir/l'))).toBe('open ok');
      expect(await tell('read', 'f', 100, 0)).toBe('read ok 6 inside');
    });

    test('03: a link that leads out since its directory was moved is not followed', async () => {
      const tell = await start();
      await tell('mkdir', '0', 'dir/deep');
      expect(await tell('symlink', '0', '../../secret', 'dir/deep/l')).toBe('symlink ok');
      expect(await tell('rename', '0', 'dir/deep', '0', 'up')).toBe('rename ok');
      expect(readFileSync(join(directory, 'up/l'), 'utf8')).toBe(SECRET);
      for (const how of ['0', '1', '9']) {
        expect(await tell(...open('up/l', 'w', how, WRITE))).toBe('open err not-permitted');
      }
    });

    test('04, 08: links that were there are not followed out, by no act', async () => {
      const links = { relative: '../secret', absolute: '/etc/passwd', folder: '../dir', self: '/' };
      for (const [name, target] of Object.entries(links)) {
        symlinkSync(target, join(directory, name));
      }
      symlinkSync('dir', join(directory, 'within'));
      const tell = await start();
      for (const name of Object.keys(links)) {
        expect(await everything(tell, `${name}/x`)).toEqual(refused);
        expect(await tell(...open(name))).toBe('open err not-permitted');
        expect(await tell(...open(name, 'w', '9', WRITE))).toBe('open err not-permitted');
        expect(await tell('stat', '0', name, FOLLOW)).toBe('stat err not-permitted');
        expect(await tell('times', '0', name, FOLLOW)).toBe('times err not-permitted');
        expect(await tell('unlink', '0', name)).toBe('unlink ok');
      }
      expect(await tell(...open('within/file'))).toBe('open ok');
    });

    test('05: an open directory stays itself when a link takes its place', async () => {
      const tell = await start();
      expect(await tell(...open('dir', 'd'))).toBe('open ok');
      renameSync(join(directory, 'dir'), join(directory, 'moved'));
      symlinkSync('../dir', join(directory, 'dir'));
      expect(await tell('open', 'd', 'secret', 'f', FOLLOW, '0', READ)).toBe('open err no-entry');
      expect(await tell('open', 'd', 'file', 'f', FOLLOW, '0', READ)).toBe('open ok');
      expect(await tell('open', 'd', 'new', 'n', FOLLOW, CREATE, WRITE)).toBe('open ok');
      expect(existsSync(join(directory, 'moved', 'new'))).toBe(true);
      expect(await tell('list', 'd')).toBe('list ok');
      const entries = [
        await tell('entry', 'd'),
        await tell('entry', 'd'),
        await tell('entry', 'd'),
      ];
      expect(entries.sort()).toEqual([
        'entry ok',
        'entry ok regular-file file',
        'entry ok regular-file new',
      ]);
      expect(await tell(...open('dir/secret'))).toBe('open err not-permitted');
    });

    test('06: two agents of one directory: what one moves meanwhile leads the other nowhere', async () => {
      const attacker = await start();
      const prober = await start();
      await attacker('mkdir', '0', 'dir/deep');
      await attacker('mkdir', '0', 'here');
      expect(await attacker('symlink', '0', '../../here', 'dir/deep/l')).toBe('symlink ok');
      writeFileSync(join(directory, 'here', 'secret'), 'inside');
      mkdirSync(join(outside, 'here'));
      writeFileSync(join(outside, 'here', 'secret'), SECRET);
      // In its place the link leads into the mount, in the other one out of it.
      const [swapped, below, above] = await Promise.all([
        attacker('swap', '0', 'dir/deep', 'up', TURNS),
        prober('probe', '0', 'dir/deep/l/secret', TURNS),
        prober('probe', '0', 'up/l/secret', TURNS),
      ]);
      rmSync(join(outside, 'here'), { recursive: true });
      expect(swapped).toBe(`swap ok ${2 * TURNS}`);
      expect(`${below} ${above}`).not.toContain('outside');
      expect(below).toMatch(/inside=\d+/);
      const met = `${below} ${above}`.matchAll(/ ([a-z-]+)=/g);
      for (const [, what = ''] of met) {
        expect(['inside', 'no-entry', 'not-permitted']).toContain(what);
      }
    }, 120_000);

    test('07: 40 links are followed, 41 and one to itself are not', async () => {
      symlinkSync('dir', join(directory, 'l0'));
      for (let link = 1; link <= 40; link += 1) {
        symlinkSync(`l${link - 1}`, join(directory, `l${link}`));
      }
      symlinkSync('self', join(directory, 'self'));
      const tell = await start();
      expect(await tell(...open('l39'))).toBe('open ok');
      expect(await tell(...open('l40'))).toBe('open err loop');
      expect(await tell(...open('self/x'))).toBe('open err loop');
    });

    test('09: nothing is linked or renamed from one mount to another', async () => {
      mkdirSync(join(directory, 'writable'));
      const tell = await start([
        { host: directory, guest: '/read', modes: ['read'] },
        { host: join(directory, 'writable'), guest: '/write', modes: ['read', 'write', 'create'] },
        { host: directory, guest: '/too', modes: ['read', 'write', 'create'] },
      ]);
      for (const [from, to, code] of [
        ['0', '1', 'read-only'],
        ['1', '0', 'read-only'],
        ['2', '1', 'cross-device'],
        ['1', '2', 'cross-device'],
      ] as const) {
        expect(await tell('link', from, 'dir/file', to, 'x', '0')).toBe(`link err ${code}`);
        expect(await tell('rename', from, 'dir/file', to, 'x')).toBe(`rename err ${code}`);
      }
      expect(await tell('link', '2', 'dir/file', '2', 'x', '0')).toBe('link ok');
      expect(await tell('open', '0', 'x', 'f', FOLLOW, '0', WRITE)).toBe('open err read-only');
      expect(await tell('open', '0', 'x', 'f', FOLLOW, '0', READ)).toBe('open ok');
    });

    test('10, 11: slashes at the end, and the root itself', async () => {
      const tell = await start();
      const answers = async (path: string) => (await everything(tell, path)).join(', ');
      expect(await answers('dir/file/')).toBe(
        [
          ...['err not-directory', 'err not-directory', 'err is-directory', 'err not-directory'],
          ...['err not-directory', 'err not-directory', 'err not-directory', 'err exist'],
          ...['err exist', 'err not-directory', 'err not-directory', 'err exist'],
          ...['err not-directory', 'err not-directory', 'err not-directory'],
        ].join(', '),
      );
      expect(await tell('unlink', '0', '.')).toBe('unlink err is-directory');
      expect(await tell('rmdir', '0', '.')).toBe('rmdir err invalid');
      expect(await tell('rmdir', '0', 'dir/..')).toBe('rmdir err not-empty');
      expect(await tell('rename', '0', '.', '0', 'x')).toBe('rename err busy');
      expect(await tell('rename', '0', 'dir', '0', '.')).toBe('rename err busy');
      for (const word of ['rmdir', 'unlink', 'mkdir', 'readlink']) {
        expect(await tell(word, '0', '')).toBe(`${word} err no-entry`);
      }
      expect(readdirSync(directory)).toEqual(['dir']);
      expect(await tell('mkdir', '0', 'new/')).toBe('mkdir ok');
      expect(await tell('rmdir', '0', 'new/')).toBe('rmdir ok');
    });

    test('12: names that can be none, and names that a terminal would act on', async () => {
      const tell = await start();
      const make = (path: string) => tell(...open(path, 'f', CREATE, WRITE));
      expect(await make('a\0b')).toBe('open err invalid');
      expect(await make('%long256')).toBe('open err name-too-long');
      expect(await make('%long4097')).toBe('open err name-too-long');
      expect(await make('%long1000000')).toBe('open err name-too-long');
      expect(await make('%long255')).toBe('open ok');
      for (const name of ['new\nline', '\x1b[31mred', '__proto__', '\u2028', 'é', 'E\u0301']) {
        expect(await make(name)).toBe('open ok');
        expect(await tell('stat', '0', name, '0')).toBe('stat ok regular-file 0');
        expect(existsSync(join(directory, name))).toBe(true);
      }
    });

    test('12: half of a pair is no text', async () => {
      const tell = await start();
      // The canonical ABI puts U+FFFD or a trap in its place; no such name is ever made.
      const answer = await tell(...open('%surrogate', 'f', CREATE, WRITE));
      expect(answer).toMatch(/^open (?:ok|err illegal-byte-sequence)$|^ended: trap/);
      expect(readdirSync(directory).every((name) => name.isWellFormed())).toBe(true);
    });

    test('13: pipes and devices are not opened, and nothing waits for them', async () => {
      execFileSync('mkfifo', [join(directory, 'pipe')]);
      const tell = await start();
      for (const flags of [READ, WRITE, '3']) {
        expect(await tell(...open('pipe', 'f', '0', flags))).toBe('open err not-permitted');
      }
      expect(await tell('stat', '0', 'pipe', FOLLOW)).toBe('stat ok fifo 0');
      expect(await tell('unlink', '0', 'pipe')).toBe('unlink ok');
    });

    test('13: below the root of the host, neither devices nor what the system shows of itself', async () => {
      const tell = await start([{ host: '/', guest: '/', modes: ['read'] }]);
      expect(await tell(...open('dev/zero'))).toBe('open err not-permitted');
      for (const path of ['proc/self/environ', 'proc/self/mem', 'proc/1/root', 'sys/kernel']) {
        expect(await tell(...open(path))).toBe('open err access');
        expect(await tell('stat', '0', path, FOLLOW)).toBe('stat err access');
      }
      expect(await tell('readlink', '0', 'proc/self/exe')).toBe('readlink err access');
      expect(await tell(...open('etc/passwd'))).toBe('open ok');
    });

    test('13: what the system shows of itself is not mounted', async () => {
      for (const path of ['/proc', '/proc/self', '/sys']) {
        await expect(start([{ host: path, guest: '/' }])).rejects.toMatchObject({
          code: 'RF_FILE',
          message: expect.stringContaining('a view of the system'),
        });
      }
    });

    test('14: lengths, offsets and sizes of 64 bits', async () => {
      const tell = await start();
      expect(await tell(...open('dir/file', 'f', '0', '3'))).toBe('open ok');
      for (const length of ['4294967296', '9007199254740992', '18446744073709551615']) {
        expect(await tell('read', 'f', length, 0)).toBe('read ok 6 inside');
      }
      for (const offset of ['9223372036854775808', '18446744073709551615']) {
        expect(await tell('read', 'f', 1, offset)).toBe('read err invalid');
        expect(await tell('write', 'f', offset, 'x')).toBe('write err invalid');
        expect(await tell('size', 'f', offset)).toBe('size err invalid');
      }
      expect(await tell('read', 'f', 1, '9223372036854775807')).toMatch(
        /^read (?:ok 0 |err invalid)$/,
      );
      expect(await tell('size', 'f', '1152921504606846976')).toBe('size err file-too-large');
      expect(await tell('write', 'f', '4611686018427387904', 'x')).toBe('write err file-too-large');
      expect(await tell('in', 'f', '18446744073709551615')).toBe('in ok');
      expect(await tell('next', 'f', 100)).toBe('next err invalid');
      expect(lstatSync(join(directory, 'dir/file')).size).toBe(6);
    });

    test('15: names that differ in case or form are different ones', async () => {
      const tell = await start();
      for (const name of ['name', 'NAME', 'n\u00e4me', 'na\u0308me', 'NUL.txt', 'file::$DATA']) {
        expect(await tell(...open(name, 'f', '5', WRITE))).toBe('open ok');
      }
    });

    test('16: a million descriptors are not had, and those that are go with the agent', async () => {
      const before = readdirSync('/proc/self/fd').length;
      const tell = await start();
      expect(await tell('keep', '0', 'dir/file', 1_000_000, FOLLOW, '0', READ)).toBe(
        'keep ok 256 insufficient-memory',
      );
      expect(await tell(...open('dir/file'))).toBe('open err insufficient-memory');
      expect(await tell('list', '0')).toBe('list err insufficient-memory');
      expect(await tell('stat', '0', 'dir/file', FOLLOW)).toBe('stat ok regular-file 6');
      const other = await start();
      expect(await other(...open('dir/file'))).toBe('open ok');
      const during = readdirSync('/proc/self/fd').length;
      expect(during).toBeGreaterThanOrEqual(before + 256);
      await Promise.all(puppets.splice(0).map((puppet) => puppet.end()));
      await expect.poll(() => readdirSync('/proc/self/fd').length).toBeLessThan(before + 20);
    });

    describe('17: the disk', () => {
      const MIB = 1024 * 1024;

      test('17: is filled up to the limit and no further, and the report says how far', async () => {
        const tell = await start(mounts(), { limits: { diskBytes: 2 * MIB } });
        expect(await tell(...open('a', 'f', CREATE, WRITE))).toBe('open ok');
        expect(await tell('fill', 'f', MIB, 0)).toBe(`fill ok ${MIB}`);
        expect(await tell('fill', 'f', MIB, MIB)).toBe('fill err quota');
        expect(await tell('size', 'f', 2 ** 40)).toBe('size err quota');
        expect(await tell('fill', 'f', MIB - 65_536, MIB)).toBe(`fill ok ${MIB - 65_536}`);
        expect(await tell('out', 'f')).toBe('out ok');
        let put = 'put ok';
        for (let turn = 0; turn < 100 && put === 'put ok'; turn += 1) {
          put = await tell('put', 'f', 'x'.repeat(4096));
        }
        expect(put).toBe('put err quota');
        expect(await tell('put', 'f', 'x')).toBe('put err closed');
        expect(lstatSync(join(directory, 'a')).size).toBeLessThanOrEqual(2 * MIB);
        const [puppet] = puppets.splice(0);
        await puppet?.end();
        const report = await puppet?.agent.exited;
        expect(report?.usage.disk_bytes).toBeGreaterThan(MIB);
        expect(report?.usage.disk_bytes).toBeLessThanOrEqual(2 * MIB);
      });

      test('17: each mount has its own quota, of bytes and of files', async () => {
        const quota = { bytes: 64 * 1024, files: 5 };
        const tell = await start([
          { host: directory, guest: '/', modes: [...all], quota },
          { memory: true, guest: '/tmp', quota },
        ]);
        for (const mount of ['0', '1']) {
          for (let file = 0; file < 5; file += 1) {
            const made = await tell('open', mount, `n${file}`, 'f', FOLLOW, CREATE, WRITE);
            expect(made).toBe('open ok');
          }
          expect(await tell('mkdir', mount, 'one-more')).toBe('mkdir err quota');
          expect(await tell('fill', 'f', 128 * 1024, 0)).toBe('fill err quota');
          expect(await tell('fill', 'f', 32 * 1024, 0)).toBe('fill ok 32768');
          expect(await tell('unlink', mount, 'n0')).toBe('unlink ok');
          expect(await tell('mkdir', mount, 'one-more')).toBe('mkdir ok');
        }
      });
    });

    test('18: of two mounts, one named like the beginning of the other, each is its own', async () => {
      mkdirSync(join(directory, 'data'));
      mkdirSync(join(directory, 'data2'));
      writeFileSync(join(directory, 'data2', 'file'), 'two');
      const tell = await start([
        { host: join(directory, 'data2'), guest: '/data2', modes: ['read'] },
        { host: join(directory, 'data'), guest: '/data', modes: ['read', 'write', 'create'] },
      ]);
      expect(await tell('mounts')).toBe('mounts ok /data2 /data');
      expect(await tell('open', '1', 'file', 'f', FOLLOW, '0', READ)).toBe('open err no-entry');
      expect(await tell('open', '1', '../data2/file', 'f', FOLLOW, '0', READ)).toBe(
        'open err not-permitted',
      );
      expect(await tell('open', '0', 'made', 'f', FOLLOW, CREATE, WRITE)).toBe(
        'open err read-only',
      );
      expect(await tell('open', '1', 'made', 'f', FOLLOW, CREATE, WRITE)).toBe('open ok');
      expect(await tell('open', '0', 'file', 'f', FOLLOW, '0', READ)).toBe('open ok');
      expect(readdirSync(join(directory, 'data'))).toEqual(['made']);
    });

    test('32: what a mode denies is counted and reported', async () => {
      const tell = await start(mounts(['read']));
      expect(await tell('mkdir', '0', 'new')).toBe('mkdir err read-only');
      expect(await tell('mkdir', '0', 'new')).toBe('mkdir err read-only');
      expect(await tell(...open('dir/file', 'f', '0', WRITE))).toBe('open err read-only');
      expect(await tell(...open('dir/file'))).toBe('open ok');
      const [puppet] = puppets.splice(0);
      await puppet?.end();
      const { denied } = (await puppet?.agent.exited) ?? {};
      expect(denied).toEqual([
        {
          capability: 'files',
          operation: 'filesystem.descriptor.create-directory-at',
          count: 2,
        },
        { capability: 'files', operation: 'filesystem.descriptor.open-at', count: 1 },
      ]);
    });

    test('streams, syncing, identity: what is allowed works', async () => {
      const tell = await start([...mounts(), { memory: true, guest: '/tmp' }]);
      for (const mount of ['0', '1']) {
        expect(await tell('open', mount, 'a', 'f', FOLLOW, CREATE, '3')).toBe('open ok');
        expect(await tell('out', 'f', 3)).toBe('out ok');
        expect(await tell('put', 'f', 'hello')).toBe('put ok');
        expect(await tell('sync', 'f')).toBe('sync ok');
        expect(await tell('in', 'f', 4)).toBe('in ok');
        expect(await tell('next', 'f', 100)).toBe('next ok 4 ello');
        expect(await tell('next', 'f', 100)).toBe('next err closed');
        expect(await tell('open', mount, 'a', 'g', FOLLOW, '0', READ)).toBe('open ok');
        expect(await tell('same', 'f', 'g')).toBe('same ok yes');
        expect(await tell('same', 'f', mount)).toBe('same ok no');
        expect(await tell('hash', 'f')).toBe(await tell('hash', mount, 'a'));
        expect(await tell('drop', 'f')).toBe('drop ok');
        expect(await tell('read', 'g', 100, 0)).toBe('read ok 8 \0\0\0hello');
      }
      expect(await tell('mounts')).toBe('mounts ok / /tmp');
    });
  },
);
