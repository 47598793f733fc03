/**
 * Goal: what is published does what the source does. It is built of other files: what starts a thread or a process
 * is one file, what programs import a few. Method: the package as it is built, in a directory of its own, its
 * command line and its library.
 */

import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { node, type Outcome } from '../kit/project.ts';
import { guest, ROOT, temporaryDirectory } from './ringfence.ts';

const scratch = temporaryDirectory();
const own = join(scratch.path, 'node_modules', 'ringfence');
const dist = join(own, 'dist');

beforeAll(async () => {
  mkdirSync(own, { recursive: true });
  for (const name of ['bin', 'templates', 'wit', 'package.json']) {
    cpSync(join(ROOT, name), join(own, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(own, 'node_modules'));
  const built = await node(ROOT, ['scripts/build.ts', dist]);
  expect(built).toEqual({ status: 0, stdout: '', stderr: '' });
});
afterAll(() => scratch.remove());

const published = (...args: string[]): Promise<Outcome> =>
  node(scratch.path, [join(own, 'bin', 'ringfence.cjs'), ...args], {
    XDG_CACHE_HOME: join(scratch.path, 'cache'),
  });

/** The files that are imported or started, without those that guests are made of. */
const files = (): string[] =>
  readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.js') && !name.startsWith(join('kit', 'javascript', 'guest')),
  );

describe('the files', () => {
  test('are few, and each import of a file is there', () => {
    expect(files().length).toBeLessThan(60);
    for (const name of files()) {
      const text = readFileSync(join(dist, name), 'utf8');
      for (const [, specifier = ''] of text.matchAll(/(?:from|import|import\()\s*"(\.[^"]+)"/g)) {
        expect(existsSync(join(dist, name, '..', specifier)), `${name}: ${specifier}`).toBe(true);
      }
      expect(text, name).not.toContain('__ringfence_module_url__');
    }
  });

  test("an agent's own process imports no package", () => {
    const text = readFileSync(join(dist, 'wasm/worker/child/entry.js'), 'utf8');
    const imported = [...text.matchAll(/^import .*?from "([^"]+)";$/gm)].map(([, name]) => name);
    expect(imported.length).toBeGreaterThan(0);
    expect(imported.filter((name) => !name?.startsWith('node:'))).toEqual([]);
    // The positive control: the program does.
    const program = files().map((name) => readFileSync(join(dist, name), 'utf8'));
    expect(program.some((each) => each.includes('from "zod"'))).toBe(true);
  });
});

describe('the command line', () => {
  test.each(['shared', 'thread', 'process'])('runs a module, isolation %s', async (isolation) => {
    const outcome = await published('run', '--isolation', isolation, guest('hello'));
    expect(outcome).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('hello from inside the fence') as string,
    });
  });

  test('says its version, and what is wrong', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect((await published('--version')).stdout).toBe(`ringfence ${version}\n`);
    expect(await published('run', 'missing.wasm')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('missing.wasm') as string,
    });
  });

  test('keeps an audit chain, and verifies it', async () => {
    const log = join(scratch.path, 'log');
    const ran = await published('run', '--audit', log, guest('hello'));
    expect(ran).toMatchObject({ status: 0 });
    expect(await published('audit', 'verify', log)).toMatchObject({ status: 0 });
  });

  test('records a run with a store and a profile, and replays it', async () => {
    const [record, profile] = ['run.replay', 'run.cpuprofile'].map((name) =>
      join(scratch.path, name),
    );
    const args = ['--record', record!, '--profile', profile!, '--kv', join(scratch.path, 'kv')];
    expect(await published('run', ...args, guest('hello'))).toMatchObject({ status: 0 });
    expect(readFileSync(profile!, 'utf8')).toContain('"nodes"');
    const replayed = await published('replay', record!, guest('hello'));
    expect(replayed).toMatchObject({ status: 0 });
  });

  test('makes, builds and checks a project', async () => {
    expect(await published('new', 'agent', '--lang', 'assemblyscript')).toMatchObject({
      status: 0,
    });
    const folder = join(scratch.path, 'agent');
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    expect(await published('build', folder)).toMatchObject({ status: 0 });
    const checked = await published('check', folder);
    expect(checked).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('memory') as string,
    });
  });
});

test('a program that imports it runs an agent, and a name of the kit is the same class', async () => {
  writeFileSync(
    join(scratch.path, 'program.mjs'),
    `import { openKernel, RingfenceError } from 'ringfence';
import { createProject } from 'ringfence/kit';
await using kernel = await openKernel({ cacheDirectory: null, catalogue: { tools: 'all' } });
const agent = await kernel.spawn({ module: await kernel.load(process.argv[2]) });
const { exit } = await agent.exited;
console.log(exit.reason);
try {
  createProject('', 'none');
} catch (error) {
  console.log(error instanceof RingfenceError);
}
`,
  );
  const outcome = await node(scratch.path, ['program.mjs', guest('hello')]);
  expect(outcome).toEqual({ status: 0, stdout: 'normal\ntrue\n', stderr: '' });
});
