/**
 * Goal: from an empty directory to a tested agent in C, the same bytes wherever the project lies, and one
 * sentence for whatever is wrong. Method: the real command line and the compiler that this machine has.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildProject } from '../../src/kit/index.ts';
import { temporaryDirectory } from '../cli/ringfence.ts';
import { titled } from '../support/skipped.ts';
import { edit, project as projectIn, ringfence, ringfenceWith, testProject } from './project.ts';
import { WHY_NO_C } from './toolchains.ts';

// Compilers take their time where others compile too.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

const project = (name: string) => projectIn(scratch.path, name, 'c');

describe.skipIf(WHY_NO_C !== null)(titled('a project in C', WHY_NO_C), () => {
  let folder: string;
  beforeAll(async () => {
    const made = await ringfence(scratch.path, 'new', '--lang', 'c', 'my-agent');
    expect(made).toMatchObject({ status: 0, stderr: '' });
    folder = join(scratch.path, 'my-agent');
  });

  test('is built, imports nothing but what it uses, and runs under its policy', async () => {
    const built = await ringfence(folder, 'build');
    expect(built).toMatchObject({ status: 0, stderr: '' });
    expect(built.stdout).toMatch(/^build\/my-agent\.wasm: [\d,]+ bytes, sha256 [\da-f]{64}\n/);
    expect(built.stdout).toContain('ringfence:agent/log@0.1.0');
    expect(built.stdout).not.toContain('wasi:');
    const ran = await ringfence(folder, 'run', '--policy', 'ringfence.toml', 'build/my-agent.wasm');
    expect(ran.status).toBe(0);
    expect(ran.stderr).toContain('hello from inside the fence');
  });

  test('its tests pass', async () => {
    const tested = await testProject(folder);
    expect(tested.stdout + tested.stderr).toMatch(/Tests +3 passed/);
    expect(tested.status).toBe(0);
  });

  test('the same source makes the same bytes, wherever it lies', async () => {
    const digests: string[] = [];
    for (let round = 0; round < 2; round += 1) {
      const made = project('same');
      edit(
        join(made, 'src/agent.c'),
        'agent_string_set(&greeting, "hello from inside the fence");',
        'agent_string_set(&greeting, __FILE__);',
      );
      digests.push((await buildProject(made)).sha256);
    }
    expect(digests[0]).toMatch(/^[\da-f]{64}$/);
    expect(digests[1]).toBe(digests[0]);
  });

  test('files of C beside the agent are compiled with it, and the C library prints', async () => {
    const made = project('several');
    writeFileSync(
      join(made, 'src/greet.c'),
      '#include <stdio.h>\nvoid greet(void) { printf("%s %d\\n", "printed", 42); fflush(stdout); }\n',
    );
    edit(join(made, 'src/agent.c'), '#include "agent.h"', '#include "agent.h"\nvoid greet(void);');
    edit(join(made, 'src/agent.c'), '  (void) err;', '  (void) err;\n  greet();');
    const built = await ringfence(made, 'build');
    expect(built).toMatchObject({ status: 0, stderr: '' });
    expect(built.stdout).toContain('wasi:io/streams@0.2.12');
    const ran = await ringfence(made, 'run', 'build/several.wasm');
    expect(ran.status).toBe(0);
    expect(ran.stdout).toBe('printed 42\n');
  });

  test('a trap is told with the names of functions', async () => {
    const made = project('trapping');
    edit(join(made, 'src/agent.c'), '  (void) err;', '  (void) err;\n  __builtin_trap();');
    await buildProject(made);
    const { status, stderr } = await ringfence(made, 'run', 'build/trapping.wasm');
    expect(status).toBe(134);
    expect(stderr).toContain('at exports_agent_run ');
  });

  test('a stack that overflows traps', async () => {
    const made = project('deep');
    edit(
      join(made, 'src/agent.c'),
      'static uint64_t patience_ms',
      [
        'static volatile int depth;',
        'static int sink(int more) {',
        '  volatile char room[4096];',
        '  room[more % 4096] = 1;',
        '  depth++;',
        '  return more > 0 ? sink(more - 1) + room[0] : 0;',
        '}',
        'static uint64_t patience_ms',
      ].join('\n'),
    );
    edit(join(made, 'src/agent.c'), '  (void) err;', '  (void) err;\n  return sink(1000) == 0;');
    await buildProject(made);
    const { status, stderr } = await ringfence(made, 'run', 'build/deep.wasm');
    expect(status).toBe(134);
    expect(stderr).toContain('out of bounds');
  });

  test('what the compiler warns of is said, and the component is built', async () => {
    const made = project('warned');
    edit(join(made, 'src/agent.c'), '  (void) err;', '  (void) err;\n  int unused;');
    const built = await ringfence(made, 'build');
    expect(built.status).toBe(0);
    expect(built.stderr).toMatch(/^src\/agent\.c:\d+:7: unused variable 'unused'.*\n$/);
  });

  test.each([
    [
      'a name that is not there',
      'count_words(&request',
      'count_word(&request',
      /^ringfence: src\/agent\.c:\d+:\d+: .*count_word/,
    ],
    [
      'a header that is not there',
      '#include "agent.h"',
      '#include "agnt.h"',
      /^ringfence: src\/agent\.c:3:10: 'agnt\.h' file not found\n$/,
    ],
    [
      'an export that is missing',
      'bool exports_agent_run(',
      'bool agent_run(',
      /^ringfence: src\/agent\.c: the world exports 'exports_agent_run', and nothing defines it: write 'bool exports_agent_run\(agent_string_t \*err\);'\n$/,
    ],
    [
      'a function that nobody defines',
      '  (void) err;',
      '  (void) err; extern void elsewhere(void); elsewhere();',
      /^ringfence: src\/agent\.c: nothing defines 'elsewhere': [^\n]*\n$/,
    ],
  ])('%s: one sentence with the place, and nothing is built', async (_, from, to, said) => {
    const made = project('wrong');
    edit(join(made, 'src/agent.c'), from, to);
    const { status, stdout, stderr } = await ringfence(made, 'build');
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(said);
  });
});

describe('without a compiler', () => {
  test('the packages to install are named', async () => {
    const made = project('bare');
    const path = join(scratch.path, 'empty-path');
    mkdirSync(path, { recursive: true });
    const { status, stderr } = await ringfenceWith(
      { PATH: path, WASI_SDK_PATH: '' },
      made,
      'build',
    );
    expect(status).toBe(127);
    expect(stderr).toMatch(
      /^ringfence: No compiler of C makes WebAssembly here: install Debian's clang, lld, wasi-libc and libclang-rt-dev-wasm32, [^\n]*\n$/,
    );
  });

  test('a WASI_SDK_PATH that is none is named', async () => {
    const made = project('elsewhere');
    const { status, stderr } = await ringfenceWith(
      { WASI_SDK_PATH: '/nowhere/wasi-sdk' },
      made,
      'build',
    );
    expect(status).toBe(127);
    expect(stderr).toMatch(
      /^ringfence: There is no clang that makes WebAssembly in '\/nowhere\/wasi-sdk\/bin': [^\n]*\n$/,
    );
  });
});
