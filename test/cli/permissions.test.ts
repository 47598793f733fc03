/**
 * Directories, policies and isolation by the real command line, with a guest that does to its files
 * what it reads on its standard input.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hostMountsSupported } from '../../src/wasm/host/files/root.ts';
import { guest, reportOf, ringfence, temporaryDirectory } from './ringfence.ts';

const scratch = temporaryDirectory();
const inScratch = (...names: string[]) => join(scratch.path, ...names);
afterAll(() => scratch.remove());

mkdirSync(inScratch('data'));
writeFileSync(inScratch('data', 'in.txt'), 'words');

const FILES = guest('file-puppet');

/** Lines for the guest; the first directory is 0, and 1 follows links, creates, and reads. */
const OPEN = 'open 0 in.txt a 1 0 1';
const READ = 'read a 64 0';
const create = (name: string) => `open 0 ${name} b 1 1 2`;

async function told(options: readonly string[], ...lines: readonly string[]) {
  const outcome = await ringfence(['run', ...options, FILES], { stdin: `${lines.join('\n')}\n` });
  return { ...outcome, lines: outcome.stdout.trimEnd().split('\n') };
}

test('nothing is mounted by default', async () => {
  expect((await told([], 'mounts')).lines).toEqual(['mounts ok']);
});

describe.runIf(hostMountsSupported)('--dir', () => {
  test('with :ro the module reads, and changes nothing', async () => {
    const options = ['--dir', `${inScratch('data')}::/data:ro`];
    const { lines, status } = await told(options, 'mounts', OPEN, READ, create('ro.txt'));
    expect(lines).toEqual([
      'mounts ok /data',
      'open ok',
      expect.stringMatching(/^read ok .*words/),
      'open err read-only',
    ]);
    expect(status).toBe(0);
    expect(existsSync(inScratch('data', 'ro.txt'))).toBe(false);
  });

  test('without it the module writes and creates', async () => {
    const options = ['--dir', `${inScratch('data')}::/data`];
    const { lines } = await told(options, create('rw.txt'), 'write b 0 more');
    expect(lines[0]).toBe('open ok');
    expect(readFileSync(inScratch('data', 'rw.txt'), 'utf8')).toBe('more');
  });

  test('a directory that is not there is wrong usage', async () => {
    const outcome = await told(['--dir', `${inScratch('none')}::/data`], 'mounts');
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(outcome.stderr).toMatch(/^ringfence: Cannot mount [^\n]+\n$/);
  });

  test.each(['shared', 'thread', 'process'])(
    'with --isolation %s it is the same',
    async (level) => {
      const options = ['--isolation', level, '--dir', `${inScratch('data')}::/data:ro`];
      const { lines } = await told(options, OPEN, READ, create('ro.txt'));
      expect(lines).toEqual(['open ok', expect.stringContaining('words'), 'open err read-only']);
    },
  );
});

test('--tmpfs is empty, and holds as much as is said', async () => {
  const { lines } = await told(
    ['--tmpfs', '/t:1KiB'],
    'mounts',
    OPEN,
    create('a'),
    'fill b 2048 0',
    'size b 8',
  );
  expect(lines.slice(0, 3)).toEqual(['mounts ok /t', 'open err no-entry', 'open ok']);
  expect(lines[3]).toMatch(/^fill err quota/);
  expect((await told(['--tmpfs', '/t'], create('a'), 'fill b 2048 0')).lines[1]).toMatch(
    /^fill ok/,
  );
});

describe.runIf(hostMountsSupported)('a policy', () => {
  const policy = inScratch('ringfence.toml');
  writeFileSync(
    policy,
    `version = 1
[defaults.limits]
fuel = 50_000_000
[[module]]
match = "${FILES}"
isolation = "thread"
[module.grants]
files = [{ host = "data", guest = "/data", modes = ["read", "write", "create"] }]
`,
  );
  const withPolicy = (...options: string[]) => ['--policy', policy, ...options];

  test('gives its module what it says, its directories beside itself', async () => {
    const { lines, status } = await told(withPolicy(), 'mounts', OPEN, READ, create('policy.txt'));
    expect(status).toBe(0);
    expect(lines).toEqual([
      'mounts ok /data',
      'open ok',
      expect.stringContaining('words'),
      'open ok',
    ]);
    const report = reportOf(await ringfence(['run', '--json', ...withPolicy(), FILES]));
    expect(report.limits.fuel).toBe(50_000_000);
  });

  test('is made less by an option, and more by none', async () => {
    const readOnly = ['--dir', `${inScratch('data')}::/x:ro`];
    const { lines } = await told(withPolicy(...readOnly), 'mounts', create('less.txt'));
    expect(lines).toEqual(['mounts ok /x', 'open err read-only']);
    const outside = ['--dir', `${scratch.path}::/x:ro`];
    expect(await told(withPolicy(...outside), 'mounts')).toMatchObject({ status: 2, stdout: '' });
    expect((await told(withPolicy('--widen', ...outside), 'mounts')).lines).toEqual([
      'mounts ok /x',
    ]);
  });

  test('refuses a module that it has no entry for', async () => {
    const outcome = await ringfence(['run', ...withPolicy(), guest('hello')]);
    expect(outcome).toMatchObject({ status: 126, stdout: '' });
    expect(outcome.stderr).toMatch(/^ringfence: refused: [^\n]*sha256:[0-9a-f]{64}[^\n]*\n$/);
  });

  test('is explained as it is run with', async () => {
    const { stdout, status } = await ringfence([
      'policy',
      'explain',
      '--json',
      ...withPolicy('--timeout=1s'),
      FILES,
    ]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      isolation: 'thread',
      limits: { fuel: 50_000_000, wall_time_ms: 1_000 },
      policy: { path: policy, line: 4 },
    });
  });
});

test('inspect says that files can be granted', async () => {
  expect((await ringfence(['inspect', FILES])).stdout).toContain('files (--dir)');
});
