import { describe, expect, it } from 'vitest';
import { UsedTime } from './used-time.ts';

/** Runs of `wallMs` one after another on a thread whose CPU time is counted in ticks. */
function usedInTicks(
  used: UsedTime,
  { wallMs, count, tickMs, idleMs = 0 }: Record<string, number>,
) {
  let [now, counted, sum] = [0, 0, 0];
  for (let run = 0; run < (count as number); run += 1) {
    const last = counted;
    now += idleMs;
    const before = Math.floor(now / (tickMs as number)) * (tickMs as number);
    now += wallMs as number;
    counted = Math.floor(now / (tickMs as number)) * (tickMs as number);
    sum += used.of(wallMs as number, counted - before, counted - last);
  }
  return sum;
}

describe('what a run has used', () => {
  it('is its CPU time, where that is counted exactly', () => {
    const used = new UsedTime();
    expect(used.of(2, 1.5, 1.75)).toBe(1.5);
    // The system had stopped the thread.
    expect(used.of(50, 0.25, 0.25)).toBe(0.25);
  });

  it('is the time by the clock, where CPU time is counted in ticks', () => {
    const used = new UsedTime();
    usedInTicks(used, { wallMs: 0.003, count: 10_000, tickMs: 4 });
    const sum = usedInTicks(used, { wallMs: 0.003, count: 100_000, tickMs: 4 });
    expect(sum).toBeCloseTo(300, 0);
  });

  it('is not nothing for who stops before each tick', () => {
    const used = new UsedTime();
    // 3.9 ms of each 4, and the tick comes while nobody runs; a neighbour has shown that there are ticks.
    expect(used.of(0.1, 4, 4)).toBeCloseTo(0.1);
    let sum = 0;
    for (let run = 0; run < 100; run += 1) {
      sum += used.of(3.9, 0, 4);
    }
    expect(sum).toBeCloseTo(390, 0);
  });

  it('leaves out what the system has stopped the thread for, but for a tick', () => {
    const used = new UsedTime();
    usedInTicks(used, { wallMs: 0.003, count: 10_000, tickMs: 4 });
    let sum = 0;
    for (let run = 0; run < 100; run += 1) {
      sum += used.of(50, 0, 0);
    }
    expect(sum).toBeLessThanOrEqual(2 * 4 + 0.01);
  });
});
