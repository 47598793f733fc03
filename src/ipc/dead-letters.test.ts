/** Goal: what reached nobody is kept, found and bounded. Method: letters made by hand, small bounds, and a model. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEAD_LETTER_BYTES_MAX, DeadLetters } from './dead-letters.ts';
import { heldBytes, type Mail, MESSAGE_BYTES_MAX } from './message.ts';

const mail = (val: string, sender = 7): Mail => ({
  tag: 'message',
  sender,
  payload: { tag: 'text', val },
});
const EMPTY_BYTES = heldBytes({ tag: 'text', val: '' });
const open = (letters = 3, bytes = 1_000_000) => {
  let now = 0;
  return new DeadLetters(
    // Pids from 1,000 on are one owner's.
    { now: () => ++now, ownerOf: (pid) => (pid >= 1_000 ? 'many' : `pid ${pid}`) },
    { letters, bytes },
  );
};
const texts = (dead: DeadLetters) => dead.list().map(({ payload }) => payload.val);

test('the oldest go where there are too many, and are counted', () => {
  const dead = open(3);
  for (const text of ['a', 'b', 'c', 'd', 'e']) {
    dead.add(1, mail(text), 'exited');
  }
  expect(texts(dead)).toEqual(['c', 'd', 'e']);
  expect(dead.counts).toMatchObject({ evicted: 2, came: { exited: 5 } });
  expect(dead.list().map(({ id }) => id)).toEqual([3, 4, 5]);
});

test('the oldest go where they take too many bytes', () => {
  const dead = open(100, 3 * EMPTY_BYTES + 20);
  dead.add(1, mail('a'), 'exited');
  dead.add(1, mail('b'), 'exited');
  dead.add(1, mail('cc'), 'exited');
  expect(texts(dead)).toEqual(['a', 'b', 'cc']);
  dead.add(1, mail('x'.repeat(100)), 'exited');
  expect(texts(dead)).toEqual(['cc', 'x'.repeat(100)]);
  expect(dead.bytes).toBe(2 * EMPTY_BYTES + 4 + 200);
});

describe('where there is no room, who has the most makes it', () => {
  test('of letters: the flood of one owner, whoever of its agents sends it, takes nobody else’s', () => {
    const dead = open(10);
    dead.add(1, mail('of 7', 7), 'exited');
    dead.add(1, mail('of 8', 8), 'exited');
    for (let sender = 1_000; sender < 1_100; sender += 1) {
      dead.add(1, mail(`flood ${sender}`, sender), 'exited');
    }
    expect(texts(dead)).toEqual([
      'of 7',
      'of 8',
      ...Array.from({ length: 8 }, (_, at) => `flood ${1_092 + at}`),
    ]);
    // The control: of those who have as much as any, the oldest of the first goes.
    const even = open(2);
    even.add(1, mail('of 7', 7), 'exited');
    even.add(1, mail('of 8', 8), 'exited');
    even.add(1, mail('new', 9), 'exited');
    expect(texts(even)).toEqual(['of 8', 'new']);
  });

  test('of bytes: the large ones of one go for the small of all', () => {
    const dead = open(100, 5 * EMPTY_BYTES + 1_000);
    dead.add(1, mail('a', 7), 'exited');
    dead.add(1, mail('x'.repeat(240), 1_000), 'exited');
    dead.add(1, mail('y'.repeat(240), 1_001), 'exited');
    dead.add(1, mail('b', 8), 'exited');
    dead.add(1, mail('z'.repeat(100), 9), 'exited');
    expect(texts(dead)).toEqual(['a', 'y'.repeat(240), 'b', 'z'.repeat(100)]);
  });
});

test('one that is larger than all of the room is kept alone; there is room for the largest message', () => {
  const dead = open(100, EMPTY_BYTES);
  dead.add(1, mail('a'), 'exited');
  dead.add(1, mail('larger'), 'exited');
  expect(texts(dead)).toEqual(['larger']);
  expect(DEAD_LETTER_BYTES_MAX).toBeGreaterThan(2 * MESSAGE_BYTES_MAX + EMPTY_BYTES);
});

describe('letters are found', () => {
  const dead = open(10);
  dead.add(1, mail('a', 7), 'exited');
  dead.add(2, mail('b', 8), 'mailbox_full', 4);
  dead.add(
    1,
    { tag: 'topic', sender: 8, topic: 'news', payload: { tag: 'text', val: 'c' } },
    'exited',
  );
  const found = (filter: Parameters<DeadLetters['list']>[0]) =>
    dead.list(filter).map(({ payload }) => payload.val);

  test('by receiver, sender, reason and time, and by all of these', () => {
    expect(found({ to: 1 })).toEqual(['a', 'c']);
    expect(found({ from: 8 })).toEqual(['b', 'c']);
    expect(found({ reason: 'mailbox_full' })).toEqual(['b']);
    expect(found({ sinceMs: 2, untilMs: 2 })).toEqual(['b']);
    expect(found({ sinceMs: 2 })).toEqual(['b', 'c']);
    expect(found({ to: 1, from: 8 })).toEqual(['c']);
    expect(found({ reason: 'timeout' })).toEqual([]);
  });

  test('with what they were', () => {
    expect(dead.list({ to: 2 })).toMatchObject([
      { id: 2, atMs: 2, to: 2, from: 8, kind: 'message', topic: null, attempts: 4 },
    ]);
    expect(dead.list({ from: 8, to: 1 })).toMatchObject([{ kind: 'topic', topic: 'news' }]);
  });
});

test('one is taken out once, and its bytes with it', () => {
  const dead = open(3);
  dead.add(1, mail('a'), 'exited');
  dead.add(1, mail('b'), 'exited');
  expect(dead.take(1)?.payload.val).toBe('a');
  expect([dead.take(1), dead.take(0), dead.take(-1), dead.take(3), dead.take(0.5)]).toEqual(
    Array(5).fill(undefined),
  );
  expect([dead.size, dead.bytes]).toEqual([1, EMPTY_BYTES + 2]);
});

test('messages that nobody has any more are counted', () => {
  const dead = open();
  dead.lose(3);
  expect(dead.counts.lost).toBe(3);
});

test('whatever comes and is taken, the last ones are there that were not taken', () => {
  const step = fc.oneof(
    fc.record({ add: fc.string({ maxLength: 20 }) }),
    fc.record({ take: fc.nat(60) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const dead = open(5, 5 * EMPTY_BYTES + 60);
      const model: { id: number; text: string; taken: boolean }[] = [];
      for (const each of steps) {
        if ('add' in each) {
          dead.add(1, mail(each.add), 'exited');
          model.push({ id: model.length + 1, text: each.add, taken: false });
        } else {
          const taken = dead.take(each.take);
          const meant = model.find(({ id }) => id === each.take);
          if (taken !== undefined && meant !== undefined) {
            expect(meant.taken).toBe(false);
            expect(taken.payload.val).toBe(meant.text);
            meant.taken = true;
          }
        }
        const kept = dead.list();
        expect(kept.length).toBe(dead.size);
        expect(kept.length).toBeLessThanOrEqual(5);
        expect(dead.bytes).toBe(kept.reduce((sum, { payload }) => sum + heldBytes(payload), 0));
        expect(dead.bytes).toBeLessThanOrEqual(5 * EMPTY_BYTES + 60);
        // What is kept are the newest without gaps, but for what was taken.
        const first = kept[0]?.id ?? model.length + 1;
        const expected = model.filter(({ id, taken }) => id >= first && !taken);
        expect(kept.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
      }
    }),
  );
});
