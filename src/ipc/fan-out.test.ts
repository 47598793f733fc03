/** Goal: mail to many goes a few at a time, and nobody is held up by who takes it late. Method: deliveries that the test settles. */

import { expect, test } from 'vitest';
import { DELIVERIES_UNDER_WAY_MAX, FanOut } from './fan-out.ts';

class Publisher {
  readonly fanOut = new FanOut();
  readonly begun: string[] = [];
  readonly #done = new Map<string, () => void>();

  publish(name: string, deliveries: number, isOfProgram = false): Promise<string> {
    return this.fanOut.run(deliveries, isOfProgram, () => {
      this.begun.push(name);
      return new Promise((resolve) => this.#done.set(name, () => resolve(name)));
    });
  }

  /** All receivers of it have taken it. */
  async taken(name: string): Promise<void> {
    this.#done.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('what goes to few begins at once, and all of it together', async () => {
  const publisher = new Publisher();
  const all = ['a', 'b', 'c'].map((name) => publisher.publish(name, 3));
  expect(publisher.begun).toEqual(['a', 'b', 'c']);
  for (const name of ['a', 'b', 'c']) await publisher.taken(name);
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
});

test('what goes to many waits until no more than so many deliveries are under way, in order', async () => {
  const publisher = new Publisher();
  const all = ['a', 'b', 'c'].map((name) => publisher.publish(name, DELIVERIES_UNDER_WAY_MAX));
  expect(publisher.begun).toEqual(['a']);
  expect(publisher.fanOut.waiting).toBe(2);
  await publisher.taken('a');
  expect(publisher.begun).toEqual(['a', 'b']);
  await publisher.taken('b');
  await publisher.taken('c');
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
  expect(publisher.fanOut.waiting).toBe(0);
});

test('what the program publishes waits for no agent that was there before', async () => {
  const publisher = new Publisher();
  const all = ['a', 'b'].map((name) => publisher.publish(name, DELIVERIES_UNDER_WAY_MAX));
  all.push(publisher.publish('program', DELIVERIES_UNDER_WAY_MAX, true));
  await publisher.taken('a');
  expect(publisher.begun).toEqual(['a', 'program']);
  await publisher.taken('program');
  await publisher.taken('b');
  await Promise.all(all);
});

test('who takes its mail late holds up nobody else', async () => {
  const publisher = new Publisher();
  const late = publisher.publish('taken late', DELIVERIES_UNDER_WAY_MAX);
  const other = publisher.publish('other', 1);
  await expect.poll(() => publisher.begun).toEqual(['taken late', 'other']);
  await publisher.taken('other');
  expect(await other).toBe('other');
  await publisher.taken('taken late');
  expect(await late).toBe('taken late');
});

test('what fails is under way no longer', async () => {
  const publisher = new Publisher();
  const failing = publisher.fanOut.run(DELIVERIES_UNDER_WAY_MAX, false, () =>
    Promise.reject(new Error('on purpose')),
  );
  await expect(failing).rejects.toThrow('on purpose');
  const next = publisher.publish('next', 1);
  expect(publisher.begun).toEqual(['next']);
  await publisher.taken('next');
  await next;
});
