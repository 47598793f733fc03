/**
 * Goal: from an empty directory to a tested agent by the commands that `ringfence new` names, the same bytes
 * wherever the project lies, and one sentence for whatever is wrong. Method: the real command line in
 * directories of the test's own; packages that npm would install are linked.
 */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildProject } from '../../src/kit/index.ts';
import { ROOT, temporaryDirectory } from '../cli/ringfence.ts';
import { checkTypes, edit, project as projectIn, ringfence, testProject } from './project.ts';

// Compilers take their time where others compile too.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

const project = (name: string) => projectIn(scratch.path, name, 'assemblyscript');

describe('a project in AssemblyScript', () => {
  let folder: string;
  beforeAll(async () => {
    const made = await ringfence(scratch.path, 'new', 'my-agent');
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expect(made.stdout).toContain('cd my-agent && npm install');
    folder = join(scratch.path, 'my-agent');
  });

  test('is built, runs under its policy, and says what next', async () => {
    const built = await ringfence(folder, 'build');
    expect(built).toMatchObject({ status: 0, stderr: '' });
    expect(built.stdout).toMatch(
      /^build\/my-agent\.wasm: [\d,]+ bytes, sha256 [\da-f]{64}\nimports\n( {2}[a-z].*@.*\n)+$/,
    );
    expect(built.stdout).toContain('\n  ringfence:agent/log@0.1.0\n');
    const told = await ringfence(folder, 'build', '--json');
    expect(JSON.parse(told.stdout)).toMatchObject({
      file: 'build/my-agent.wasm',
      sha256: expect.stringMatching(/^[\da-f]{64}$/),
      size_bytes: readFileSync(join(folder, 'build/my-agent.wasm')).length,
      imports: expect.arrayContaining(['ringfence:agent/log@0.1.0']),
    });
    const ran = await ringfence(folder, 'run', '--policy', 'ringfence.toml', 'build/my-agent.wasm');
    expect(ran.status).toBe(0);
    expect(ran.stderr).toContain('hello from inside the fence');
  });

  test('its tests pass', async () => {
    const tested = await testProject(folder, ['assemblyscript']);
    expect(tested.stdout + tested.stderr).toMatch(/Tests +3 passed/);
    expect(tested.status).toBe(0);
    // What stands behind `--` is for vitest, whose status it is.
    const none = await ringfence(folder, 'test', '--', 'no-such-test-file');
    expect(none.status).toBe(1);
    expect(none.stdout + none.stderr).toContain('No test files found');
  });

  test('an editor knows the types of what it imports', async () => {
    expect(await checkTypes(folder)).toEqual({ status: 0, stdout: '', stderr: '' });
    const wrong = join(folder, 'src/wrong.ts');
    const source = "import { Json } from 'ringfence/assemblyscript';\n";
    writeFileSync(wrong, `${source}export const text: i32 = Json.of(1).asText();\n`);
    const { status, stdout } = await checkTypes(folder);
    rmSync(wrong);
    expect(status).not.toBe(0);
    expect(stdout).toMatch(/^src\/wrong\.ts\(2,14\): error TS2322: .*'string'/);
  });
});

test('a project without vitest is told what to install, and one that is wrong is not tested', async () => {
  const folder = project('untested');
  const { status, stderr } = await ringfence(folder, 'test');
  expect(status).toBe(2);
  expect(stderr).toBe(
    'ringfence: Cannot test the project as it has no vitest: install it with `npm install --save-dev vitest`.\n',
  );
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(ROOT, 'node_modules', 'vitest'), join(folder, 'node_modules', 'vitest'));
  edit(join(folder, 'src/agent.ts'), 'countWords(text.value)}', 'countWord(text.value)}');
  const wrong = await ringfence(folder, 'test');
  expect(wrong).toMatchObject({ status: 1, stdout: '' });
  expect(wrong.stderr).toMatch(/^ringfence: src\/agent\.ts:\d+:\d+: .*countWord/);
});

test('the same source makes the same bytes, wherever it lies', async () => {
  const digests = await Promise.all(
    ['first', 'second'].map(async () => {
      const folder = project('same');
      return (await buildProject(folder)).sha256;
    }),
  );
  expect(digests[0]).toMatch(/^[\da-f]{64}$/);
  expect(digests[1]).toBe(digests[0]);
});

test('a trap is told with the source line, by a build that names the project’s own files', async () => {
  const folder = project('trapping');
  edit(
    join(folder, 'src/agent.ts'),
    "    log.info('hello from inside the fence');",
    "    assert(countWords('a b') != 2, 'two words');",
  );
  await buildProject(folder);
  const { status, stderr } = await ringfence(folder, 'run', 'build/trapping.wasm');
  expect(status).toBe(134);
  expect(stderr).toContain('two words');
  expect(stderr).toContain('at build/bindings/entry/exportRun (build/bindings/entry.ts:');
});

describe('what is wrong with the source', () => {
  test.each([
    [
      'the agent',
      'src/agent.ts',
      'countWords(text.value)}',
      'countWord(text.value)}',
      /^ringfence: src\/agent\.ts:30:\d+: .*countWord/,
    ],
    ['the WIT', 'wit/agent.wit', 'include', 'inclde', /^ringfence: .*agent\.wit:5:3: .*inclde/],
  ])('%s: file, line and column', async (_, file, from, to, said) => {
    const folder = project('wrong');
    edit(join(folder, file), from, to);
    const { status, stdout, stderr } = await ringfence(folder, 'build');
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(said);
    expect(existsSync(join(folder, 'build', 'wrong.wasm'))).toBe(false);
  });
});

describe('what can not be made', () => {
  test.each([
    ['an unknown language', ['new', '--lang', 'cobol', 'x'], 'the languages are assemblyscript'],
    ['a name that no package has', ['new', 'Bad Name'], 'Cannot name a project "Bad Name"'],
    ['a name of dots', ['new', '..'], 'Cannot make a project in'],
    ['no name', ['new'], 'ringfence: '],
  ])('%s', async (_, args, said) => {
    const folder = join(scratch.path, `none-${args.join('-').replaceAll('/', '_')}`);
    mkdirSync(join(folder, 'inner'), { recursive: true });
    const { status, stderr } = await ringfence(join(folder, 'inner'), ...args);
    expect(status).toBe(2);
    expect(stderr).toContain(said);
    expect(stderr.trimEnd()).not.toContain('\n');
    expect(readdirSync(join(folder, 'inner'))).toEqual([]);
  });

  test('a directory that is not empty', async () => {
    const folder = project('taken');
    const { status, stderr } = await ringfence(join(folder, '..'), 'new', 'taken');
    expect(status).toBe(2);
    expect(stderr).toContain("Cannot make a project in 'taken' as it is there already");
  });

  test('an empty directory is taken', async () => {
    mkdirSync(join(scratch.path, 'empty'));
    expect((await ringfence(scratch.path, 'new', 'empty')).status).toBe(0);
  });

  test.each([
    ['no package.json', null, "as it has no package.json: make one with 'ringfence new'"],
    ['no JSON', '{', 'it is no JSON'],
    ['nothing of ringfence', '{"name":"x"}', 'ringfence: '],
    [
      'a language that is none',
      '{"name":"x","ringfence":{"language":"cobol","entry":"a"}}',
      'ringfence.language: ',
    ],
    [
      'an entry elsewhere',
      '{"name":"x","ringfence":{"language":"assemblyscript","entry":"../a.ts"}}',
      'ringfence.entry: name a path inside of the project',
    ],
    [
      'an entry that is not there',
      '{"name":"x","ringfence":{"language":"c","entry":"src/gone.c"}}',
      "There is no 'src/gone.c' in ",
    ],
    [
      'a name that is a path',
      '{"name":"../x","ringfence":{"language":"assemblyscript","entry":"a.ts"}}',
      'name: ',
    ],
  ])('a build of a project with %s', async (what, manifest, said) => {
    const folder = join(scratch.path, `build-${what.replaceAll(' ', '-')}`);
    mkdirSync(folder);
    if (manifest !== null) writeFileSync(join(folder, 'package.json'), manifest);
    const { status, stderr } = await ringfence(folder, 'build');
    expect(status).toBe(2);
    expect(stderr).toContain(said);
  });
});
