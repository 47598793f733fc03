/** Goal: turns are bounded, in order, and none is lost. Method: turns taken and given back by hand. */

import { expect, test } from 'vitest';
import { CallTurns, NoTurnError } from './call-turns.ts';

const never = new AbortController().signal;
const noBytes = () => 0;

test('as many run as may, the others wait in order', async () => {
  const turns = new CallTurns({ running: 1, waiting: 2, waitingBytes: 100 });
  const first = await turns.take(never, noBytes);
  const order: string[] = [];
  const second = turns.take(never, noBytes).then((giveBack) => {
    order.push('second');
    return giveBack;
  });
  const third = turns.take(never, noBytes).then((giveBack) => {
    order.push('third');
    return giveBack;
  });
  await expect(turns.take(never, noBytes)).rejects.toThrow(NoTurnError);
  expect([turns.running, turns.waiting]).toEqual([1, 2]);
  first();
  first();
  (await second)();
  (await third)();
  expect(order).toEqual(['second', 'third']);
  expect([turns.running, turns.waiting]).toEqual([0, 0]);
});

test('who is cancelled waits no more, and takes no turn', async () => {
  const turns = new CallTurns({ running: 1, waiting: 2, waitingBytes: 100 });
  const first = await turns.take(never, noBytes);
  const controller = new AbortController();
  const cancelled = turns.take(controller.signal, noBytes);
  const next = turns.take(never, noBytes);
  controller.abort(new Error('cancelled'));
  await expect(cancelled).rejects.toThrow('cancelled');
  await expect(turns.take(controller.signal, noBytes)).rejects.toThrow('cancelled');
  first();
  (await next)();
  expect([turns.running, turns.waiting]).toEqual([0, 0]);
});

test('as many bytes wait as may, and are free again once their call runs or is cancelled', async () => {
  const turns = new CallTurns({ running: 1, waiting: 10, waitingBytes: 100 });
  const first = await turns.take(never, () => expect.unreachable('it does not wait'));
  const controller = new AbortController();
  const cancelled = turns.take(controller.signal, () => 60);
  await expect(turns.take(never, () => 41)).rejects.toThrow(NoTurnError);
  const fits = turns.take(never, () => 40);
  controller.abort(new Error('cancelled'));
  await expect(cancelled).rejects.toThrow('cancelled');
  const again = turns.take(never, () => 60);
  await expect(turns.take(never, () => 1)).rejects.toThrow(NoTurnError);
  first();
  (await fits)();
  (await again)();
  expect([turns.running, turns.waiting]).toEqual([0, 0]);
});
