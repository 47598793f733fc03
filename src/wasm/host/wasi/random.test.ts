import { describe, expect, test } from 'vitest';
import { call, FakeAgent } from '../../../../test/support/fake-agent.ts';
import { insecure, insecureSeed, RANDOM_BYTES_MAX, random } from './random.ts';

describe.each([
  ['get-random-bytes', random.get('get-random-bytes')],
  ['get-insecure-random-bytes', insecure.get('get-insecure-random-bytes')],
])('%s', (_name, hostFunction) => {
  test.each([0, 1, RANDOM_BYTES_MAX])('gives exactly %d bytes', (length) => {
    const agent = new FakeAgent();
    expect(call(agent, hostFunction, BigInt(length))).toHaveLength(length);
  });

  test.each([BigInt(RANDOM_BYTES_MAX) + 1n, 2n ** 32n, 2n ** 64n - 1n])(
    'of %d bytes traps, names the cap, and allocates nothing',
    (length) => {
      const agent = new FakeAgent();
      expect(() => call(agent, hostFunction, length)).toThrow(
        `${length} random bytes were asked for: one call gives at most ${RANDOM_BYTES_MAX}`,
      );
      expect(agent.random.asked).toEqual([]);
    },
  );
});

test('random numbers are 8 bytes of the agent’s generator', () => {
  const agent = new FakeAgent();
  expect(call(agent, random.get('get-random-u64'))).toBe(0x0706050403020100n);
  expect(call(agent, insecure.get('get-insecure-random-u64'))).toBe(0x0706050403020100n);
  expect(agent.random.asked).toEqual([8, 8]);
});

test('the insecure seed stays the same for the agent’s life', () => {
  const agent = new FakeAgent();
  expect(call(agent, insecureSeed.get('insecure-seed'))).toEqual([1n, 2n]);
  expect(call(agent, insecureSeed.get('insecure-seed'))).toEqual([1n, 2n]);
});
