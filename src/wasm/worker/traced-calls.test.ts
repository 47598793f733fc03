/** Goal: of the calls that are made some are told of, with their time, and never too many. Method: a host of two functions. */

import { expect, test } from 'vitest';
import { GATED, WAIT } from '../host/abi/binding.ts';
import type { HostFunctions } from '../host/index.ts';
import type { TracedHostCall } from './protocol.ts';
import { TOLD_PER_SECOND_MAX, tracedCalls } from './traced-calls.ts';

let now = 0;
const told: TracedHostCall[] = [];

/** Calls a function of a host whose answers are given. */
function hostOf(answers: readonly unknown[], every: number) {
  const left = [...answers];
  const fn = Object.assign(
    () => {
      now += 1;
      const answer = left.shift();
      if (answer instanceof Error) {
        throw answer;
      }
      return answer;
    },
    { [GATED]: true, blocking: true, capability: null },
  );
  const host = new Map([['a:b/c', new Map([['d', fn]])]]) as unknown as HostFunctions;
  const traced = tracedCalls(host, {
    every,
    now: () => now,
    tell: (calls) => told.push(...calls),
  });
  const agent = { pid: 7 };
  const call = traced.get('a:b/c')?.get('d') as unknown as (call: unknown) => unknown;
  return () => call({ agent });
}

const heard = async (): Promise<TracedHostCall[]> => {
  await null;
  return told.splice(0);
};

test('a call is told of with its time; one that waits when it is answered', async () => {
  now = 10_000;
  const call = hostOf([1, WAIT, WAIT, 2], 1);
  expect(call()).toBe(1);
  expect([call(), call(), call()]).toEqual([WAIT, WAIT, 2]);
  expect(await heard()).toEqual([
    { pid: 7, name: 'a:b/c#d', startMs: 10_000, endMs: 10_001 },
    { pid: 7, name: 'a:b/c#d', startMs: 10_001, endMs: 10_004 },
  ]);
});

test('one in which its agent ends is told of, too', async () => {
  const call = hostOf([new Error('the end')], 1);
  expect(call).toThrow('the end');
  expect(await heard()).toHaveLength(1);
});

test('one of so many is, and never more than the program should hear', async () => {
  const some = hostOf([], 10);
  for (let each = 0; each < 100; each += 1) {
    some();
  }
  expect(await heard()).toHaveLength(10);
  now = 1_000_000;
  const all = hostOf([], 1);
  const begunMs = now;
  for (let each = 0; each < 3 * TOLD_PER_SECOND_MAX; each += 1) {
    now = begunMs;
    all();
  }
  expect(await heard()).toHaveLength(TOLD_PER_SECOND_MAX);
});
