/** Goal: who watches is told everything that fits, and how much did not. Method: changes told by hand. */

import { describe, expect, test } from 'vitest';
import { type StateChange, StateWatch } from './watch.ts';

const change = (pid: number): Omit<StateChange, 'lost'> => ({
  pid,
  agentId: 'a',
  parentPid: 0,
  from: null,
  to: 'starting',
  atMs: pid,
  exit: null,
});

const open = (max: number) => {
  const ended: StateWatch[] = [];
  const watch = new StateWatch(max, (which) => ended.push(which));
  return { watch, ended };
};

async function rest(watch: StateWatch): Promise<[pid: number, lost: number][]> {
  const read: [number, number][] = [];
  for await (const { pid, lost } of watch) {
    read.push([pid, lost]);
  }
  return read;
}

describe('a watch', () => {
  test('keeps changes in order for one who reads later, and hands them over to one who waits', async () => {
    const { watch } = open(2);
    watch.tell(change(1));
    watch.tell(change(2));
    const read = [watch.next(), watch.next(), watch.next(), watch.next()];
    watch.tell(change(3));
    watch.tell(change(4));
    const pids = (await Promise.all(read)).map(({ value }) => value?.pid);
    expect(pids).toEqual([1, 2, 3, 4]);
  });

  test('loses the oldest when its buffer is full, and says how many with the next', async () => {
    const { watch } = open(3);
    for (let pid = 1; pid <= 5; pid += 1) {
      watch.tell(change(pid));
    }
    expect(await watch.next()).toMatchObject({ value: { pid: 3, lost: 2 } });
    watch.tell(change(6));
    watch.tell(change(7));
    watch.end();
    expect(await rest(watch)).toEqual([
      [5, 1],
      [6, 0],
      [7, 0],
    ]);
  });

  test('goes round its ring many times and loses nothing of what is read in time', async () => {
    const { watch } = open(3);
    for (let pid = 1; pid <= 20; pid += 1) {
      watch.tell(change(pid));
      expect(await watch.next()).toMatchObject({ value: { pid, lost: 0 } });
    }
  });

  test('can be read to its end after it ended, and says so to who waits', async () => {
    const { watch, ended } = open(3);
    watch.tell(change(1));
    watch.end();
    watch.end();
    expect(ended).toEqual([watch]);
    expect(await rest(watch)).toEqual([[1, 0]]);
    const other = open(3);
    const waiting = other.watch.next();
    other.watch.end();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  test('is over at once for who leaves the loop', async () => {
    const { watch, ended } = open(3);
    watch.tell(change(1));
    watch.tell(change(2));
    for await (const { pid } of watch) {
      expect(pid).toBe(1);
      break;
    }
    expect(ended).toEqual([watch]);
    expect(await watch.next()).toEqual({ done: true, value: undefined });
  });
});
