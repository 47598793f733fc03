/**
 * Goal: a run that is replayed is the same to its end: same calls, same fuel, same outputs, same exit.
 * Method: guests of each kind run for real and are recorded, then the recording is read as a file is, and
 * replayed, in each isolation.
 */

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Recording, type Replay, type Report, readRecording } from '../../src/index.ts';
import { guest, type TestKernel, testKernel } from '../support/kernel.ts';

let host: TestKernel;
beforeAll(async () => {
  host = await testKernel();
});
afterAll(() => host.kernel.close());

interface Recorded {
  readonly report: Report;
  readonly recording: Recording;
  readonly replayed: Replay;
}

/** Runs a guest, reads its recording from its bytes, and replays it. */
async function recordAndReplay(
  name: string,
  options: Record<string, unknown> = {},
): Promise<Recorded> {
  const module = await host.kernel.load(guest(name));
  const agent = await host.kernel.spawn({ module, record: true, arguments: [name], ...options });
  const report = await agent.exited;
  const recording = await readRecording((await agent.recording)!.bytes);
  const replayed = await host.kernel.replay(recording, { module });
  return { report, recording, replayed };
}

function expectIdentical({ report, recording, replayed }: Recorded): void {
  expect(replayed.difference).toBeNull();
  expect(replayed).toMatchObject({
    identical: true,
    calls: recording.header.calls,
    callsRecorded: recording.header.calls,
    cut: null,
    fuel: report.usage.fuel,
  });
  expect(replayed.exit).toEqual(report.exit);
}

const ISOLATIONS = ['shared', 'thread', 'process'] as const;

describe.each(ISOLATIONS)('recorded with isolation %s', { timeout: 120_000 }, (isolation) => {
  const run = (name: string, options: Record<string, unknown> = {}): Promise<Recorded> =>
    recordAndReplay(name, { isolation, ...options });
  /** All of them share their code with agents of the other isolations. */
  const some = <Case>(cases: readonly Case[], most: number): readonly Case[] =>
    isolation === 'shared' ? cases : cases.slice(0, most);

  test('a command of wasi:cli that reads its input', async () => {
    const recorded = await run('word-count', {
      stdin: 'nobody trusts this module\n'.repeat(1000),
    });
    expectIdentical(recorded);
    expect(recorded.report.exit.reason).toBe('normal');
    expect(recorded.recording.header.calls).toBeGreaterThan(3);
    expect(recorded.recording.header.stdout?.bytes).toBeGreaterThan(0);
  });

  const ENDS = [
    ['exit-code', 'error'],
    ['trap', 'trap'],
    ['hello', 'normal'],
    ['error', 'error'],
    ['recursion', 'trap'],
    ['ungranted', 'normal'],
    ['loop-in-realloc', 'trap'],
    ['stdout-lies', 'normal'],
  ] as const;
  test.each(some(ENDS, 2))('%s, which ends by %s', async (name, reason) => {
    const recorded = await run(name);
    expect(recorded.report.exit.reason).toBe(reason);
    expectIdentical(recorded);
  });

  const FLOODS = [
    'memory-bomb',
    'stdout-flood',
    'endless-loop',
    'loop-in-start',
    'table-bomb',
    'mailbox-flood',
    'catch-all',
  ];
  test.each(some(FLOODS, 2))('%s, which uses up its fuel', async (name) => {
    const recorded = await run(name, { limits: { fuel: 1_000_000 }, grants: { ipc: 'all' } });
    expect(recorded.report.exit.reason).toBe('fuel');
    expectIdentical(recorded);
  });

  // The last are ended in the middle of a call, too, which is answered at the unit where they end.
  test.each(['endless-loop', 'loop-in-start', 'sleeper', 'stdout-flood', 'mailbox-flood-large'])(
    '%s, ended from outside where it stood',
    async (name) => {
      const module = await host.kernel.load(guest(name));
      const agent = await host.kernel.spawn({
        module,
        record: true,
        isolation,
        grants: { ipc: 'all' },
      });
      const computes = !['sleeper', 'stdout-flood', 'mailbox-flood-large'].includes(name);
      await vi.waitFor(() => {
        expect(agent.state).toBe('running');
        expect(agent.usage().fuel).toBeGreaterThan(computes ? 0 : -1);
      }, 60_000);
      agent.kill('enough');
      const report = await agent.exited;
      expect(report.exit).toEqual({ code: -1, reason: 'killed', message: 'enough' });
      const recording = (await agent.recording)!;
      expectIdentical({
        report,
        recording,
        replayed: await host.kernel.replay(recording, { module }),
      });
    },
  );
});
