/** Goal: of what is asked for at once, one begins in each turn of the event loop. Method: turns are counted. */

import { expect, test } from 'vitest';
import { LoopTurns } from './loop-turns.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('the first begins at once, and one more in each turn, in order', async () => {
  const turns = new LoopTurns();
  const begun: number[] = [];
  const begin = async (index: number): Promise<void> => {
    await turns.take();
    begun.push(index);
  };
  expect(turns.take()).toBe(null);
  void begin(1);
  void begin(2);
  void begin(3);
  for (const so of [[1], [1, 2], [1, 2, 3]]) {
    await turn();
    expect(begun).toEqual(so);
  }
});

test('who comes when nobody waits begins at once', async () => {
  const turns = new LoopTurns();
  expect(turns.take()).toBe(null);
  await turn();
  expect(turns.take()).toBe(null);
});
