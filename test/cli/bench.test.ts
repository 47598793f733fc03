/**
 * `ringfence bench`, as a process of its own: what it measures of each kind of module, what it refuses to, and
 * that nothing is left of it. How long anything takes is not looked at.
 */

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import type { Told } from '../../src/cli/bench/told.ts';
import {
  childrenOf,
  guest,
  isAlive,
  type Outcome,
  ringfence,
  type StartOptions,
  start,
  temporaryDirectory,
} from './ringfence.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

/** The rounds end it long before its time: a run may be late here, and is then none that waits. */
const SHORT = ['--seconds', '60', '--rounds', '4'];
/** For what does not end: a quarter of it is waited for. */
const SOON = ['--seconds', '4'];
const TEXT = { stdin: 'one two\nthree\n' };

const bench = (args: readonly string[], options?: StartOptions): Promise<Outcome> =>
  ringfence(['bench', ...SHORT, ...args], options);

async function told(args: readonly string[], options?: StartOptions): Promise<Told> {
  const outcome = await bench(['--json', ...args], options);
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  expect(outcome.stdout.trimEnd()).not.toContain('\n');
  return JSON.parse(outcome.stdout) as Told;
}

describe('what is measured', () => {
  test('of a command that ends: all of it', async () => {
    const all = await told([guest('word-count')], TEXT);
    expect(all.module).toMatchObject({ world: 'wasi:cli', isolation: 'shared' });
    expect(all.run).toMatchObject({ kind: 'ends', exit: { reason: 'normal', code: 0 } });
    expect(all.run).toMatchObject({ input_bytes: 14, output_bytes: 24 });
    expect(all.prepare?.cold_ms?.rounds).toBeGreaterThan(0);
    expect(all.prepare?.cached_ms?.rounds).toBeGreaterThan(0);
    const { min = 0, median = 0, p99 = 0, max = 0 } = all.start?.exit_ms ?? {};
    expect([min, median, p99, max]).toEqual([min, median, p99, max].toSorted((a, b) => a - b));
    expect(min).toBeGreaterThan(0);
    expect(all.start?.sustained).toMatchObject({ runs: 4 });
    expect(all.fuel).toMatchObject({ same: true });
    expect(all.memory).toMatchObject({ declared_bytes: 65_536, fit: { in_bytes: 1024 ** 3 } });
  });

  test('of one that computes: what it takes beside itself without metering', async () => {
    const input = { stdin: 'some words here\n'.repeat(1_000_000) };
    const { plain, run } = await told(['--only', 'plain', guest('word-count')], input);
    expect(run).toMatchObject({ kind: 'ends', input_bytes: 16_000_000 });
    const rounds = expect.objectContaining({ rounds: 4 });
    expect(plain).toMatchObject({ metered_cpu_ms: rounds, plain_cpu_ms: rounds });
  });

  test('of one that is over at once: that this says nothing of metering', async () => {
    const outcome = await bench(['--only', 'plain', '--rounds', '1', guest('word-count')], TEXT);
    expect(outcome.status).toBe(0);
    expect(outcome.stdout).toMatch(/^against V8 +not measured: .* too short to compare/m);
  });

  test('of an endless loop: what it uses, and it is ended', async () => {
    const only = [...SOON, '--only', 'start,fuel,plain'];
    const { run, start, fuel, plain } = await told([...only, guest('endless-loop')]);
    expect(run).toMatchObject({ kind: 'computes', exit: null });
    expect(start?.first_instruction_ms?.rounds).toBe(4);
    expect(start).toMatchObject({
      exit_ms: null,
      sustained: { unmeasured: 'it does not end within its time' },
    });
    expect(fuel).toMatchObject({ runs: 1 });
    expect(plain).toMatchObject({ unmeasured: 'it does not end within its time' });
    expect(plain).toMatchObject({ unmeasured: 'it does not end within its time' });
  });

  test('of a service that waits for messages: its starts', async () => {
    const only = [...SOON, '--only', 'start,fuel', '--allow-ipc'];
    const { run, start, fuel } = await told([...only, guest('echo')]);
    expect(run).toMatchObject({ kind: 'waits', exit: null });
    expect(start?.first_instruction_ms?.rounds).toBe(4);
    expect(fuel).toMatchObject({ unmeasured: expect.stringContaining('waits') });
  });

  test('of a module that handles requests: requests, and what an instance takes', async () => {
    const outcome = await bench(['--only', 'start,memory', guest('web-hello')]);
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/^run +it handles HTTP requests: .* with 200 after /m);
    expect(outcome.stdout).toMatch(/^request to response( +[\d.,]+ ms){4} +4$/m);
    expect(outcome.stdout).toMatch(/^sustained +\S+ requests a second, 64 at a time/m);
    expect(outcome.stdout).toMatch(/^memory +.* resident for each/m);
  });

  test('with the arguments and the environment of a run', async () => {
    const few = await told(['--only', 'fuel', guest('args-env')]);
    const many = await told([
      ...['--only', 'fuel', '--env', `NAME=${'long '.repeat(100)}`, guest('args-env')],
      ...['--', 'one', 'two'],
    ]);
    expect(many.run?.output_bytes).toBeGreaterThan((few.run?.output_bytes ?? 0) + 500);
  });

  test('what each level of isolation has of its own is said, where it can not be held together', async () => {
    const only = ['--only', 'memory', '--isolation', 'thread'];
    const { memory } = await told([...only, guest('word-count')]);
    expect(memory).toMatchObject({ unmeasured: expect.stringContaining('64 at a time') });
  });
});

describe('what is not', () => {
  test('a run that fails, unless it is said that this is what is to be measured', async () => {
    const args = ['--only', 'start', guest('trap')];
    const outcome = await bench(args);
    expect(outcome).toMatchObject({ status: 1, stdout: '' });
    expect(outcome.stderr).toMatch(
      /^ringfence: Cannot measure .* ended as trap .*--allow-failure\.\n$/,
    );
    const { run, start } = await told(['--allow-failure', ...args]);
    expect(run).toMatchObject({ kind: 'ends', exit: { reason: 'trap' } });
    expect(start?.exit_ms?.rounds).toBe(4);
  });

  test('what it is not granted', async () => {
    const outcome = await bench(['--only', 'start', guest('echo')]);
    expect(outcome).toMatchObject({ status: 1, stdout: '' });
    expect(outcome.stderr).toContain('--allow-ipc');
  });

  test.each<[string, readonly string[], readonly string[]]>([
    ['a part that there is not', ['--only', 'speed'], ["'speed'", 'prepare, start']],
    ['no time', ['--seconds', '0'], ['--seconds', '1 to']],
    ['too many rounds', ['--rounds', '1000001'], ['--rounds']],
  ])('%s', async (_, args, parts) => {
    const outcome = await ringfence(['bench', ...args, guest('word-count')]);
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(outcome.stderr).toMatch(/^ringfence: [^\n]+\n$/);
    for (const part of parts) {
      expect(outcome.stderr).toContain(part);
    }
  });

  test('a file that is no module', async () => {
    expect(await bench(['LICENSE'])).toMatchObject({ status: 126, stdout: '' });
    expect(await bench(['no-such.wasm'])).toMatchObject({ status: 2, stdout: '' });
  });
});

test('Ctrl-C ends it, and nothing is left behind', async () => {
  const directory = join(scratch.path, 'temporary');
  mkdirSync(directory);
  const variables = { TMPDIR: directory };
  const running = start(['bench', '--seconds', '600', guest('word-count')], { variables });
  let children: number[] = [];
  while (children.length === 0) {
    await later(5);
    children = childrenOf(running.child.pid!);
  }
  running.child.kill('SIGINT');
  expect(await running.ended).toMatchObject({ status: 130, stdout: '' });
  expect(children.filter(isAlive)).toEqual([]);
  expect(readdirSync(directory)).toEqual([]);
});

test('the help names its options and says what it ends with', async () => {
  const { status, stdout } = await ringfence(['bench', '--help']);
  expect(status).toBe(0);
  for (const text of ['--seconds N', '--only PART,…', '--allow-failure', '--dir', '--max-fuel']) {
    expect(stdout).toContain(text);
  }
});
