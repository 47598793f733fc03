/** Goal: subscriptions are bounded for each agent, told in their order, and gone with who had them. */

import { expect, test } from 'vitest';
import { TOPICS_PER_AGENT_MAX, Topics } from './topics.ts';

test('subscribers are told in the order in which they came, each once', () => {
  const topics = new Topics();
  for (const pid of [3, 1, 3, 2]) {
    expect(topics.subscribe(pid, 'news')).toBe(true);
  }
  expect(topics.subscribers('news')).toEqual([3, 1, 2]);
  expect(topics.unsubscribe(1, 'news')).toBe(true);
  expect(topics.unsubscribe(1, 'news')).toBe(false);
  expect(topics.unsubscribe(3, 'weather')).toBe(false);
  expect(topics.subscribers('news')).toEqual([3, 2]);
  expect(topics.subscribers('weather')).toEqual([]);
});

test('who has as many topics as it may keeps those, and gets one more for one that it leaves', () => {
  const topics = new Topics();
  for (let at = 0; at < TOPICS_PER_AGENT_MAX; at += 1) {
    expect(topics.subscribe(1, `topic ${at}`)).toBe(true);
  }
  expect(topics.subscribe(1, 'one more')).toBe(false);
  expect(topics.subscribers('one more')).toEqual([]);
  expect(topics.subscribe(1, 'topic 0')).toBe(true);
  expect(topics.subscribe(2, 'one more')).toBe(true);
  topics.unsubscribe(1, 'topic 7');
  expect(topics.subscribe(1, 'one more')).toBe(true);
  expect(topics.size).toBe(TOPICS_PER_AGENT_MAX + 1);
});

test('names are names: those that every object has lead nowhere', () => {
  const topics = new Topics();
  for (const name of ['__proto__', 'constructor', '']) {
    expect(topics.subscribers(name)).toEqual([]);
    topics.subscribe(1, name);
    expect(topics.subscribers(name)).toEqual([1]);
  }
});

test('nothing is left of who has ended, and of nobody else', () => {
  const topics = new Topics();
  topics.subscribe(1, 'news');
  topics.subscribe(2, 'news');
  topics.subscribe(1, 'weather');
  topics.exited(1);
  topics.exited(1);
  expect(topics.subscribers('news')).toEqual([2]);
  expect(topics.size).toBe(1);
  topics.exited(2);
  expect(topics.size).toBe(0);
});
