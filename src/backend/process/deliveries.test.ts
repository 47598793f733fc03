/**
 * Goal: mail into a process is taken, refused or waits as it does in a thread; none is lost or sent
 * twice, and nothing goes over while the agent may not receive. Method: a process that answers as the
 * test wants.
 */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MAILBOX_MESSAGES_MAX, type Mail } from '../../ipc/message.ts';
import { Deliveries, type ToldOutcome } from './deliveries.ts';

const OK = { tag: 'ok', val: 7 } as const;
const FULL = { tag: 'err', error: 'mailbox-full' } as const;

const text = (val: string): Mail => ({
  tag: 'message',
  sender: 1,
  payload: { tag: 'text', val },
});

let mayReceive: boolean;
let sent: { id: number; val: string }[];
let silent: ReturnType<typeof vi.fn<() => void>>;
let deliveries: Deliveries;
beforeEach(() => {
  vi.useFakeTimers();
  mayReceive = true;
  sent = [];
  silent = vi.fn<() => void>();
  deliveries = new Deliveries({
    pid: 7,
    hostBytes: 10_000,
    send: (message) => {
      if (message.kind === 'deliver') {
        sent.push({ id: message.id, val: String(message.delivery.payload.val) });
      }
    },
    mayReceive: () => mayReceive,
    silent,
  });
});
afterEach(() => {
  deliveries.close();
  vi.useRealTimers();
});

const values = (): string[] => sent.map(({ val }) => val);

/** The process answers the last that was sent. */
const answer = (outcome: ToldOutcome): void => deliveries.delivered(sent.at(-1)?.id ?? 0, outcome);

test('what comes before the process begins is sent when it does, in order', async () => {
  const first = deliveries.deliver(text('a'), null);
  const second = deliveries.deliver(text('b'), null);
  expect(values()).toEqual([]);
  deliveries.open();
  expect(values()).toEqual(['a', 'b']);
  for (const { id } of [...sent]) {
    deliveries.delivered(id, OK);
  }
  expect(await Promise.all([first, second])).toEqual([OK, OK]);
});

test('who does not wait is told at once that there is no room', async () => {
  deliveries.open();
  const delivered = deliveries.deliver(text('a'), null);
  answer(FULL);
  expect(await delivered).toMatchObject(FULL);
});

test('whoever gave up while it was on its way is not sent again when there is room', async () => {
  deliveries.open();
  const waiting = { given: new AbortController(), kept: new AbortController() };
  const givenUp = deliveries.deliver(text('a'), 1_000, waiting.given.signal);
  const kept = deliveries.deliver(text('b'), 1_000, waiting.kept.signal);
  waiting.given.abort();
  expect(await givenUp).toMatchObject({ tag: 'err', error: 'cancelled' });
  for (const { id } of [...sent]) {
    deliveries.delivered(id, FULL);
  }
  deliveries.room();
  // The control: who did not give up is.
  expect(values()).toEqual(['a', 'b', 'b']);
  answer(OK);
  expect(await kept).toEqual(OK);
});

test('who waits is sent again when there is room, until his time is over', async () => {
  deliveries.open();
  const patient = deliveries.deliver(text('a'), 1_000);
  answer(FULL);
  deliveries.room();
  expect(values()).toEqual(['a', 'a']);
  answer(OK);
  expect(await patient).toEqual(OK);

  const late = deliveries.deliver(text('b'), 1_000);
  answer(FULL);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await late).toMatchObject({ error: 'mailbox-full' });
  deliveries.room();
  expect(values()).toEqual(['a', 'a', 'b']);
});

test('whose time is over while it is on its way is told what the answer is', async () => {
  deliveries.open();
  const late = deliveries.deliver(text('a'), 1_000);
  await vi.advanceTimersByTimeAsync(1_000);
  answer(FULL);
  expect(await late).toMatchObject(FULL);
});

test('a sender that has ended waits no more', async () => {
  deliveries.open();
  const ended = new AbortController();
  const waiting = deliveries.deliver(text('a'), 1_000, ended.signal);
  answer(FULL);
  ended.abort();
  expect(await waiting).toMatchObject({ error: 'cancelled' });
  deliveries.room();
  expect(values()).toEqual(['a']);
});

test('bytes on their way are bounded, beside one message that is larger', () => {
  deliveries.open();
  const large = 'x'.repeat(1024 * 1024);
  for (let count = 0; count < 4; count += 1) {
    void deliveries.deliver(text(large), null);
  }
  expect(sent).toHaveLength(1);
  answer(OK);
  expect(sent).toHaveLength(2);
});

test('so many wait, and no more', async () => {
  for (let count = 0; count < MAILBOX_MESSAGES_MAX; count += 1) {
    void deliveries.deliver(text('x'), null);
  }
  expect(await deliveries.deliver(text('x'), 1_000)).toMatchObject({ error: 'mailbox-full' });
});

test('what a process says of a delivery is told to nobody in its own words', async () => {
  deliveries.open();
  for (const error of ['mailbox-full', 'limit-exceeded', 'not-found', 'closed'] as const) {
    const delivered = deliveries.deliver(text('a'), null);
    answer({ tag: 'err', error, message: 'paid \u001b[2J' } as ToldOutcome);
    expect(await delivered).toMatchObject({ error, message: expect.stringMatching(/pid 7/) });
    expect(JSON.stringify(await delivered)).not.toContain('paid');
  }
  const delivered = deliveries.deliver(text('a'), null);
  answer({ tag: 'ok', val: 99 } as ToldOutcome);
  expect(await delivered).toEqual(OK);
});

test('signals that it may not receive are counted, until it may', () => {
  mayReceive = false;
  deliveries.open();
  const down = { tag: 'down', monitor: 1, pid: 2, reason: { tag: 'normal' } } as const;
  for (let monitor = 1; monitor <= 3; monitor += 1) {
    deliveries.signal({ ...down, monitor });
  }
  expect(deliveries.keptSignals).toBe(3);
  mayReceive = true;
  deliveries.changed();
  expect(deliveries.keptSignals).toBe(0);
});

test('a process that does not answer is silent', async () => {
  deliveries.open();
  void deliveries.deliver(text('a'), null);
  await vi.advanceTimersByTimeAsync(9_000);
  expect(silent).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(silent).toHaveBeenCalledTimes(1);
});

test('what it may not receive stays here, within what may be held, until it may', async () => {
  mayReceive = false;
  deliveries.open();
  expect(await deliveries.deliver(text('a'), null)).toEqual(OK);
  expect(await deliveries.deliver(text('x'.repeat(5_000)), null)).toMatchObject({
    error: 'limit-exceeded',
  });
  expect(await deliveries.deliver(text('x'.repeat(4_800)), null)).toMatchObject({
    error: 'mailbox-full',
  });
  expect(values()).toEqual([]);
  mayReceive = true;
  deliveries.changed();
  expect(values()).toEqual(['a']);
  // Its sender was told that it has arrived: it counts as undelivered where it has not.
  expect(deliveries.close()).toHaveLength(1);
});

test('what is not sent yet stays here when it may no longer receive', async () => {
  deliveries.open();
  const large = 'x'.repeat(1024 * 1024);
  void deliveries.deliver(text(large), null);
  void deliveries.deliver(text(large), null);
  const waiting = deliveries.deliver(text('b'), null);
  mayReceive = false;
  deliveries.changed();
  expect(await waiting).toEqual(OK);
  expect(sent).toHaveLength(1);
  expect(deliveries.close()).toHaveLength(1);
});

test('at the end everybody is told, and what is kept is counted', async () => {
  deliveries.open();
  const underWay = deliveries.deliver(text('a'), null);
  expect(deliveries.close()).toHaveLength(0);
  expect(await underWay).toMatchObject({ error: 'closed' });
  expect(await deliveries.deliver(text('b'), null)).toMatchObject({ error: 'closed' });
});
