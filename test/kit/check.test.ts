/**
 * Goal: a check says what a component needs, whether a policy gives that and what keeps it from running, the same
 * each time, and no more than is so. Method: a fresh project and guests that are known, each fault beside the
 * same without it; the command line for what people and programs read.
 */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadPolicy } from '../../src/index.ts';
import { fitWorld } from '../../src/kit/check/fit-world.ts';
import {
  buildProject,
  type ComponentCheck,
  checkComponent,
  checkProject,
  createProject,
  isGood,
} from '../../src/kit/index.ts';
import { readWitFolder } from '../../src/kit/wit/read-folder.ts';
import { resolveWorld } from '../../src/kit/wit/resolve-world.ts';
import { guest, ringfence, temporaryDirectory } from '../cli/ringfence.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

/** Checks a guest by a policy of one entry. */
async function checkedBy(name: string, entry: string): Promise<ComponentCheck> {
  const folder = join(scratch.path, `policy-${name}-${Buffer.from(entry).toString('hex')}`);
  mkdirSync(folder, { recursive: true });
  copyFileSync(guest(name), join(folder, 'guest.wasm'));
  const file = join(folder, 'ringfence.toml');
  writeFileSync(file, `version = 1\n[[module]]\nmatch = "*.wasm"\n${entry}\n`);
  return checkComponent(join(folder, 'guest.wasm'), { policy: await loadPolicy(file) });
}

const messagesOf = ({ problems }: ComponentCheck, severity: string): string[] =>
  problems.filter((each) => each.severity === severity).map(({ message }) => message);

describe('a component by itself', { timeout: 120_000 }, () => {
  test('is told with its imports, its size, its memory and what its start takes, the same each time', async () => {
    const first = await checkComponent(guest('word-count'));
    expect(first).toMatchObject({
      sizeBytes: readFileSync(guest('word-count')).length,
      sha256: expect.stringMatching(/^[\da-f]{64}$/),
      world: 'wasi:cli',
      grants: [],
      policy: null,
      memory: { declaredBytes: 65_536, maximumBytes: null },
      start: { until: 'wasi:cli/environment#get-arguments', fuel: expect.any(Number) },
      fit: null,
      problems: [],
    });
    expect(first.imports).toContainEqual({
      interface: 'wasi:cli/stdin',
      version: '0.2.12',
      functions: ['get-stdin'],
    });
    expect(await checkComponent(guest('word-count'))).toEqual(first);
  });

  test('what it imports that is granted is told by function', async () => {
    const { grants } = await checkComponent(guest('tool-user'));
    expect(grants).toEqual([
      { grant: 'tools', functions: ['ringfence:agent/tools#call'], granted: null },
    ]);
  });

  test('one that handles requests is not started', async () => {
    const check = await checkComponent(guest('web-hello'));
    expect(check).toMatchObject({ world: 'wasi:http', start: null, problems: [] });
  });

  test('one that traps before it calls anybody has an error', async () => {
    const check = await checkComponent(guest('trap'));
    expect(isGood(check)).toBe(false);
    expect(messagesOf(check, 'error')).toEqual([expect.stringContaining('It traps (unreachable)')]);
  });

  test('so has one that is refused', async () => {
    const check = await checkComponent(guest('straight-line-host-calls'));
    expect(check).toMatchObject({ world: null, start: null, imports: [] });
    expect(isGood(check)).toBe(false);
    expect(messagesOf(check, 'error')).toEqual([expect.stringContaining('more than the 10000')]);
  });

  test('handlers of exceptions in the old form are a warning, in the standard one none', async () => {
    const legacy = await checkComponent(guest('catch-all-legacy'));
    expect(messagesOf(legacy, 'warning')).toEqual([
      expect.stringContaining('the form that the standard no longer has'),
    ]);
    expect(isGood(legacy)).toBe(true);
    expect((await checkComponent(guest('catch-all'))).problems).toEqual([]);
  });

  test('a file that is not there is no check', async () => {
    await expect(checkComponent(join(scratch.path, 'none.wasm'))).rejects.toMatchObject({
      code: 'RF_FILE',
    });
  });
});

describe('a component by a policy', { timeout: 120_000 }, () => {
  test('a grant that is missing is a warning, one that is there is none', async () => {
    const missing = await checkedBy('tool-user', '');
    expect(missing.grants).toMatchObject([{ grant: 'tools', granted: false }]);
    expect(messagesOf(missing, 'warning')).toEqual([
      expect.stringContaining("denied without a grant 'tools'"),
    ]);
    expect(isGood(missing)).toBe(true);
    const given = await checkedBy('tool-user', '[module.grants]\ntools = ["add"]');
    expect(given.grants).toMatchObject([{ grant: 'tools', granted: true }]);
    expect(given.problems).toEqual([]);
  });

  test('a grant that nothing can use is a warning', async () => {
    const check = await checkedBy('word-count', '[module.grants]\ntools = ["add"]');
    expect(check.unusedGrants).toEqual(['tools']);
    expect(messagesOf(check, 'warning')).toEqual([
      expect.stringContaining("Its policy grants 'tools'"),
    ]);
  });

  test.each([
    ['memory', 'memory = "32KiB"', 'memory = "64KiB"', 'It declares 65536 bytes of memory'],
    ['fuel', 'fuel = 1_000', 'fuel = 1_000_000', 'units of fuel before it first calls its host'],
  ])('too little %s is an error, enough is none', async (_, little, enough, said) => {
    const bad = await checkedBy('word-count', `[module.limits]\n${little}`);
    expect(messagesOf(bad, 'error')).toEqual([expect.stringContaining(said)]);
    expect((await checkedBy('word-count', `[module.limits]\n${enough}`)).problems).toEqual([]);
  });

  test('what declares more memory than its limit is not started, what has enough is', async () => {
    const started = async (memory: string) =>
      (await checkedBy('word-count', `[module.limits]\nmemory = "${memory}"`)).start;
    expect(await started('32KiB')).toBeNull();
    expect(await started('64KiB')).toMatchObject({ fuel: expect.any(Number) });
  });

  test('a policy without an entry for it is an error', async () => {
    const file = join(scratch.path, 'other.toml');
    writeFileSync(file, 'version = 1\n[[module]]\nmatch = "other.wasm"\n');
    const check = await checkComponent(guest('word-count'), { policy: await loadPolicy(file) });
    expect(messagesOf(check, 'error')).toEqual([expect.stringContaining('no entry of the policy')]);
  });
});

// Compilers take long on a machine that has other work.
describe('a project', { timeout: 240_000 }, () => {
  let folder: string;
  beforeAll(() => {
    folder = createProject(join(scratch.path, 'fresh'), 'assemblyscript').folder;
  });

  test('is built, and its component fits its world', async () => {
    const check = await checkProject(folder);
    expect(check.file).toBe(join(folder, 'build', 'fresh.wasm'));
    expect(check.policy).toMatchObject({ path: join(folder, 'ringfence.toml') });
    expect(check.fit).toMatchObject({ differences: [], extraImports: [], extraExports: [] });
    expect(messagesOf(check, 'error')).toEqual([]);
  });

  test('what its component lacks, has besides and has otherwise is named', async () => {
    const { file } = await buildProject(folder);
    const component = readFileSync(file);
    const wit = join(scratch.path, 'other.wit');
    writeFileSync(
      wit,
      `package my:other;
      world other {
        import ringfence:agent/timers@0.1.0;
        export run: func(input: string) -> result<_, string>;
        export extra: func(items: list<tuple<u8, string>>) -> option<u32>;
      }`,
    );
    const { world } = await resolveWorld(readWitFolder(wit));
    const { differences, extraImports, unusedImports } = fitWorld(component, world);
    expect(differences).toEqual([
      'its export run is func() -> result<_, string>, and func(input: string) -> result<_, string> in the world',
      'it does not export extra, which is func(items: list<tuple<u8, string>>) -> option<u32>',
    ]);
    expect(extraImports).toContain('ringfence:agent/log@0.1.0#log');
    expect(unusedImports).toContain('ringfence:agent/timers@0.1.0');
  });

  test('on the command line: what it needs, and status 0', async () => {
    const { status, stdout } = await ringfence(['check', folder]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^component .*build\/fresh\.wasm\nsha256 {4}[\da-f]{64}\n/);
    expect(stdout).toMatch(/^world {5}ringfence:agent, fits my:fresh\/agent$/m);
    expect(stdout).toMatch(/^start {5}[\d,]+ units of fuel until it calls [\w:/-]+#\S+$/m);
  });

  test('source that does not build: where, and status 1', async () => {
    const broken = createProject(join(scratch.path, 'broken'), 'assemblyscript').folder;
    writeFileSync(join(broken, 'src/agent.ts'), 'export function run(): nothing {}\n');
    const { status, stdout, stderr } = await ringfence(['check', broken]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^ringfence: src\/agent\.ts:1:/);
  });
});

describe('the command', { timeout: 120_000 }, () => {
  test('--json is one line with the documented keys', async () => {
    const { status, stdout } = await ringfence(['check', '--json', guest('trap')]);
    expect(status).toBe(1);
    expect(stdout.trimEnd()).not.toContain('\n');
    const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
    for (const key of Object.keys(JSON.parse(stdout))) {
      expect(page).toContain(`\`${key}\``);
    }
  });

  test.each([
    ['no such file', ['check', 'no/such/place']],
    ['no such policy', ['check', '--policy', 'no/such.toml', guest('hello')]],
    ['a folder without a project', ['check', scratch.path]],
  ])('%s is wrong usage', async (_, args) => {
    const { status, stderr } = await ringfence(args);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^ringfence: [^\n]+\n$/);
  });
});
