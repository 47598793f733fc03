/** Goal: no more start at a time than may, in their order, and none waits for ever. */

import { expect, test } from 'vitest';
import { Starts, type StartTurn } from './starts.ts';

/** What has come of a promise by now. */
async function now<Value>(promise: Promise<Value>): Promise<Value | 'waits'> {
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.race([promise, Promise.resolve('waits' as const)]);
}

test('who comes when there is no place waits for one, in order', async () => {
  const starts = new Starts(2);
  const [first, second] = await Promise.all([starts.turn(), starts.turn()]);
  const third = starts.turn();
  const fourth = starts.turn();
  expect(await now(third)).toBe('waits');
  first.end();
  first.end();
  expect(await now(third)).not.toBe('waits');
  expect(await now(fourth)).toBe('waits');
  second.end();
  expect(await now(fourth)).not.toBe('waits');
});

test('a start takes a place until it is over, also where it fails', async () => {
  const starts = new Starts(1);
  const made = Promise.withResolvers<void>();
  const turn = await starts.turn();
  starts.count(made.promise);
  turn.end();
  const next = starts.turn();
  expect(await now(next)).toBe('waits');
  made.reject(new Error('it died'));
  expect(await now(next)).not.toBe('waits');
});

test('a turn that leads to no start is given on', async () => {
  const starts = new Starts(1);
  const turns: StartTurn[] = [];
  const all = Array.from({ length: 50 }, async () => {
    const turn = await starts.turn();
    turns.push(turn);
    expect(turns.length).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    turns.pop();
    turn.end();
  });
  await Promise.all(all);
  expect(await now(starts.turn())).not.toBe('waits');
});
