/** Goal: however many agents sync, one call is under way at a time, and each has its turn. */

import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FLAG, Mounted, OPEN } from './fixtures/mounted.ts';
import { hostMountsSupported } from './root.ts';
import { SyncQueue } from './sync-queue.ts';

test('one at a time, in the order of asking', () => {
  const queue = new SyncQueue();
  const started: number[] = [];
  const ends: (() => void)[] = [];
  for (let work = 0; work < 3; work += 1) {
    queue.add((done) => {
      started.push(work);
      ends.push(done);
    });
  }
  expect(started).toEqual([0]);
  ends[0]?.();
  expect(started).toEqual([0, 1]);
  ends[1]?.();
  ends[2]?.();
  queue.add(() => started.push(3));
  expect(started).toEqual([0, 1, 2, 3]);
});

test.runIf(hostMountsSupported)(
  'a file that is closed before its turn is synchronised all the same, and closed after it',
  async () => {
    const queue = new SyncQueue();
    const first = Promise.withResolvers<void>();
    queue.add((done) => void first.promise.then(done));
    const files = new Mounted('host', { queue });
    const before = readdirSync('/proc/self/fd').length;
    const { handle } = files.open('a', OPEN.create, FLAG.write);
    const answer = files.host.perform({ op: 'sync', handle, dataOnly: false });
    files.host.close();
    expect(readdirSync('/proc/self/fd')).toHaveLength(before + 1);
    first.resolve();
    if (!('outcome' in answer)) {
      throw new Error('it was answered at once');
    }
    await new Promise<void>((resolve) => answer.onSettled(resolve));
    expect(answer.outcome).toEqual({ tag: 'ok', val: { tag: 'ok', val: undefined } });
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
    files.close();
  },
);
