import { expect, test } from 'vitest';
import { call, FakeAgent } from '../../../../test/support/fake-agent.ts';
import { monotonicClock, wallClock } from './clocks.ts';

test('the monotonic clock is the one of the agent', () => {
  const agent = new FakeAgent();
  const first = call<bigint>(agent, monotonicClock.get('now'));
  agent.clocks.advance(7_000_000n);
  expect(call<bigint>(agent, monotonicClock.get('now')) - first).toBe(7_000_000n);
  expect(call(agent, monotonicClock.get('resolution'))).toBe(1_000_000n);
});

test('the wall clock answers seconds and nanoseconds', () => {
  const agent = new FakeAgent();
  expect(call(agent, wallClock.get('now'))).toEqual({
    seconds: 1_700_000_000n,
    nanoseconds: 123_000_000,
  });
  expect(call(agent, wallClock.get('resolution'))).toEqual({
    seconds: 0n,
    nanoseconds: 1_000_000,
  });
});
