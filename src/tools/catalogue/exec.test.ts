/**
 * Goal (family 40): a command gets the arguments that its writer meant, nothing of the host's environment, and
 * ends with all that it has started. Method: real programs, Node itself among them, and each refusal beside what
 * is let through.
 */

import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Caller, ToolRegistry } from '../registry.ts';
import { catalogueTools } from './catalogue.ts';
import type { ExecInput } from './exec-command.ts';

/** Says what it was given, as JSON. */
const SAY = [
  '-e',
  'process.stdout.write(JSON.stringify({ args: process.argv.slice(1), env: process.env, cwd: process.cwd() }))',
  '--',
];

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ringfence-exec-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let registry: ToolRegistry;
let failures: string[];
let canChange: (path: string) => boolean;
beforeEach(() => {
  failures = [];
  registry = new ToolRegistry((_, error) => failures.push(String(error)));
  canChange = () => false;
});

function offer(exec: ExecInput): void {
  const parts = {
    reachOf: () => ({
      hasClocks: false,
      environment: [],
      owner: 'x',
      files: {} as never,
      fetch: () => Promise.reject(new Error('nobody asks for it')),
      canChange: (path: string) => canChange(path),
    }),
    kv: {} as never,
  };
  for (const { description, handler } of catalogueTools({ exec }, parts)) {
    registry.register(description, handler);
  }
}

const node = (more: Partial<ExecInput[string]> = {}): ExecInput => ({
  say: { command: process.execPath, arguments: [...SAY, 'fixed', { name: 'value' }], ...more },
});

async function call(args: unknown, more: Partial<Caller> = {}, name = 'exec.say') {
  const json = typeof args === 'string' ? args : JSON.stringify(args);
  const outcome = await registry.call(name, json, {
    pid: 1,
    agentId: 'agent',
    owner: 'owner',
    signal: new AbortController().signal,
    admit: () => ({ until: new AbortController().signal }),
    ...more,
  });
  return outcome.tag === 'ok'
    ? (JSON.parse(outcome.val) as Record<string, unknown>)
    : `${outcome.error}: ${outcome.message}`;
}

async function said(
  args: unknown,
): Promise<{ args: string[]; env: Record<string, string>; cwd: string }> {
  const answer = await call(args);
  expect(answer).toMatchObject({ exitCode: 0, signal: null, truncated: false });
  return JSON.parse((answer as { stdout: string }).stdout);
}

describe('40: what an agent puts in a place', () => {
  test.each([
    'word',
    'two words',
    '$(touch /tmp/x)',
    '`id`',
    '; rm -rf /',
    '| cat /etc/passwd',
    '&& id',
    '$HOME $PATH',
    '*',
    '\'"\\',
    '../../etc/passwd',
    '',
    'ü€😀',
    'a=-b',
  ])('is one argument, as it is: %j', async (value) => {
    offer(node());
    expect((await said({ value })).args).toEqual(['fixed', value]);
  });

  test.each([
    ['--version', /begins with '-'/],
    ['-o/tmp/out', /begins with '-'/],
    ['-', /begins with '-'/],
    ['two\nlines', /control character/],
    ['two\r', /control character/],
    ['\u0000', /control character/],
    ['\u001b[2J', /control character/],
    ['\u2028', /control character/],
    ['\ud800', /control character/],
    ['x'.repeat(4_097), /must NOT have more than 4096 characters/],
  ])('is refused where it could be taken for something else: %j', async (value, why) => {
    offer(node());
    expect(await call({ value })).toMatch(/^invalid: arguments\/value: /);
    expect(await call({ value })).toMatch(why);
  });

  test('begins with a dash only where that was meant', async () => {
    offer(node({ arguments: [...SAY, { name: 'value', dash: true }] }));
    expect((await said({ value: '--fine' })).args).toEqual(['--fine']);
    expect(await call({ value: '--no\n' })).toMatch(/^invalid/);
  });

  test('has to fit its schema', async () => {
    const count = { name: 'n', schema: { type: 'integer', minimum: 1, maximum: 9 } };
    const word = { name: 'w', optional: true, schema: { enum: ['a', 'b'] } };
    offer(node({ arguments: [...SAY, count, word] }));
    expect((await said({ n: 3 })).args).toEqual(['3']);
    expect((await said({ n: 3, w: 'b' })).args).toEqual(['3', 'b']);
    expect(await call({ n: 10 })).toMatch(/^invalid: arguments\/n: must be <= 9/);
    expect(await call({ n: '3' })).toMatch(/^invalid: arguments\/n/);
    expect(await call({ n: 3, w: 'c' })).toMatch(/^invalid: arguments\/w/);
    expect(await call({ n: 3, w: ['a'] })).toMatch(/^invalid: arguments\/w/);
    expect(await call({ n: 3, other: 1 })).toMatch(/^invalid: arguments\/other: is not known/);
    expect(await call({})).toMatch(/^invalid: arguments\/n: is missing/);
    expect(await call('{"n":3,"__proto__":{"w":"a"}}')).toMatch(/^invalid/);
  });

  test('can be a number below nothing only where a dash may be', async () => {
    const place = { name: 'n', schema: { type: 'number' } };
    offer(node({ arguments: [...SAY, place] }));
    expect(await call({ n: -1 })).toMatch(/begins with '-'/);
    expect((await said({ n: 1 })).args).toEqual(['1']);
  });
});

describe('40: a command', () => {
  test('has its own environment and directory, and none of the host', async () => {
    process.env.RINGFENCE_TEST_SECRET = 'secret';
    try {
      offer(node({ environment: { ONLY: 'this' }, cwd: directory }));
      const { env, cwd } = await said({ value: 'x' });
      expect(env).toEqual({ ONLY: 'this' });
      expect(cwd).toBe(directory);
    } finally {
      delete process.env.RINGFENCE_TEST_SECRET;
    }
  });

  test('is found by its path and nowhere else', async () => {
    const before = process.env.PATH;
    const fake = join(directory, 'true');
    writeFileSync(fake, '#!/bin/sh\necho shadow\n');
    chmodSync(fake, 0o755);
    process.env.PATH = `${directory}:${before}`;
    try {
      offer({ say: { command: '/bin/true' } });
      expect(await call({})).toMatchObject({ exitCode: 0, stdout: '' });
      expect(() => offer({ other: { command: 'true' } })).toThrow(/absolute path/);
    } finally {
      process.env.PATH = before;
    }
  });

  test('ends with a code or a signal, which are told', async () => {
    offer(node({ arguments: ['-e', 'process.stderr.write("why"); process.exit(7)'] }));
    expect(await call({})).toEqual({
      exitCode: 7,
      signal: null,
      stdout: '',
      stderr: 'why',
      truncated: false,
    });
    offer({
      other: {
        command: process.execPath,
        arguments: ['-e', 'process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 60_000)'],
      },
    });
    expect(await call({}, {}, 'exec.other')).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
  });

  test('that writes without end is ended at its bound', async () => {
    const endless = 'const b = "x".repeat(65536); (function w() { process.stdout.write(b, w) })()';
    offer(node({ arguments: ['-e', endless], maxOutputBytes: 1_000 }));
    const answer = (await call({})) as { stdout: string };
    expect(answer).toMatchObject({ exitCode: null, signal: 'SIGKILL', truncated: true });
    expect(answer.stdout).toBe('x'.repeat(1_000));
  });

  test('reads what the agent passes, where it may', async () => {
    offer(node({ arguments: ['-e', 'process.stdin.pipe(process.stdout)'], stdin: true }));
    expect(await call({ stdin: 'a\nb' })).toMatchObject({ stdout: 'a\nb' });
    expect(await call({})).toMatchObject({ stdout: '' });
    offer({ none: { command: '/bin/cat' } });
    expect(await call({}, {}, 'exec.none')).toMatchObject({ stdout: '', exitCode: 0 });
    expect(await call({ stdin: 'x' }, {}, 'exec.none')).toMatch(/^invalid/);
  });

  const isAlive = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
    } catch {
      return false;
    }
  };
  /** Starts a child that would live on, says both pids, and waits for ever, or not. */
  const withChild = (file: string, then: string) =>
    `const { spawn } = require('node:child_process'); const c = spawn('/bin/sleep', ['600'], { stdio: 'inherit' });
     require('node:fs').writeFileSync(${JSON.stringify(file)}, process.pid + ' ' + c.pid); ${then}`;
  const pidsIn = (file: string) =>
    vi.waitFor(
      () => {
        const pids = readFileSync(file, 'utf8').split(' ').map(Number);
        expect(pids).toHaveLength(2);
        return pids;
      },
      { timeout: 20_000 },
    );

  test('and all that it has started end with the agent', async () => {
    const file = join(directory, 'ended');
    offer(node({ arguments: ['-e', withChild(file, 'setInterval(() => {}, 1000)')] }));
    const gone = new AbortController();
    const called = call({}, { admit: () => ({ until: gone.signal }) });
    const pids = await pidsIn(file);
    expect(pids.every(isAlive)).toBe(true);
    gone.abort();
    expect(await called).toMatch(/^denied/);
    await vi.waitFor(() => expect(pids.some(isAlive)).toBe(false), { timeout: 20_000 });
  });

  test('and all that it has started end when its time has passed', async () => {
    const file = join(directory, 'late');
    const timeoutMs = 5_000;
    offer(node({ arguments: ['-e', withChild(file, 'setInterval(() => {}, 1000)')], timeoutMs }));
    expect(await call({})).toMatch(/^timeout/);
    const pids = await pidsIn(file);
    await vi.waitFor(() => expect(pids.some(isAlive)).toBe(false), { timeout: 20_000 });
  });

  test('what it leaves behind in its group ends with it', async () => {
    const file = join(directory, 'left');
    offer(node({ arguments: ['-e', withChild(file, 'process.exit(0)')] }));
    expect(await call({})).toMatchObject({ exitCode: 0 });
    const pids = await pidsIn(file);
    await vi.waitFor(() => expect(pids.some(isAlive)).toBe(false), { timeout: 20_000 });
  });

  test('that is gone by now has failed, and nobody is told where it was', async () => {
    const path = join(directory, 'passing');
    copyFileSync('/bin/true', path);
    chmodSync(path, 0o755);
    offer({ say: { command: path } });
    expect(await call({})).toMatchObject({ exitCode: 0 });
    rmSync(path);
    expect(await call({})).toBe('unavailable: the tool failed: the host knows why');
    expect(failures).toEqual([expect.stringContaining('ENOENT')]);
  });

  test('that the agent could have changed is not run', async () => {
    canChange = (path) => path === process.execPath;
    offer(node());
    expect(await call({ value: 'x' })).toMatch(/^denied: the command is in a directory/);
    canChange = () => false;
    expect((await said({ value: 'x' })).args).toEqual(['fixed', 'x']);
  });
});

describe('40: a command is not offered', () => {
  const file = (name: string, mode: number) => {
    const path = join(directory, name);
    copyFileSync('/bin/true', path);
    chmodSync(path, mode);
    return path;
  };
  const link = (name: string, to: string) => {
    const path = join(directory, name);
    symlinkSync(to, path);
    return path;
  };
  test.each<[string, () => ExecInput, RegExp]>([
    ['that is a shell', () => ({ x: { command: '/bin/sh' } }), /'sh' is a shell/],
    ['that leads to a shell', () => ({ x: { command: link('fine', '/bin/sh') } }), /is a shell/],
    ['that is not there', () => ({ x: { command: '/no/such/program' } }), /no program .*ENOENT/],
    ['that is a directory', () => ({ x: { command: '/tmp' } }), /no file/],
    ['that cannot be run', () => ({ x: { command: join(directory, 'data') } }), /no program/],
    [
      'that everybody may write to',
      () => ({ x: { command: file('open', 0o777) } }),
      /everybody may write/,
    ],
    ['that is no path', () => ({ x: { command: 'git' } }), /absolute path/],
    [
      'with a relative directory',
      () => ({ x: { command: '/bin/true', cwd: '.' } }),
      /absolute path/,
    ],
    ['with a NUL', () => ({ x: { command: '/bin/true', arguments: ['\0'] } }), /NUL/],
    [
      'with two places of a name',
      () => ({ x: { command: '/bin/true', arguments: [{ name: 'a' }, { name: 'a' }] } }),
      /there twice/,
    ],
    [
      'with a schema that is none',
      () => ({ x: { command: '/bin/true', arguments: [{ name: 'a', schema: { type: 'x' } }] } }),
      /place 'a'/,
    ],
    ['under a name that is none', () => ({ 'a b': { command: '/bin/true' } }), /letters, digits/],
    [
      'with a field that nobody knows',
      () => ({ x: { command: '/bin/true', shell: true } as never }),
      /shell/,
    ],
  ])('%s', (_, exec, why) => {
    writeFileSync(join(directory, 'data'), 'x');
    chmodSync(join(directory, 'data'), 0o644);
    expect(() => offer(exec())).toThrow(
      expect.objectContaining({ code: 'RF_USAGE', message: expect.stringMatching(why) }),
    );
  });

  test('and is where nothing of that is so', async () => {
    offer({ x: { command: file('closed', 0o755) } });
    expect(await call({}, {}, 'exec.x')).toMatchObject({ exitCode: 0 });
  });
});
