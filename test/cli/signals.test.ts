/** Ctrl-C and SIGTERM, during the run and during the preparation: a report, and no process left. */

import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import {
  childrenOf,
  guest,
  isAlive,
  reportOf,
  type Started,
  start,
  temporaryDirectory,
} from './ringfence.ts';

const scratch = temporaryDirectory();
afterAll(() => scratch.remove());

const SIGNALS = [
  ['SIGINT', 130, 'Ctrl-C'],
  ['SIGTERM', 143, 'SIGTERM'],
] as const;

/** A module that computes and writes without end, once it has begun to. */
async function startFlood(...options: readonly string[]): Promise<Started> {
  const running = start(['run', ...options, guest('stdout-flood')]);
  const output = options.includes('--json') ? running.child.stderr! : running.child.stdout!;
  await once(output, 'data');
  return running;
}

/** More than any pipe holds: when all of it has been written the module has begun to read. */
const MORE_THAN_A_PIPE = new Uint8Array(4 * 1024 * 1024);

describe.each(SIGNALS)('%s', (signal, status, named) => {
  test('ends a module that runs, and prints its report', async () => {
    const running = await startFlood();
    running.child.kill(signal);
    const outcome = await running.ended;
    expect(outcome).toMatchObject({ status, signal: null });
    const [line, report] = outcome.stderr.trimEnd().split('\n');
    expect(line).toMatch(new RegExp(`^ringfence: killed: stdout-flood: .*${named} after `));
    expect(JSON.parse(report ?? '')).toMatchObject({
      pid: 1,
      exit: { code: -1, reason: 'killed' },
    });
  });

  test('ends a module that waits for input, and writes its report to the file', async () => {
    const file = join(scratch.path, `${signal}.json`);
    const running = start(['run', '--report', file, guest('word-count')], { stdin: 'open' });
    await new Promise((resolve) => running.child.stdin!.write(MORE_THAN_A_PIPE, resolve));
    running.child.kill(signal);
    const outcome = await running.ended;
    expect(outcome).toMatchObject({ status, stdout: '' });
    expect(outcome.stderr).toMatch(/^ringfence: killed: [^\n]+\n$/);
    const { default: report } = await import(file, { with: { type: 'json' } });
    expect(report).toMatchObject({ pid: 1, exit: { code: -1, reason: 'killed' } });
  });

  test('ends the preparation and its process; the report has no pid', async () => {
    const variables = { RINGFENCE_CACHE: join(scratch.path, `fresh-cache-${signal}`) };
    const running = start(['run', '--json', guest('ungranted')], { variables });
    const pid = running.child.pid!;
    let children: number[] = [];
    while (children.length === 0) {
      await later(5);
      children = childrenOf(pid);
    }
    running.child.kill(signal);
    const outcome = await running.ended;
    expect(outcome.status).toBe(status);
    expect(reportOf(outcome)).toMatchObject({ pid: null, exit: { code: -1, reason: 'killed' } });
    expect(outcome.stderr).not.toMatch(/^\s+at /m);
    expect(children.filter(isAlive)).toEqual([]);
  });

  test('ends a run whose output nobody takes', async () => {
    const running = await startFlood();
    running.child.stdout!.pause();
    running.child.kill(signal);
    const [code] = await once(running.child, 'exit');
    expect(code).toBe(status);
    running.child.stdout!.resume();
    await running.ended;
  });
});

test('with --json the report is on standard output, alone', async () => {
  const running = await startFlood('--json');
  running.child.kill('SIGINT');
  const outcome = await running.ended;
  expect(outcome.status).toBe(130);
  expect(reportOf(outcome).exit.reason).toBe('killed');
});

test('a second Ctrl-C ends the process at once', async () => {
  const running = await startFlood();
  running.child.kill('SIGINT');
  running.child.kill('SIGINT');
  expect((await running.ended).status).toBe(130);
});
