/**
 * Goal: jobs run when they are due, on the clock that is meant, and what was missed is made up for as its
 * policy says. Method: a clock in the test's hands, which is set, sleeps, and goes on.
 */

import { describe, expect, test } from 'vitest';
import { Agenda, type Clock } from './agenda.ts';
import type { Job, JobRun } from './job.ts';
import { decide, type MissedPolicy, ON_TIME_MS } from './missed.ts';
import { DUES_MAX, timingOf, type When } from './timing.ts';

const START_MS = Date.parse('2026-03-27T12:00:00Z');
const at = (text: string): number => Date.parse(text);

/** Stands still until it is moved. */
class FakeClock implements Clock {
  monotonicMs = 1_000;
  wallMs: number;
  readonly timers = new Set<{ atMs: number; ring: () => void }>();

  constructor(wallMs = START_MS) {
    this.wallMs = wallMs;
  }

  now() {
    return { monotonicMs: this.monotonicMs, wallMs: this.wallMs };
  }

  wake(inMs: number, ring: () => void) {
    const timer = { atMs: this.monotonicMs + inMs, ring };
    this.timers.add(timer);
    return { clear: () => this.timers.delete(timer) };
  }

  /** Time passes, and timers ring as they become due. */
  async pass(ms: number): Promise<void> {
    const endMs = this.monotonicMs + ms;
    for (;;) {
      const [next] = [...this.timers].sort((one, other) => one.atMs - other.atMs);
      const stopMs = next === undefined || next.atMs > endMs ? endMs : next.atMs;
      const stepMs = Math.max(0, stopMs - this.monotonicMs);
      this.monotonicMs += stepMs;
      this.wallMs += stepMs;
      if (next === undefined || next.atMs > endMs) {
        return;
      }
      this.timers.delete(next);
      next.ring();
      await settled();
    }
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function world(perform: (run: JobRun) => Promise<void> = async () => {}) {
  const clock = new FakeClock();
  const runs: JobRun[] = [];
  const failed: unknown[] = [];
  const agenda = new Agenda<null>({
    clock,
    perform: (_job, run) => {
      runs.push(run);
      return perform(run);
    },
    failed: (_job, error) => failed.push(error),
    changed: () => {},
  });
  const add = (when: When, policy: MissedPolicy = 'once', nextMs: number | null = null) => {
    const job: Job<null> = {
      id: `job ${agenda.size}`,
      name: null,
      timing: timingOf(when, clock.now(), nextMs),
      policy,
      createdAtMs: clock.wallMs,
      does: null,
      history: { runs: 0, failures: 0, missed: 0, lastRunMs: null, lastError: null },
      cancellation: new AbortController(),
      isRunning: false,
    };
    agenda.add(job);
    return job;
  };
  return { clock, runs, failed, agenda, add };
}

const dues = (runs: readonly JobRun[]): string[] =>
  runs.map(({ dueMs }) => new Date(dueMs).toISOString().slice(5, 19));

describe('an interval', () => {
  test('counts from the start, does not drift, and does not care about the wall clock', async () => {
    const { clock, runs, add } = world();
    add({ everyMs: 60_000 });
    await clock.pass(59_999);
    expect(runs).toEqual([]);
    clock.wallMs += 86_400_000;
    await clock.pass(1);
    clock.wallMs -= 2 * 86_400_000;
    await clock.pass(120_000);
    expect(runs.map(({ run }) => run)).toEqual([1, 2, 3]);
  });

  test.each<[MissedPolicy, number, number]>([
    ['skip', 1, 5],
    ['once', 1, 5],
    ['all', 6, 0],
  ])('whose runs were slept through: %s makes %i of 6', async (policy, made, missed) => {
    const { clock, runs, add } = world();
    const job = add({ everyMs: 10_000 }, policy);
    // All at once: no timer rang while it slept.
    clock.monotonicMs += 60_000;
    clock.wallMs += 60_000;
    await clock.pass(0);
    expect(runs).toHaveLength(made);
    expect(job.history).toMatchObject({ runs: made, missed });
    expect(runs.at(-1)?.dueMs).toBe(START_MS + 60_000);
    await clock.pass(10_000);
    expect(runs).toHaveLength(made + 1);
  });
});

describe('a cron expression', () => {
  test('means the time of its zone, over the change to summer time and back', async () => {
    const { clock, runs, add } = world();
    add({ cron: '30 2 * * *', timezone: 'Europe/Berlin' });
    await clock.pass(4 * 86_400_000);
    expect(dues(runs)).toEqual([
      '03-28T01:30:00',
      // There is no 02:30 on this day: the first moment after it.
      '03-29T01:00:00',
      '03-30T00:30:00',
      '03-31T00:30:00',
    ]);
  });

  test('is found again when the wall clock was set forward or back, within a minute', async () => {
    const { clock, runs, add } = world();
    add({ cron: '0 * * * *', timezone: 'UTC' });
    clock.wallMs += 50 * 60_000;
    await clock.pass(10 * 60_000);
    expect(dues(runs)).toEqual(['03-27T13:00:00']);
    clock.wallMs -= 120 * 60_000;
    await clock.pass(60 * 60_000);
    expect(dues(runs)).toEqual(['03-27T13:00:00', '03-27T12:00:00']);
  });

  test('that is over is a job no more', async () => {
    const { clock, runs, agenda, add } = world();
    add({ cron: '0 0 13 27 3 * 2026', timezone: 'UTC' });
    await clock.pass(2 * 3_600_000);
    expect(dues(runs)).toEqual(['03-27T13:00:00']);
    expect(agenda.size).toBe(0);
    expect(clock.timers.size).toBe(0);
  });

  test.each([
    ['60 * * * *', 'UTC', /minute/],
    ['often', 'UTC', /often/],
    ['0 0 30 2 *', 'UTC', /means no time/],
    ['0 0 * * *', 'Mars/Base', /Mars/],
  ])('that can not be one is refused: %s in %s', (cron, timezone, message) => {
    expect(() => timingOf({ cron, timezone }, new FakeClock().now())).toThrow(message);
  });
});

describe('a job that was kept while nobody ran', () => {
  const daily: When = { cron: '0 3 * * *', timezone: 'UTC' };

  test.each<[MissedPolicy, string[], number]>([
    ['skip', [], 3],
    ['once', ['03-27T03:00:00'], 2],
    ['all', ['03-25T03:00:00', '03-26T03:00:00', '03-27T03:00:00'], 0],
  ])('%s', async (policy, made, missed) => {
    const { clock, runs, add } = world();
    const job = add(daily, policy, at('2026-03-25T03:00:00Z'));
    await clock.pass(1_000);
    expect(dues(runs)).toEqual(made);
    expect(job.history.missed).toBe(missed);
  });

  test('makes up for 100 runs at most, the last ones', async () => {
    const { clock, runs, add } = world();
    add({ cron: '* * * * * *', timezone: 'UTC' }, 'all', at('2026-03-01T00:00:00Z'));
    await clock.pass(0);
    expect(runs).toHaveLength(DUES_MAX);
    expect(dues(runs).at(-1)).toBe('03-27T12:00:00');
    expect(dues(runs)[0]).toBe('03-27T11:58:21');
  });

  test('of an interval goes on where it was, and waits no interval twice', async () => {
    const { clock, runs, add } = world();
    add({ everyMs: 60_000 }, 'once', START_MS + 10_000);
    add({ everyMs: 60_000 }, 'once', START_MS + 86_400_000);
    await clock.pass(10_000);
    expect(runs).toHaveLength(1);
    await clock.pass(50_000);
    expect(runs.map(({ id }) => id)).toEqual(['job 0', 'job 1']);
  });
});

describe('runs', () => {
  test('of a job don’t overlap: what became due meanwhile was missed', async () => {
    const gate = Promise.withResolvers<void>();
    const { clock, runs, add } = world(() => gate.promise);
    const job = add({ everyMs: 1_000 });
    add({ everyMs: 1_000 });
    await clock.pass(10_000);
    expect(runs.map(({ id }) => id)).toEqual(['job 0', 'job 1']);
    gate.resolve();
    await settled();
    await clock.pass(500);
    expect(runs.filter(({ id }) => id === 'job 0').map(({ missed }) => missed)).toEqual([0, 8]);
    expect(job.history).toMatchObject({ runs: 2, missed: 8 });
  });

  test('that fail are counted, told once, and tried again when they are due', async () => {
    let fails = true;
    const { clock, agenda, failed, add } = world(async () => {
      if (fails) {
        throw new Error('no room');
      }
    });
    const job = add({ everyMs: 1_000 });
    await clock.pass(3_000);
    expect(job.history).toMatchObject({ runs: 3, failures: 3, lastError: 'no room' });
    expect(failed).toHaveLength(1);
    fails = false;
    await clock.pass(1_000);
    expect(job.history).toMatchObject({ runs: 4, failures: 3, lastError: null });
    fails = true;
    await clock.pass(1_000);
    expect(failed).toHaveLength(2);
    expect(agenda.totals).toEqual({ runs: 5, failures: 4, missed: 0 });
  });

  test('end with their job, which tells them; no timer is left', async () => {
    const gate = Promise.withResolvers<void>();
    const { clock, runs, agenda, add } = world(() => gate.promise);
    add({ everyMs: 1_000 }, 'all');
    clock.monotonicMs += 5_000;
    await clock.pass(0);
    expect(agenda.remove('job 0')?.id).toBe('job 0');
    expect(agenda.remove('job 0')).toBeNull();
    expect(runs[0]?.signal.aborted).toBe(true);
    gate.resolve();
    await clock.pass(60_000);
    expect(runs).toHaveLength(1);
    expect(clock.timers.size).toBe(0);
    add({ everyMs: 1_000 });
    expect(clock.timers.size).toBe(1);
    agenda.close();
    expect(clock.timers.size).toBe(0);
    await clock.pass(60_000);
    expect(runs).toHaveLength(1);
  });
});

test('a run that is a little late is no missed one', () => {
  const taken = { duesMs: [1_000], count: 1 };
  expect(decide('skip', taken, 1_000 + ON_TIME_MS)).toEqual({ runsMs: [1_000], missed: 0 });
  expect(decide('skip', taken, 1_001 + ON_TIME_MS)).toEqual({ runsMs: [], missed: 1 });
});
