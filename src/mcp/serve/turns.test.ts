/** Goal: turns are bounded, in order, and none is lost. Method: turns taken and given back by hand. */

import { expect, test } from 'vitest';
import { NoTurnError, Turns } from './turns.ts';

const never = new AbortController().signal;

test('as many run as may, the others wait in order', async () => {
  const turns = new Turns(1, 2);
  const first = await turns.take(never);
  const order: string[] = [];
  const second = turns.take(never).then((giveBack) => {
    order.push('second');
    return giveBack;
  });
  const third = turns.take(never).then((giveBack) => {
    order.push('third');
    return giveBack;
  });
  await expect(turns.take(never)).rejects.toThrow(NoTurnError);
  expect([turns.running, turns.waiting]).toEqual([1, 2]);
  first();
  first();
  (await second)();
  (await third)();
  expect(order).toEqual(['second', 'third']);
  expect([turns.running, turns.waiting]).toEqual([0, 0]);
});

test('who is cancelled waits no more, and takes no turn', async () => {
  const turns = new Turns(1, 2);
  const first = await turns.take(never);
  const controller = new AbortController();
  const cancelled = turns.take(controller.signal);
  const next = turns.take(never);
  controller.abort(new Error('cancelled'));
  await expect(cancelled).rejects.toThrow('cancelled');
  await expect(turns.take(controller.signal)).rejects.toThrow('cancelled');
  first();
  (await next)();
  expect([turns.running, turns.waiting]).toEqual([0, 0]);
});
