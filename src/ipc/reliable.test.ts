/** Goal: attempts are as many and as far apart as the reference says. Method: a clock in the test's hands. */

import { describe, expect, test } from 'vitest';
import {
  type AttemptOutcome,
  DEFAULT_RETRY_RULES,
  sendUntilAcknowledged,
  timeoutOfAttempt,
} from './reliable.ts';

const AGAIN: AttemptOutcome = { tag: 'again' };
const ACKNOWLEDGED: AttemptOutcome = {
  tag: 'acknowledged',
  reply: { tag: 'text', val: 'got it' },
};

function world() {
  let nowMs = 0;
  const time = {
    now: () => nowMs,
    wait: async (ms: number) => {
      nowMs += ms;
    },
  };
  const began: number[] = [];
  /** Each attempt takes so long, and comes out so. */
  const attempts = (...outcomes: [takesMs: number | 'all', outcome: AttemptOutcome][]) =>
    sendUntilAcknowledged(DEFAULT_RETRY_RULES, time, async (timeoutMs) => {
      began.push(nowMs);
      const [takesMs, outcome] = outcomes[began.length - 1] ?? (['all', AGAIN] as const);
      nowMs += takesMs === 'all' ? timeoutMs : takesMs;
      return outcome;
    });
  return { attempts, began, now: () => nowMs };
}

test('an attempt has twice the time of the one before, up to the most', () => {
  expect([1, 2, 3, 4, 5, 60].map((each) => timeoutOfAttempt(each, DEFAULT_RETRY_RULES))).toEqual([
    5_000, 10_000, 20_000, 30_000, 30_000, 30_000,
  ]);
});

describe('a message', () => {
  test('that is acknowledged at once is sent once', async () => {
    const { attempts, began } = world();
    expect(await attempts([3, ACKNOWLEDGED])).toEqual({ ...ACKNOWLEDGED, attempts: 1 });
    expect(began).toEqual([0]);
  });

  test('that is acknowledged late is sent until it is', async () => {
    const { attempts, began } = world();
    expect(await attempts(['all', AGAIN], ['all', AGAIN], [1, ACKNOWLEDGED])).toEqual({
      ...ACKNOWLEDGED,
      attempts: 3,
    });
    expect(began).toEqual([0, 5_000, 15_000]);
  });

  test('that nobody acknowledges is given up after three retries, each with its time', async () => {
    const { attempts, began, now } = world();
    expect(await attempts()).toEqual({ tag: 'exhausted', attempts: 4 });
    expect(began).toEqual([0, 5_000, 15_000, 35_000]);
    expect(now()).toBe(65_000);
  });

  test('that finds no room is tried again when its time has passed, not at once', async () => {
    const { attempts, began } = world();
    await attempts([1, AGAIN], [0, AGAIN], [0, ACKNOWLEDGED]);
    expect(began).toEqual([0, 5_000, 15_000]);
  });

  test('whose receiver is gone is not tried again', async () => {
    const { attempts, began } = world();
    expect(await attempts(['all', AGAIN], [7, { tag: 'failed' }])).toEqual({
      tag: 'failed',
      attempts: 2,
    });
    expect(began).toHaveLength(2);
  });
});
