/** Goal: links are mutual, monitors fire once, and nothing is kept of who has ended. */

import { expect, test } from 'vitest';
import { Relations } from './relations.ts';

test('a link is that of both, once, and either ends it', () => {
  const relations = new Relations();
  relations.link(1, 2);
  relations.link(2, 1);
  expect(relations.areLinked(1, 2) && relations.areLinked(2, 1)).toBe(true);
  expect([relations.heldBy(1), relations.heldBy(2), relations.heldBy(3)]).toEqual([1, 1, 0]);
  relations.unlink(2, 1);
  relations.unlink(2, 1);
  expect(relations.areLinked(1, 2)).toBe(false);
  expect(relations.size).toBe(0);
});

test('a monitor counts for who watches, and is given up by nobody else', () => {
  const relations = new Relations();
  const monitor = relations.monitor(1, 2);
  expect([relations.heldBy(1), relations.heldBy(2)]).toEqual([1, 0]);
  expect(relations.demonitor(2, monitor)).toBe(false);
  expect(relations.demonitor(3, monitor)).toBe(false);
  expect(relations.demonitor(1, monitor)).toBe(true);
  expect(relations.demonitor(1, monitor)).toBe(false);
  expect(relations.exited(2).monitors).toEqual([]);
  expect(relations.size).toBe(0);
});

test('no two monitors have one id, also where one fires at once', () => {
  const relations = new Relations();
  const ids = [relations.monitor(1, 2), relations.nextMonitor(), relations.monitor(1, 2)];
  expect(new Set(ids).size).toBe(3);
});

test('an end concerns whom it is linked to and each monitor of it, in their order, once', () => {
  const relations = new Relations();
  relations.link(1, 2);
  relations.link(3, 1);
  relations.link(2, 3);
  const monitors = [relations.monitor(4, 1), relations.monitor(2, 1), relations.monitor(4, 1)];
  relations.monitor(1, 2);
  relations.monitor(1, 1);
  expect(relations.exited(1)).toEqual({
    linked: [2, 3],
    monitors: [
      { monitor: monitors[0], watcher: 4 },
      { monitor: monitors[1], watcher: 2 },
      { monitor: monitors[2], watcher: 4 },
    ],
  });
  expect(relations.exited(1)).toEqual({ linked: [], monitors: [] });
  // What the others have with each other stays.
  expect(relations.areLinked(2, 3)).toBe(true);
  expect(relations.size).toBe(2);
  relations.exited(2);
  expect([2, 3, 4].map((pid) => relations.heldBy(pid))).toEqual([0, 0, 0]);
  expect(relations.size).toBe(0);
});

test('a ring of links is undone one by one', () => {
  const relations = new Relations();
  const pids = Array.from({ length: 100 }, (_, at) => at);
  for (const pid of pids) {
    relations.link(pid, (pid + 1) % pids.length);
  }
  expect(relations.exited(0).linked).toEqual([1, 99]);
  for (const pid of pids.slice(1, -1)) {
    expect(relations.exited(pid).linked).toEqual([pid + 1]);
  }
  expect(relations.exited(99).linked).toEqual([]);
  expect(relations.size).toBe(0);
});
