/**
 * Goal: an agent that has stopped goes on once, when what it waits for has come, and no wake-up is lost
 * or left behind. Method: a scheduler that is real, and events in every order.
 */

import { expect, test, vi } from 'vitest';
import { WAIT } from '../host/abi/binding.ts';
import { Scheduler } from './scheduler.ts';
import { Suspension } from './suspension.ts';

/** An event that can be waited for, and whether somebody does. */
class Event {
  readonly #wakes = new Set<() => void>();
  get waitedFor(): boolean {
    return this.#wakes.size > 0;
  }
  readonly subscribe = (wake: () => void): (() => void) => {
    this.#wakes.add(wake);
    return () => this.#wakes.delete(wake);
  };
  come(): void {
    for (const wake of [...this.#wakes]) {
      this.#wakes.delete(wake);
      wake();
    }
  }
}

/** An agent that is run, and stops as the test says. */
async function running() {
  const scheduler = new Scheduler();
  const resumed = vi.fn();
  const agent = {
    ended: false,
    isNew: true,
    resume(): boolean {
      if (agent.isNew) {
        agent.isNew = false;
        return true;
      }
      return suspension.resume();
    },
    addCpuTime: () => {},
    addWait: () => {},
    readySinceMs: null,
    aheadMs: 0,
    aheadAtMs: 0,
    expectedMs: 0,
  };
  const suspension: Suspension = new Suspension(agent, scheduler);
  scheduler.wake(agent);
  await vi.waitFor(() => expect(agent.isNew).toBe(false));
  return { agent, suspension, resumed, event: new Event() };
}

test('one that waits goes on when it is woken, and waits for nothing any more', async () => {
  const { suspension, resumed, event } = await running();
  expect(suspension.wait(event.subscribe)).toBe(WAIT);
  const parked = suspension.park()?.then(resumed);
  expect(parked).toBeInstanceOf(Promise);
  await new Promise(setImmediate);
  expect(resumed).not.toHaveBeenCalled();
  event.come();
  await parked;
  expect(resumed).toHaveBeenCalledOnce();
  expect(event.waitedFor).toBe(false);
  expect(suspension.resume()).toBe(false);
});

test('one that is woken before it has stopped does not stop, once', async () => {
  const { suspension, event } = await running();
  suspension.wait(event.subscribe);
  event.come();
  expect(suspension.park()).toBeUndefined();
  suspension.wait(event.subscribe);
  expect(suspension.park()).toBeInstanceOf(Promise);
});

test('one that has ended does not stop any more', async () => {
  const { agent, suspension } = await running();
  agent.ended = true;
  expect(suspension.park()).toBeUndefined();
});

test('waiting for something else ends the waiting before', async () => {
  const { suspension, event } = await running();
  const other = new Event();
  suspension.wait(event.subscribe);
  suspension.wait(other.subscribe);
  expect([event.waitedFor, other.waitedFor]).toEqual([false, true]);
  suspension.release();
  expect(other.waitedFor).toBe(false);
});

test('one whose slice is used up goes on by itself', async () => {
  const { suspension, resumed } = await running();
  await suspension.suspend().then(resumed);
  expect(resumed).toHaveBeenCalledOnce();
});
