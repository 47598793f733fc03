/** Goal: what nobody has asked for is counted, and forgiven in time. Method: a clock by hand. */

import { expect, test } from 'vitest';
import { FloodGauge } from './flood.ts';

test('a thousand at once are borne, one more is not', () => {
  const gauge = new FloodGauge(() => 0);
  for (let count = 0; count < 1_000; count += 1) {
    expect(gauge.count()).toBe(true);
  }
  expect(gauge.count()).toBe(false);
});

test('a hundred a second are borne for ever', () => {
  let nowMs = 0;
  const gauge = new FloodGauge(() => nowMs);
  for (let count = 0; count < 10_000; count += 1) {
    nowMs += 10;
    expect(gauge.count()).toBe(true);
  }
});

test('what was borne comes back, and no more than that', () => {
  let nowMs = 0;
  const gauge = new FloodGauge(() => nowMs);
  while (gauge.count()) {}
  nowMs += 60_000;
  let borne = 0;
  while (gauge.count()) {
    borne += 1;
  }
  expect(borne).toBe(1_000);
});
