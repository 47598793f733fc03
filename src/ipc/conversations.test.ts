/** Goal: a reply is taken once and from who was asked; what is kept of requests is bounded, the oldest goes. */

import { expect, test } from 'vitest';
import { ASKED_MAX, Conversations, UNANSWERED_MAX } from './conversations.ts';

test('a reply is expected of who was asked, until it has come', () => {
  const conversations = new Conversations();
  const id = conversations.ask(7);
  expect(conversations.expects(id, 7)).toBe(true);
  expect(conversations.expects(id, 8)).toBe(false);
  expect(conversations.expects(id + 1, 7)).toBe(false);
  expect(conversations.standing(id)).toBe('waiting');
  conversations.forget(id);
  expect(conversations.expects(id, 7)).toBe(false);
  expect(conversations.standing(id)).toBe('unknown');
});

test('where the kernel has sent a request on, it sees to who replies', () => {
  const conversations = new Conversations();
  const id = conversations.ask(null);
  expect(conversations.expects(id, 7)).toBe(true);
});

test('who was asked has ended: that is known of this request alone', () => {
  const conversations = new Conversations();
  const [closed, open] = [conversations.ask(7), conversations.ask(7)];
  conversations.close(closed);
  conversations.close(99);
  expect(conversations.standing(closed)).toBe('closed');
  expect(conversations.standing(open)).toBe('waiting');
  expect(conversations.standing(99)).toBe('unknown');
});

test('requests that wait are bounded: the oldest is given up for one more', () => {
  const conversations = new Conversations();
  const ids = Array.from({ length: ASKED_MAX }, () => conversations.ask(7));
  expect(ids.every((id) => conversations.standing(id) === 'waiting')).toBe(true);
  const last = conversations.ask(7);
  expect(conversations.standing(1)).toBe('unknown');
  expect(conversations.standing(2)).toBe('waiting');
  expect(conversations.standing(last)).toBe('waiting');
  // One that has its reply makes room.
  conversations.forget(3);
  conversations.ask(7);
  expect(conversations.standing(2)).toBe('waiting');
});

test('it is answered once, under an id of its own', () => {
  const conversations = new Conversations();
  const [one, other] = [
    { pid: 7, correlation: 40 },
    { pid: 8, correlation: 40 },
  ] as const;
  expect([conversations.asked(one).id, conversations.asked(other).id]).toEqual([1, 2]);
  expect(conversations.asker(1)).toEqual(one);
  conversations.answered(1);
  expect(conversations.asker(1)).toBeUndefined();
  expect(conversations.asker(3)).toBeUndefined();
  expect(conversations.unanswered()).toEqual([other]);
});

test('requests that were not answered are bounded: the oldest of who has the most is forgotten', () => {
  const conversations = new Conversations();
  const honest = { pid: 8, correlation: 1 };
  expect(conversations.asked(honest)).toEqual({ id: 1, forgotten: null });
  for (let correlation = 1; correlation < UNANSWERED_MAX; correlation += 1) {
    expect(conversations.asked({ pid: 7, correlation }).forgotten).toBe(null);
  }
  for (let correlation = 1; correlation <= 10; correlation += 1) {
    expect(conversations.asked({ pid: 9, correlation }).forgotten).toEqual({ pid: 7, correlation });
  }
  expect(conversations.asker(1)).toEqual(honest);
  expect(conversations.unanswered()).toHaveLength(UNANSWERED_MAX);
  // The control: with a reply there is room for one more.
  conversations.answered(1);
  expect(conversations.asked(honest).forgotten).toBe(null);
});
