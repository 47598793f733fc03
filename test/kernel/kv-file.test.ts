/**
 * Goal: values that owners keep survive a restart, within their quotas; a disk that takes no more, a file that
 * another kernel has, and one that is none are said as such, and nothing else stops. Method: real files, a
 * kernel of another process whose files can't grow.
 */

import { execFile } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Kernel, type KvOptions, openKernel, type WorkOptions } from '../../src/index.ts';

let folder: string;
let path: string;
const kernels: Kernel[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringfence-kv-'));
  path = join(folder, 'values.sqlite');
});
afterEach(async () => {
  await Promise.all(kernels.splice(0).map((kernel) => kernel.close()));
  rmSync(folder, { recursive: true, force: true });
});

async function open(kv: KvOptions = { path }): Promise<Kernel> {
  const kernel = await openKernel({ cacheDirectory: null, catalogue: { tools: 'all' }, kv });
  kernels.push(kernel);
  return kernel;
}

type Call = readonly [tool: string, args: object];

type Spawned = Pick<WorkOptions, 'agentId' | 'owner' | 'parent'>;

/** Calls tools one after another; answers what each has answered, or the code and message of its error. */
async function callAs(kernel: Kernel, spawned: Spawned, ...calls: Call[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  const agent = await kernel.spawn({
    ...spawned,
    grants: { tools: 'all' },
    work: async ({ callTool }) => {
      for (const [tool, args] of calls) {
        answers.push(
          await callTool(tool, args).catch((error) => `${error.code}: ${error.message}`),
        );
      }
    },
  });
  await agent.exited;
  return answers;
}

const call = (kernel: Kernel, owner: string | null, ...calls: Call[]): Promise<unknown[]> =>
  callAs(kernel, owner === null ? {} : { owner }, ...calls);

const set = (key: string, value: unknown): Call => ['kv.set', { key, value }];
const get = (key: string): Call => ['kv.get', { key }];

test('what an owner keeps is there after a restart, and its versions go on', async () => {
  const first = await open();
  const [kept] = await call(first, 'one', set('a', { b: 1 }), set('c\0d', 'é'), set('gone', 1));
  await call(first, 'one', ['kv.delete', { key: 'gone' }]);
  await call(first, null, set('a', 'nobody’s'));
  await first.close();
  const second = await open();
  expect(await call(second, 'one', get('a'), get('c\0d'), get('gone'), ['kv.list', {}])).toEqual([
    { value: { b: 1 }, version: (kept as { version: number }).version },
    { value: 'é', version: expect.any(Number) },
    expect.stringMatching(/nothing is kept/),
    { keys: ['a', 'c\0d'], more: false },
  ]);
  expect(await call(second, 'two', get('a'))).toEqual([expect.stringMatching(/nothing is kept/)]);
  expect(await call(second, null, get('a'))).toEqual([expect.stringMatching(/nothing is kept/)]);
  const [again] = await call(second, 'one', set('gone', 1));
  // 'gone' had 3: its number is not given again.
  expect((again as { version: number }).version).toBeGreaterThan(3);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('an owner without a name keeps nothing in the file', async () => {
  const kernel = await open();
  expect(await call(kernel, null, set('a', 'secret'), get('a'))).toEqual([
    { version: 1 },
    { value: 'secret', version: 1 },
  ]);
  await kernel.close();
  const database = new DatabaseSync(path, { readOnly: true });
  expect(database.prepare('SELECT count(*) AS n FROM entries').get()).toEqual({ n: 0 });
  database.close();
});

test('by their agentId agents without an owner keep what they have, whatever their children are called', async () => {
  const asChild = async (kernel: Kernel, spawned: Spawned, childId: string, ...calls: Call[]) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const grants = { tools: 'all', spawn: 1 } as const;
    const { pid, exited } = await kernel.spawn({ ...spawned, grants, work: () => promise });
    const child = { parent: kernel.agent(pid), agentId: childId };
    const answers = await callAs(kernel, child, ...calls);
    resolve();
    await exited;
    return answers;
  };
  const none = [expect.stringMatching(/nothing is kept/)];
  const first = await open({ path, byAgentId: true });
  expect(await asChild(first, { agentId: 'one' }, 'child', set('a', 1))).toEqual([{ version: 1 }]);
  await first.close();
  const second = await open({ path, byAgentId: true });
  expect(await asChild(second, { agentId: 'one' }, 'other', get('a'))).toEqual([
    { value: 1, version: 1 },
  ]);
  expect(await asChild(second, { agentId: 'two' }, 'one', get('a'))).toEqual(none);
  expect(await asChild(second, { agentId: 'one', owner: 'one' }, 'one', get('a'))).toEqual(none);
});

test('agents that write at once lose nothing', async () => {
  const kernel = await open();
  const many = Array.from({ length: 8 }, () =>
    call(
      kernel,
      'one',
      ...Array.from({ length: 25 }, (): Call => ['kv.increment', { key: 'n', delta: 1 }]),
    ),
  );
  await Promise.all(many);
  await kernel.close();
  expect(await call(await open(), 'one', get('n'))).toEqual([
    { value: 200, version: expect.any(Number) },
  ]);
});

describe('quotas', () => {
  test('of an owner and of all hold after a restart too', async () => {
    const quota = { ownerMaxKeys: 2, ownerMaxBytes: 30, maxBytes: 40, maxOwners: 2 };
    const full = expect.stringMatching(/^RF_LIMIT_EXCEEDED: .*the store is full/);
    const allFull = expect.stringMatching(/^RF_LIMIT_EXCEEDED: .*all owners/);
    const done = { version: expect.any(Number) };
    const first = await open({ path, ...quota });
    expect(
      await call(first, 'one', set('a', 1), set('b', 1), set('c', 1), set('a', 'x'.repeat(30))),
    ).toEqual([done, done, full, full]);
    expect(await call(first, 'one', set('a', 'x'.repeat(20)))).toEqual([done]);
    await first.close();
    const second = await open({ path, ...quota });
    expect(await call(second, 'one', set('c', 1))).toEqual([full]);
    expect(await call(second, 'two', set('a', 'x'.repeat(20)), set('a', 1))).toEqual([
      allFull,
      done,
    ]);
    expect(await call(second, 'three', set('a', 1))).toEqual([allFull]);
    await call(second, 'two', ['kv.delete', { key: 'a' }]);
    expect(await call(second, 'three', set('a', 1))).toEqual([done]);
  });

  test.each<[string, object, RegExp]>([
    ['of nothing', { ownerMaxKeys: 0 }, /ownerMaxKeys/],
    ['that is none', { maxBytes: '1MiB' }, /maxBytes/],
    ['that nobody knows', { keys: 1 }, /keys/],
    ['with an empty path', { path: '' }, /path/],
  ])('%s open no kernel', async (_, kv, why) => {
    await expect(openKernel({ kv })).rejects.toMatchObject({
      code: 'RF_USAGE',
      message: expect.stringMatching(why),
    });
  });
});

describe('a file that can not be used', () => {
  const opening = (given: string) => openKernel({ kv: { path: given } });

  test('as another kernel has it: until that is closed', async () => {
    const first = await open();
    await expect(opening(path)).rejects.toMatchObject({
      code: 'RF_STORE',
      message: expect.stringMatching(/another kernel has it/),
    });
    expect(await call(first, 'one', set('a', 1))).toEqual([{ version: 1 }]);
    await first.close();
    const second = await open();
    expect(await call(second, 'one', get('a'))).toEqual([{ value: 1, version: 1 }]);
  });

  test('as it is something else, which is left as it was', async () => {
    writeFileSync(path, 'a letter to somebody, much longer than the head of a database'.repeat(40));
    await expect(opening(path)).rejects.toMatchObject({ code: 'RF_STORE' });
    expect(statSync(path).size).toBe(61 * 40);
    const others = join(folder, 'others.sqlite');
    const database = new DatabaseSync(others);
    database.exec('CREATE TABLE entries(a); INSERT INTO entries VALUES (1)');
    await expect(opening(others)).rejects.toMatchObject({
      code: 'RF_STORE',
      message: expect.stringMatching(/another program/),
    });
    expect(database.prepare('SELECT a FROM entries').get()).toEqual({ a: 1 });
    database.close();
  });

  test('as its directory is not there, or it is one', async () => {
    const directory = join(folder, 'directory');
    mkdirSync(directory);
    for (const wrong of [join(folder, 'none', 'values.sqlite'), directory]) {
      await expect(opening(wrong)).rejects.toMatchObject({ code: 'RF_STORE' });
    }
    expect(existsSync(join(folder, 'none'))).toBe(false);
    await open();
  });
});

describe('a file that is not its own', () => {
  const why = (text: RegExp) => ({ code: 'RF_STORE', message: expect.stringMatching(text) });
  const opening = (given: string) => openKernel({ kv: { path: given } });
  const elsewhere = () => join(folder, 'elsewhere');

  test.each(['', '.lock'])('as its name%s is a link is not written', async (ending) => {
    symlinkSync(elsewhere(), `${path}${ending}`);
    await expect(opening(path)).rejects.toMatchObject(why(/no plain file/));
    expect(existsSync(elsewhere())).toBe(false);
    rmSync(`${path}${ending}`);
    await open();
  });

  test('as it has two names is not written', async () => {
    writeFileSync(elsewhere(), '');
    linkSync(elsewhere(), path);
    await expect(opening(path)).rejects.toMatchObject(why(/more names than one/));
    expect(statSync(elsewhere()).size).toBe(0);
    rmSync(elsewhere());
    await open();
  });

  test.each(['-wal', '-shm'])('as its %s is a link is not written', async (ending) => {
    symlinkSync(elsewhere(), `${path}${ending}`);
    await expect(opening(path)).rejects.toMatchObject({ code: 'RF_STORE' });
    expect(existsSync(elsewhere())).toBe(false);
    rmSync(`${path}${ending}`);
    await open();
  });

  test('is closed to others, and so are those beside it, under any umask', async () => {
    writeFileSync(path, '', { mode: 0o644 });
    const before = process.umask(0);
    try {
      await call(await open(), 'one', set('a', 1));
      const modes = readdirSync(folder).map((name) => [
        name,
        statSync(join(folder, name)).mode & 0o777,
      ]);
      const names = ['', '-shm', '-wal', '.lock', '.lock-journal'].map(
        (ending) => `values.sqlite${ending}`,
      );
      expect(modes.sort()).toEqual(names.map((name) => [name, 0o600]));
    } finally {
      process.umask(before);
    }
  });

  test.each([':memory:', 'file:values.sqlite?mode=memory'])(
    'as SQLite would take its name for another thing: %s is a name like others',
    async (name) => {
      const before = process.cwd();
      process.chdir(folder);
      try {
        const first = await open({ path: name });
        await call(first, 'one', set('a', 1));
        await first.close();
        expect(await call(await open({ path: name }), 'one', get('a'))).toEqual([
          { value: 1, version: expect.any(Number) },
        ]);
        expect(existsSync(join(folder, name))).toBe(true);
      } finally {
        process.chdir(before);
      }
    },
  );
});

const PROGRAM = `
const { openKernel } = await import(${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)});
const warnings = [];
const kernel = await openKernel({
  cacheDirectory: null, catalogue: { tools: 'all' }, kv: { path: process.argv[2] },
  onWarning: (text) => warnings.push(text),
});
const said = [];
const agent = await kernel.spawn({ owner: 'one', grants: { tools: 'all' }, work: async ({ callTool }) => {
  const tell = (tool, args) => callTool(tool, args).then(({ value }) => value?.[0] ?? 'ok', (error) => error.message);
  for (let at = 0; at < 20; at += 1) {
    said.push(await tell('kv.set', { key: 'k' + at, value: 'x'.repeat(40_000) }));
  }
  said.push(await tell('kv.get', { key: 'k0' }));
} });
await agent.exited;
const other = await kernel.spawn({ grants: { tools: 'all' }, work: async ({ callTool }) => {
  await callTool('kv.set', { key: 'a', value: 1 });
  said.push('in memory');
} });
await other.exited;
await kernel.close();
console.log(JSON.stringify({ said, warnings }));
`;

test('a disk that takes no more is a typed error for the agent and a warning; the kernel goes on', async () => {
  // 300 KiB: what writes more is told so by the system.
  const program = join(folder, 'program.mjs');
  writeFileSync(program, PROGRAM);
  const { stdout } = await promisify(execFile)('/bin/sh', [
    ...['-c', 'ulimit -f 600; exec "$0" "$1" "$2"', process.execPath, program, path],
  ]);
  const { said, warnings } = JSON.parse(stdout) as { said: string[]; warnings: string[] };
  const kept = said.indexOf(said.find((each) => each !== 'ok') ?? '');
  expect(kept).toBeGreaterThan(0);
  expect(said[kept]).toMatch(/the store can not be written at the moment/);
  expect(said.slice(-2)).toEqual(['x', 'in memory']);
  expect(warnings.filter((text) => text.includes(path)).length).toBeGreaterThan(0);
  const kernel = await open();
  const [list] = await call(kernel, 'one', ['kv.list', {}]);
  expect((list as { keys: string[] }).keys.length).toBe(
    said.slice(0, 20).filter((each) => each === 'ok').length,
  );
});
