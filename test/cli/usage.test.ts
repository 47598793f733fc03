/**
 * Everything that can be wrong with the arguments and the files that they name: one sentence that
 * names the thing, status 2 or 126, and never a stack.
 */

import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guest, LICENSE, type Outcome, ringfence, temporaryDirectory } from './ringfence.ts';

const HELLO = guest('hello');
const scratch = temporaryDirectory();
const inScratch = (name: string) => join(scratch.path, name);

beforeAll(async () => {
  const hello = await readFile(HELLO);
  writeFileSync(inScratch('empty.wasm'), '');
  writeFileSync(inScratch('text.wasm'), 'Not a module.\n');
  writeFileSync(inScratch('page.wasm'), '<!DOCTYPE html><html><body>Not found</body></html>');
  writeFileSync(inScratch('truncated.wasm'), hello.subarray(0, hello.length >> 1));
  writeFileSync(inScratch('header.wasm'), hello.subarray(0, 8));
  // A valid core module that is no wasip1 command.
  writeFileSync(inScratch('core.wasm'), Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  writeFileSync(inScratch('unreadable.wasm'), hello);
  chmodSync(inScratch('unreadable.wasm'), 0);
  symlinkSync('nowhere', inScratch('dangling.wasm'));
  writeFileSync(inScratch('no\nsuch\u001b[31m.wasm'), 'text\n');
});

afterAll(() => scratch.remove());

function expectOneSentence(outcome: Outcome, status: number, ...parts: readonly string[]): void {
  expect(outcome.stderr).toMatch(/^ringfence: [^\n]+\n$/);
  expect(outcome.stderr).not.toMatch(/^\s+at /m);
  for (const part of parts) {
    expect(outcome.stderr).toContain(part);
  }
  expect(outcome).toMatchObject({ status, signal: null, stdout: '' });
}

describe('wrong usage ends with status 2 and one sentence', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['an unknown command', ['runn', HELLO], ["'runn'", "did you mean 'run'"]],
    ['a module in place of a command', ['agent.wasm'], ["'agent.wasm'", "'ringfence run'"]],
    ['an unknown option', ['run', '--max-feul', '3', HELLO], ["'--max-feul'", "'--max-fuel'"]],
    ['an option of the module without --', ['run', HELLO, '-l'], ["'-l'", "'--'"]],
    ['an argument of the module without --', ['run', HELLO, 'words'], ["'--'"]],
    ['no module', ['run'], ['MODULE']],
    ['no module but arguments', ['run', '--', HELLO], ['MODULE']],
    ['an option without its value', ['run', '--max-fuel'], ['--max-fuel', 'value']],
    ['a fuel that is no number', ['run', '--max-fuel=lots', HELLO], ['--max-fuel', '"lots"']],
    ['a negative fuel', ['run', '--max-fuel=-1', HELLO], ['--max-fuel', '"-1"']],
    ['a fuel beyond numbers', ['run', '--max-fuel', '9'.repeat(19), HELLO], ['--max-fuel']],
    ['a broken size', ['run', '--max-memory', '12 parrots', HELLO], ['--max-memory', '64MiB']],
    ['an empty size', ['run', '--max-memory=', HELLO], ['--max-memory', '64MiB']],
    ['a duration without a unit', ['run', '--timeout', '5', HELLO], ['--timeout', '500ms']],
    ['a broken duration', ['run', '--max-cpu', '1 week', HELLO], ['--max-cpu', '500ms']],
    ['a broken pid', ['run', '--allow-ipc=0', HELLO], ['--allow-ipc', "'0'"]],
    ['an empty scope in a list', ['run', '--allow-tools=a,,b', HELLO], ['--allow-tools', 'empty']],
    [
      'a broken port',
      ['run', '--allow-net=example.org:99999', HELLO],
      ['--allow-net', 'HOST:PORT'],
    ],
    ['an unknown preset', ['run', '--preset', 'all', HELLO], ["'all'", 'standard']],
    ['a variable that is not set', ['run', '--env', 'NO_SUCH_VARIABLE', HELLO], ['NAME=VALUE']],
    ['a variable without a name', ['run', '--env', '=x', HELLO], ["'=x'", 'NAME=VALUE']],
    ['a report into a directory', ['run', '--report', '/', HELLO], ["'/'", 'directory']],
    ['a report into nowhere', ['run', '--report', '/no/such/place', HELLO], ['/no/such/place']],
    ['arguments for a module that is inspected', ['inspect', HELLO, '--', 'a'], ["'a'"]],
    ['two modules', ['inspect', HELLO, HELLO], ['one module']],
    ['an escape sequence in an option', ['run', '--\u001b[2Jx', HELLO], ['␛[2Jx']],
  ])('%s', async (_, args, parts) => {
    expectOneSentence(await ringfence(args), 2, ...parts);
  });
});

describe('what is not offered yet is said, never ignored', () => {
  test.each<[readonly string[], string]>([
    [['--dir', '/tmp::/data:ro'], '--dir'],
    [['--policy', 'policy.json'], '--policy'],
    [['--isolation', 'thread'], '--isolation thread'],
    [['--isolation=process'], '--isolation process'],
  ])('%j', async (options, named) => {
    expectOneSentence(await ringfence(['run', ...options, HELLO]), 2, named, 'not offer');
  });

  test('but --isolation shared is what there is', async () => {
    expect(await ringfence(['run', '--isolation', 'shared', HELLO])).toMatchObject({ status: 0 });
  });
});

describe('a file that is not there, can not be read or is a directory ends with status 2', () => {
  test.each<[string, string]>([
    ['no file', 'no-such-file.wasm'],
    ['a link to nowhere', 'dangling.wasm'],
    ['a directory', '.'],
    ['a part of the path is a file', 'text.wasm/agent.wasm'],
  ])('%s', async (_, name) => {
    for (const command of ['run', 'inspect']) {
      expectOneSentence(await ringfence([command, inScratch(name)]), 2, 'Cannot load');
    }
  });

  test.skipIf(process.getuid?.() === 0)('a file that can not be read', async () => {
    expectOneSentence(await ringfence(['run', inScratch('unreadable.wasm')]), 2, 'Cannot load');
  });

  test('no report is written for it', async () => {
    const report = inScratch('none.json');
    await ringfence(['run', '--report', report, inScratch('no-such-file.wasm')]);
    await expect(readFile(report)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a file that can not be run ends with status 126', () => {
  test.each<[string, string, string]>([
    ['an empty file', 'empty.wasm', 'empty'],
    ['a text', 'text.wasm', 'text'],
    ['a web page', 'page.wasm', 'page'],
    ['half a component', 'truncated.wasm', ''],
    ['only the header of a component', 'header.wasm', ''],
    ['another core module', 'core.wasm', ''],
  ])('%s', async (_, name, part) => {
    for (const command of ['run', 'inspect']) {
      expectOneSentence(await ringfence([command, inScratch(name)]), 126, part);
    }
  });

  test('a native program', async () => {
    expectOneSentence(await ringfence(['run', process.execPath]), 126, 'ELF');
  });

  test('one that declares more memory than its limit; within it, it runs', async () => {
    const refused = await ringfence(['run', '--max-memory', '1KiB', HELLO]);
    expectOneSentence(refused, 126, '--max-memory');
    expect(await ringfence(['run', '--max-memory', '1MiB', HELLO])).toMatchObject({ status: 0 });
  });

  test('its report is written, with pid and code null and the digest of the file', async () => {
    const report = inScratch('refused.json');
    const outcome = await ringfence(['run', '--report', report, inScratch('text.wasm')]);
    expect(outcome.status).toBe(126);
    expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({
      pid: null,
      agent_id: 'text',
      module: { path: inScratch('text.wasm'), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      exit: { code: null, reason: 'refused', message: expect.stringContaining('text') },
    });
  });

  test('a name full of control characters stays on its line', async () => {
    const outcome = await ringfence(['run', inScratch('no\nsuch\u001b[31m.wasm')]);
    expectOneSentence(outcome, 126);
    expect(outcome.stderr).not.toContain('\u001b');
  });
});

describe('help and version', () => {
  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(await readFile(join(LICENSE, '../package.json'), 'utf8'));
    expect(await ringfence(['--version'])).toMatchObject({
      status: 0,
      stdout: `ringfence ${version}\n`,
      stderr: '',
    });
  });

  test('each command explains itself, with examples', async () => {
    for (const command of ['run', 'inspect']) {
      const { status, stdout } = await ringfence([command, '--help']);
      expect(status).toBe(0);
      expect(stdout).toContain('MODULE');
      expect(stdout).toContain('Examples:');
    }
  });

  test('without a command the help goes to standard error, with status 2', async () => {
    const { status, stdout, stderr } = await ringfence([]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('Usage: ringfence');
  });
});
