/**
 * Goal: mail between workers is delivered or refused, answered once, and never lost unseen when a worker
 * is gone. Method: two ends of a port that a test holds, whose messages wait until it hands them on.
 */

import { beforeEach, expect, test } from 'vitest';
import type { Mail } from '../../ipc/message.ts';
import type { Operation } from '../host/agent.ts';
import type { Unanswered } from './correspondence.ts';
import { PendingOperation, settled } from './mail.ts';
import { type PeerMessage, type PeerPort, Peers } from './peers.ts';

/** Lets what was planned for the end of the turn be done. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class End implements PeerPort {
  other: End | null = null;
  closed = false;
  #listener: (messages: PeerMessage[]) => void = () => {};
  /** Batches that went out. */
  readonly batches: PeerMessage[][] = [];

  on(_: 'message', listener: (messages: PeerMessage[]) => void): void {
    this.#listener = listener;
  }
  postMessage(messages: PeerMessage[]): void {
    this.batches.push(messages);
    this.other?.receive(messages);
  }
  receive(messages: PeerMessage[]): void {
    this.#listener(messages);
  }
  close(): void {
    this.closed = true;
  }
}

interface Side {
  readonly peers: Peers;
  readonly end: End;
  readonly delivered: [number, Mail][];
  readonly unanswered: Unanswered[];
  readonly lost: number[];
  answer: () => Operation<number>;
}

function side(known: readonly number[]): Side {
  const made: Side = {
    delivered: [],
    unanswered: [],
    lost: [],
    end: new End(),
    answer: () => settled({ tag: 'ok', val: 1 }),
    peers: new Peers({
      deliver: (to, mail) => {
        made.delivered.push([to, mail]);
        return made.answer();
      },
      unanswered: (waiting) => made.unanswered.push(waiting),
      lost: (isThere) => made.lost.push(...known.filter(isThere)),
    }),
  };
  return made;
}

const mail = (sender: number, val: string): Mail => ({
  tag: 'message',
  sender,
  payload: { tag: 'text', val },
});

let here: Side;
let there: Side;
beforeEach(() => {
  here = side([20, 21]);
  there = side([10]);
  here.end.other = there.end;
  there.end.other = here.end;
  here.peers.add(2, here.end);
  there.peers.add(1, there.end);
  here.peers.route(20, 2);
});

test('who is nowhere known is sent nothing', () => {
  expect(here.peers.send(21, mail(10, 'a'), null)).toBeNull();
  here.peers.route(21, 99);
  expect(here.peers.send(21, mail(10, 'a'), null)).toBeNull();
});

test('what is sent in a turn goes together, in order, and is answered', async () => {
  const sent = ['a', 'b', 'c'].map((text) => here.peers.send(20, mail(10, text), null));
  expect(here.end.batches).toEqual([]);
  await turn();
  expect(here.end.batches).toHaveLength(1);
  await turn();
  expect(there.delivered.map(([, { payload }]) => payload.val)).toEqual(['a', 'b', 'c']);
  expect(sent.map((operation) => operation?.outcome)).toEqual(
    Array.from({ length: 3 }, () => ({ tag: 'ok', val: 1 })),
  );
  // Whom it came from can be answered.
  expect(there.peers.send(10, mail(20, 'back'), null)).not.toBeNull();
});

test('what waits for room is answered when it has come', async () => {
  const room = new PendingOperation<number>(() => {});
  there.answer = () => room;
  const sent = here.peers.send(20, mail(10, 'a'), 1_000);
  await turn();
  await turn();
  expect(sent?.outcome).toBeNull();
  room.settle({ tag: 'ok', val: 20 });
  await turn();
  expect(sent?.outcome).toEqual({ tag: 'ok', val: 20 });
});

test('who gives up waits no more over there either', async () => {
  let abandoned = 0;
  there.answer = () =>
    new PendingOperation<number>(() => {
      abandoned += 1;
    });
  const sent = here.peers.send(20, mail(10, 'a'), 1_000);
  await turn();
  sent?.abandon();
  sent?.abandon();
  await turn();
  expect(abandoned).toBe(1);
});

test('of a worker that is gone everything is closed, and its agents are lost', async () => {
  there.answer = () => new PendingOperation<number>(() => {});
  const sent = here.peers.send(20, mail(10, 'a'), 1_000);
  await turn();
  here.peers.gone(2);
  expect(sent?.outcome).toMatchObject({ tag: 'err', error: 'closed' });
  expect([here.lost, here.end.closed]).toEqual([[20], true]);
  expect(here.peers.send(20, mail(10, 'b'), null)).toBeNull();
  // An answer that comes after all changes nothing.
  here.end.receive([{ kind: 'delivered', id: 1, outcome: { tag: 'ok', val: 20 } }]);
  expect(sent?.outcome).toMatchObject({ error: 'closed' });
});

test('what had come from a worker that is gone, and waits for room, waits no more', async () => {
  let abandoned = 0;
  there.answer = () =>
    new PendingOperation<number>(() => {
      abandoned += 1;
    });
  here.peers.send(20, mail(10, 'a'), 1_000);
  await turn();
  there.peers.gone(1);
  expect(abandoned).toBe(1);
});

test('an asker elsewhere is told that there will be no reply, where it is known', async () => {
  expect(there.peers.unanswered({ asker: 10, correlation: 5 })).toBe(false);
  here.peers.send(20, mail(10, 'a'), null);
  await turn();
  expect(there.peers.unanswered({ asker: 10, correlation: 5 })).toBe(true);
  await turn();
  expect(here.unanswered).toEqual([{ asker: 10, correlation: 5 }]);
});
