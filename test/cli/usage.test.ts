/**
 * Everything that can be wrong with the files that the arguments name: one sentence that names the
 * thing, status 2 or 126, and never a stack.
 */

import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guest, type Outcome, ringfence, temporaryDirectory } from './ringfence.ts';

const HELLO = guest('hello');
const scratch = temporaryDirectory();
const inScratch = (name: string) => join(scratch.path, name);

beforeAll(async () => {
  const hello = await readFile(HELLO);
  writeFileSync(inScratch('empty.wasm'), '');
  writeFileSync(inScratch('text.wasm'), 'Not a module.\n');
  writeFileSync(inScratch('page.wasm'), '<!DOCTYPE html><html><body>Not found</body></html>');
  writeFileSync(
    inScratch('elf'),
    Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, ...new Array(57).fill(0)),
  );
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

test('wrong usage ends with status 2 and one sentence; src/cli/main.test.ts has the whole matrix', async () => {
  expectOneSentence(await ringfence(['run', '--max-feul', '3', HELLO]), 2, "'--max-fuel'");
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
    expectOneSentence(await ringfence(['run', inScratch('elf')]), 126, 'ELF');
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
      restarted_from: null,
      restarts: 0,
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
