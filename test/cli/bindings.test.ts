/**
 * Goal: `ringfence bindings` writes what it says, overwrites nothing that is somebody's own, and leaves
 * nothing half made where the WIT is wrong. Method: the real command line, in folders of its own.
 */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ringfence, temporaryDirectory } from './ringfence.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

let made = 0;
function project(wit: string): { wit: string; out: string } {
  made += 1;
  const folder = join(scratch.path, `project-${made}`);
  mkdirSync(join(folder, 'wit'), { recursive: true });
  writeFileSync(join(folder, 'wit', 'world.wit'), wit);
  return { wit: join(folder, 'wit'), out: join(folder, 'bindings') };
}

const GOOD = `package my:agent;
world agent { import wasi:io/poll@0.2.12; export run: func(); }
`;

test('bindings are written, and written again', async () => {
  const { wit, out } = project(GOOD);
  for (let round = 0; round < 2; round += 1) {
    const outcome = await ringfence([
      'bindings',
      '--out',
      out,
      '--guest',
      join(out, '../a.ts'),
      wit,
    ]);
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/^my:agent\/agent: \d+ files in .*bindings\n$/);
  }
  expect(readFileSync(join(out, 'wasi/io/poll.ts'), 'utf8')).toContain('export class Pollable');
  expect(readFileSync(join(out, 'entry.ts'), 'utf8')).toContain("import * as guest from '../a';");
  expect(readdirSync(join(out, 'wit')).sort()).toEqual([
    'globals.ts',
    'resources.ts',
    'tuples.ts',
    'values.ts',
  ]);
});

test('bindings in C are a header and a source', async () => {
  const { wit, out } = project(GOOD);
  const outcome = await ringfence(['bindings', '--lang', 'c', '--out', out, wit]);
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  expect(readdirSync(out).sort()).toEqual(['agent.c', 'agent.h']);
  const header = readFileSync(join(out, 'agent.h'), 'utf8');
  expect(header).toContain(
    'extern bool wasi_io_poll_method_pollable_ready(wasi_io_poll_borrow_pollable_t self);',
  );
  expect(header).toContain('void exports_agent_run(void);');
});

test('bindings in Rust are a module', async () => {
  const { wit, out } = project(GOOD);
  const outcome = await ringfence(['bindings', '--lang', 'rust', '--out', out, wit]);
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  expect(readdirSync(out)).toEqual(['agent.rs']);
  const module = readFileSync(join(out, 'agent.rs'), 'utf8');
  expect(module).toMatch(/pub mod wasi \{\s+pub mod io \{/);
  expect(module).toContain('pub fn ready(&self) -> bool {');
});

test('a file that was not generated is left alone, and nothing is written beside it', async () => {
  const { wit, out } = project(GOOD);
  mkdirSync(out);
  writeFileSync(join(out, 'entry.ts'), '// mine');
  const outcome = await ringfence(['bindings', '--out', out, wit]);
  expect(outcome).toMatchObject({ status: 2, stdout: '' });
  expect(outcome.stderr).toMatch(
    /^ringfence: .*entry\.ts is there and was not generated: [^\n]*\n$/,
  );
  expect(readdirSync(out)).toEqual(['entry.ts']);
  expect(readFileSync(join(out, 'entry.ts'), 'utf8')).toBe('// mine');
});

test('WIT that is wrong is told with its place, and nothing is written', async () => {
  const { wit, out } = project(
    'package my:agent;\nworld agent { export run: func() -> outcome; }\n',
  );
  const outcome = await ringfence(['bindings', '--out', out, wit]);
  expect(outcome).toMatchObject({ status: 2, stdout: '' });
  expect(outcome.stderr).toMatch(
    /^ringfence: .*world\.wit:2:37: name 'outcome' does not exist\.\n$/,
  );
  expect(readdirSync(join(out, '..'))).toEqual(['wit']);
});

test.each([
  [
    ['--lang', 'c', '--guest', 'a.c'],
    /Cannot use --guest with --lang c: its bindings import no file of the guest's; leave the option out\./,
  ],
  [['--lang', 'cobol'], /Cannot use --lang 'cobol': the languages are assemblyscript, c, rust\./],
  [['--world', 'other'], /has no world 'other': name one of 'agent'\./],
])('%s is refused by one sentence', async (options, sentence) => {
  const { wit, out } = project(GOOD);
  const outcome = await ringfence(['bindings', ...options, '--out', out, wit]);
  expect(outcome.status).toBe(2);
  expect(outcome.stderr).toMatch(sentence);
});
