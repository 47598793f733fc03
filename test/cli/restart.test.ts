/**
 * Goal: a policy's `restart` is what `run` does: who fails is started again, until that is too often or
 * somebody stops it. Method: the real command line, with policies that differ in that word.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { guest, ROOT, reportOf, ringfence, start, temporaryDirectory } from './ringfence.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

/** The options for a policy that says so of every module. */
function policy(restart: string, more = ''): string[] {
  const path = join(scratch.path, `${restart}${more.length}.toml`);
  const entry = `version = 1\n[[module]]\nmatch = "${join(ROOT, 'guest-examples/build')}/**"\nrestart = "${restart}"\n${more}`;
  writeFileSync(path, entry);
  return ['--policy', path];
}

const times = (text: string, line: RegExp): number =>
  text.split('\n').filter((each) => line.test(each)).length;

describe('who fails', () => {
  test.each(['transient', 'permanent'])(
    'is started again, up to five times: %s',
    async (restart) => {
      const outcome = await ringfence(['run', '--json', ...policy(restart), guest('trap')]);
      expect(outcome.status).toBe(134);
      expect(reportOf(outcome)).toMatchObject({
        pid: 6,
        restarts: 5,
        restarted_from: 5,
        exit: { reason: 'trap' },
      });
      expect(times(outcome.stderr, /^trap: trap: /)).toBe(6);
      for (let count = 1; count <= 5; count += 1) {
        expect(outcome.stderr).toContain(`ringfence: trap is started again (restart ${count})\n`);
      }
      expect(outcome.stderr).toMatch(/5 restarts in 60000 ms are the most/);
    },
  );

  test('is not where it is temporary', async () => {
    const outcome = await ringfence(['run', '--json', ...policy('temporary'), guest('trap')]);
    expect(outcome.status).toBe(134);
    expect(reportOf(outcome)).toMatchObject({ pid: 1, restarts: 0 });
    expect(outcome.stderr).not.toContain('again');
  });

  test('ends with the code of its last end', async () => {
    const outcome = await ringfence(['run', ...policy('transient'), guest('exit-code')]);
    expect(outcome.status).toBe(42);
  });

  test('each time has the limits of one', async () => {
    const fuel = 'limits.fuel = 1_000_000\n';
    const options = policy('transient', fuel);
    const outcome = await ringfence(['run', '--json', ...options, guest('endless-loop')]);
    expect(outcome.status).toBe(137);
    expect(reportOf(outcome)).toMatchObject({ restarts: 5, usage: { fuel: 1_000_000 } });
  });
});

describe('who ends normally', () => {
  test('ends the run where it is transient', async () => {
    const outcome = await ringfence(['run', '--json', ...policy('transient'), guest('hello')]);
    expect(outcome.status).toBe(0);
    expect(reportOf(outcome)).toMatchObject({ pid: 1, restarts: 0, exit: { reason: 'normal' } });
    expect(outcome.stderr).not.toContain('again');
  });

  test('is started again where it is permanent; a run that was given up has not succeeded', async () => {
    const outcome = await ringfence(['run', '--json', ...policy('permanent'), guest('hello')]);
    expect(outcome.status).toBe(1);
    expect(reportOf(outcome)).toMatchObject({ restarts: 5, exit: { reason: 'normal' } });
  });
});

describe('Ctrl-C ends it, and nobody is started after it', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('while an agent runs: %s', async (signal, status) => {
    const running = start(['run', ...policy('permanent'), guest('stdout-flood')]);
    await new Promise((resolve) => running.child.stdout?.once('data', resolve));
    running.child.kill(signal);
    const outcome = await running.ended;
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toMatch(/^ringfence: killed: stdout-flood: it was stopped by /);
    expect(outcome.stderr).not.toContain('again');
    const report = outcome.stderr.trimEnd().split('\n').at(-1) ?? '';
    expect(JSON.parse(report)).toMatchObject({ pid: 1, exit: { code: -1, reason: 'killed' } });
  });

  test('while one waits to be started again', async () => {
    const running = start(['run', '--json', ...policy('permanent'), guest('trap')]);
    await running.untilStderrHas('(restart 3)');
    running.child.kill('SIGINT');
    const outcome = await running.ended;
    expect(outcome.status).toBe(130);
    expect(reportOf(outcome).restarts).toBeLessThan(5);
  });

  test('where nobody takes its output', async () => {
    const running = start(['run', ...policy('permanent'), guest('stdout-flood')]);
    await new Promise((resolve) => running.child.stdout?.once('data', resolve));
    running.child.stdout?.pause();
    running.child.kill('SIGINT');
    const [code] = await new Promise<unknown[]>((resolve) =>
      running.child.once('exit', (...args) => resolve(args)),
    );
    expect(code).toBe(130);
    running.child.stdout?.resume();
    await running.ended;
  });
});

test('what can not be started is refused as ever, and not tried again', async () => {
  const options = policy('permanent', 'limits.memory = 1\n');
  const outcome = await ringfence(['run', '--json', ...options, guest('hello')]);
  expect(outcome.status).toBe(126);
  expect(reportOf(outcome)).toMatchObject({ pid: null, exit: { code: null, reason: 'refused' } });
  expect(outcome.stderr).not.toContain('again');
});

test('standard input is empty for it', async () => {
  const args = ['run', '--json', ...policy('transient'), guest('word-count')];
  const outcome = await ringfence(args, { stdin: 'one two three\n' });
  expect(outcome.status).toBe(0);
  expect(outcome.stderr).toMatch(/^\s+0\s+0\s+0/m);
});
