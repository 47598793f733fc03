/**
 * Goal: an agent in a process has one end, and nothing of it is left that could reach the next owner of
 * its control block. Method: a link that is no process, and timers that the test moves.
 */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HttpClient } from '../../network/http-client.ts';
import { NETWORK_SETTINGS_DEFAULT } from '../../network/settings.ts';
import { COMMAND, type ControlBlock, ControlBlocks } from '../../resource/control-blocks.ts';
import { type LimitsInput, parseLimits } from '../../resource/limits.ts';
import { NO_FEATURES } from '../../wasm/metering/features.ts';
import type { BackendEnd, BackendEvents } from '../backend.ts';
import { ChildAgent, type ChildAgentOptions } from './child-agent.ts';
import type { ChildListener } from './child-link.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Longer than an agent has to end. */
const LATE_MS = 10_000;

/** An agent that has begun, in what stands for a process. */
async function begun(
  events: Partial<BackendEvents> = {},
  features = NO_FEATURES,
  limits: LimitsInput = {},
) {
  const logged: string[] = [];
  const block = new ControlBlocks(1).take();
  const gone = Promise.withResolvers<void>();
  const ends: BackendEnd[] = [];
  const warnings: string[] = [];
  let listener: ChildListener | null = null;
  const sent: string[] = [];
  const link = {
    ready: Promise.resolve(true),
    systemPid: Promise.resolve(process.pid),
    gone: gone.promise,
    listen: (hears: ChildListener) => {
      listener = hears;
    },
    send: ({ kind }: { kind: string }) => sent.push(kind),
    kill: vi.fn(),
  };
  const agent = new ChildAgent({
    start: {
      pid: 1,
      block,
      grants: [],
      mounts: [],
      limits: parseLimits(limits),
      spawnedAtMs: performance.timeOrigin + performance.now(),
      diagnosis: null,
    },
    module: { digest: 'x', plan: { features }, modules: [] },
    sliceFuel: 1,
    client: new HttpClient(NETWORK_SETTINGS_DEFAULT),
    events: {
      log: (_: string, message: string) => logged.push(message),
      ...events,
      exited: (end: BackendEnd) => ends.push(end),
    },
    launched: { link, plan: { prlimit: null, bwrap: null } },
    onWarning: (text: string) => warnings.push(text),
  } as unknown as ChildAgentOptions);
  await vi.waitFor(() => expect(sent).toEqual(['begin']));
  const hears = listener as unknown as ChildListener;
  return { agent, block, hears, gone, ends, link, warnings, logged };
}

test('one that does not end when it is told to is ended', async () => {
  const { agent, block, gone, ends, link } = await begun();
  block.request(COMMAND.kill);
  agent.command('it was killed');
  expect(link.kill).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(LATE_MS);
  expect(link.kill).toHaveBeenCalledOnce();
  gone.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(ends).toMatchObject([{ reason: 'killed' }]);
});

test('one whose process dies may be tried again, but where it had the heap to fill', async () => {
  for (const [features, end] of [
    [NO_FEATURES, { reason: 'worker_lost' }],
    [{ gc: true, relaxedSimd: false }, { reason: 'killed' }],
  ] as const) {
    const { hears, gone, ends } = await begun({}, features);
    hears.gone();
    gone.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(ends).toMatchObject([end]);
    expect(ends[0]?.message).toMatch(/^its process died/);
  }
});

test('one that is killed while its process goes ends nobody who gets its control block', async () => {
  const { agent, block, hears, gone, ends } = await begun();
  hears.broken('nonsense');
  block.request(COMMAND.kill);
  agent.command('it was killed');
  gone.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(ends).toHaveLength(1);
  // As the supervisor gives it to the next.
  block.clear();
  await vi.advanceTimersByTimeAsync(LATE_MS);
  expect(block.command).toBe(COMMAND.none);
});

const frame = (head: object) => ({
  head: Buffer.from(JSON.stringify(head)),
  body: Buffer.alloc(0),
});

/** What its agent asks for, each of another kind. */
const ACTS: readonly object[] = [
  { kind: 'ask', id: 1, question: { ask: 'monitor', pid: 1 } },
  { kind: 'request-grant', id: 2, grant: { kind: 'ipc', scope: ['all'] }, reason: '' },
];

describe('what it asks for is done until it is to end, and not after', () => {
  test.each<[string, { wallTimeMs?: number }, (block: ControlBlock) => void]>([
    ['it was killed', {}, (block) => void block.request(COMMAND.kill)],
    ['its time is over', { wallTimeMs: 1_000 }, () => void vi.advanceTimersByTime(1_001)],
  ])('%s', async (_, limits, toEnd) => {
    const asked = vi.fn((..._given: unknown[]) => new Promise<never>(() => {}));
    const { hears, block, ends, logged } = await begun(
      { ask: asked, requestGrant: asked },
      NO_FEATURES,
      limits,
    );
    for (const act of ACTS) {
      hears.frame(frame(act));
    }
    expect(asked).toHaveBeenCalledTimes(ACTS.length);
    toEnd(block);
    for (const act of ACTS) {
      hears.frame(frame({ ...act, id: 9 }));
    }
    expect(asked).toHaveBeenCalledTimes(ACTS.length);
    // Its last words are heard, and it is no breach of the protocol.
    hears.frame(frame({ kind: 'log', level: 'info', message: 'the last' }));
    expect(logged).toEqual(['the last']);
    expect(ends).toEqual([]);
  });
});

test('what fails on our side is no breach of the protocol by its process', async () => {
  const { hears, gone, ends, warnings } = await begun({
    running: () => {
      throw new Error('a bug of ours');
    },
  });
  hears.frame(frame({ kind: 'running' }));
  gone.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(ends).toMatchObject([{ reason: 'internal' }]);
  expect(warnings).toEqual([expect.stringMatching(/^the host of pid 1 failed: .*a bug of ours$/)]);
});

test('nonsense is', async () => {
  const { hears, gone, ends, warnings } = await begun();
  hears.frame(frame({ kind: 'nonsense' }));
  gone.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(ends).toMatchObject([{ reason: 'killed', message: 'its process broke the protocol' }]);
  expect(warnings).toEqual([expect.stringContaining('broke the protocol')]);
});
