/**
 * Goal: from an empty directory to a tested agent in Rust, the same bytes wherever the project lies, and one
 * sentence for whatever is wrong. Method: the real command line and the compiler that this machine has.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildProject } from '../../src/kit/index.ts';
import { temporaryDirectory } from '../cli/ringfence.ts';
import { titled } from '../support/skipped.ts';
import { edit, project as projectIn, ringfence, ringfenceWith, testProject } from './project.ts';
import { WHY_NO_RUST } from './toolchains.ts';

// Compilers take their time where others compile too.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

const project = (name: string) => projectIn(scratch.path, name, 'rust');

describe.skipIf(WHY_NO_RUST !== null)(titled('a project in Rust', WHY_NO_RUST), () => {
  let folder: string;
  beforeAll(async () => {
    const made = await ringfence(scratch.path, 'new', '--lang', 'rust', 'my-agent');
    expect(made).toMatchObject({ status: 0, stderr: '' });
    folder = join(scratch.path, 'my-agent');
  });

  test('is built and runs under its policy', async () => {
    const built = await ringfence(folder, 'build');
    expect(built).toMatchObject({ status: 0, stderr: '' });
    expect(built.stdout).toMatch(/^build\/my-agent\.wasm: [\d,]+ bytes, sha256 [\da-f]{64}\n/);
    const ran = await ringfence(folder, 'run', '--policy', 'ringfence.toml', 'build/my-agent.wasm');
    expect(ran.status).toBe(0);
    expect(ran.stderr).toContain('hello from inside the fence');
  });

  test('its tests pass', async () => {
    const tested = await testProject(folder);
    expect(tested.stdout + tested.stderr).toMatch(/Tests +3 passed/);
    expect(tested.status).toBe(0);
  });

  test('the same source makes the same bytes, wherever it lies; a panic is told with its place', async () => {
    const digests: string[] = [];
    let made = '';
    for (let round = 0; round < 2; round += 1) {
      made = project('same');
      edit(
        join(made, 'src/agent.rs'),
        '        log(Level::Info, "hello from inside the fence");',
        '        assert!(count_words("a b") != 2, "two words in {}", file!());',
      );
      digests.push((await buildProject(made)).sha256);
    }
    expect(digests[0]).toMatch(/^[\da-f]{64}$/);
    expect(digests[1]).toBe(digests[0]);
    const { status, stderr } = await ringfence(made, 'run', 'build/same.wasm');
    expect(status).toBe(134);
    expect(stderr).toContain('two words in src/agent.rs');
    expect(stderr).toMatch(/src\/agent\.rs:\d+:9/);
    expect(stderr).toContain('at core::panicking::panic_fmt');
  });

  test('a module of its own is found, and the library prints', async () => {
    const made = project('several');
    writeFileSync(join(made, 'src/greet.rs'), 'pub fn greet() { println!("printed {}", 42); }\n');
    edit(join(made, 'src/agent.rs'), 'struct Agent;', 'mod greet;\n\nstruct Agent;');
    edit(join(made, 'src/agent.rs'), '        loop {', '        greet::greet();\n        loop {');
    const built = await ringfence(made, 'build');
    expect(built).toMatchObject({ status: 0, stderr: '' });
    const ran = await ringfence(made, 'run', 'build/several.wasm');
    expect(ran.status).toBe(0);
    expect(ran.stdout).toBe('printed 42\n');
  });

  test('what the compiler warns of is said, and the component is built', async () => {
    const made = project('warned');
    edit(join(made, 'src/agent.rs'), 'struct Agent;', 'fn nobody() {}\n\nstruct Agent;');
    const built = await ringfence(made, 'build');
    expect(built.status).toBe(0);
    expect(built.stderr).toMatch(/^src\/agent\.rs:\d+:4: .*nobody.*\n$/);
  });

  test.each([
    [
      'a name that is not there',
      'count_words(&text)',
      'count_word(&text)',
      /^ringfence: src\/agent\.rs:\d+:\d+: .*count_word/,
    ],
    [
      'a method of the world that is missing',
      'fn run()',
      'fn ran()',
      /^ringfence: src\/agent\.rs:\d+:\d+: [^\n]*\n$/,
    ],
    [
      'an agent that is not exported',
      'bindings::export!(Agent with_types_in bindings);',
      '',
      /^ringfence: src\/agent\.rs: [^\n]*run[^\n]*\n$/,
    ],
  ])('%s: one sentence with the place, and nothing is built', async (_, from, to, said) => {
    const made = project('wrong');
    edit(join(made, 'src/agent.rs'), from, to);
    const { status, stdout, stderr } = await ringfence(made, 'build');
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(said);
  });

  test('an entry that looks like an option is a file', async () => {
    const made = project('dashed');
    const entry = '-Cincremental=stolen';
    edit(join(made, 'package.json'), '"src/agent.rs"', JSON.stringify(entry));
    const text = readFileSync(join(made, 'src/agent.rs'), 'utf8').replace('../build', 'build');
    writeFileSync(join(made, entry), text);
    expect(await ringfence(made, 'build')).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(join(made, 'stolen'))).toBe(false);
  });
});

test('without a compiler, the packages to install are named', async () => {
  const made = project('bare');
  const path = join(scratch.path, 'empty-path');
  mkdirSync(path, { recursive: true });
  const { status, stderr } = await ringfenceWith({ PATH: path }, made, 'build');
  expect(status).toBe(127);
  expect(stderr).toMatch(
    /^ringfence: No compiler of Rust makes WebAssembly here: install Debian's rustc, libstd-rust-dev-wasm32 and lld, [^\n]*\n$/,
  );
});
