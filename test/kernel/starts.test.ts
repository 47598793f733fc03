/**
 * Goal: no start and no end is lost between the program's thread and a worker's, whether these are awake or asleep
 * when it is said. Method: thousands of starts, one by one and a few at a time, with pauses of all lengths around
 * those at which a thread goes to sleep. One that is lost is waited for until the test's time is over.
 */

import { expect, test } from 'vitest';
import { AWAKE_MS, SOON_MS } from '../../src/wasm/worker/attention.ts';
import { guest, testKernel } from '../support/kernel.ts';

/** Numbers from 0 to 1, the same each time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Lets the event loop turn for so long, or holds it up. */
async function pause(ms: number, holds: boolean): Promise<void> {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs) {
    if (!holds) await new Promise((resolve) => setImmediate(resolve));
  }
}

test.each([
  { workers: 1, lanes: 1 },
  { workers: 2, lanes: 3 },
])(
  'each of 3,000 starts ends: $lanes at a time on $workers workers',
  {
    timeout: 120_000,
  },
  async ({ workers, lanes }) => {
    const { kernel } = await testKernel({ workers });
    const module = await kernel.load(guest('hello'));
    const next = random(workers);
    let left = 3_000;
    const reasons = new Map<string, number>();
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const kind = next();
        if (kind < 0.2) await pause(next() * 2 * AWAKE_MS, false);
        else if (kind < 0.3) await pause(next() * 2 * AWAKE_MS, true);
        else if (kind < 0.35) await pause(next() * 2 * SOON_MS, true);
        else if (kind < 0.37) await new Promise((resolve) => setTimeout(resolve, 1));
        const agent = await kernel.spawn({ module });
        const { reason } = (await agent.exited).exit;
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    expect([...reasons]).toEqual([['normal', 3_000]]);
    await kernel.close();
  },
);
