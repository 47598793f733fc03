/** What leaves an agent and is answered later: messages to other agents, calls of tools. */

import type { Mailbox } from '../../ipc/mailbox.ts';
import type { Delivery } from '../../ipc/message.ts';
import type { Operation, Outcome, Unsubscribe } from '../host/agent.ts';

/** An operation whose outcome is known at once. */
export function settled<Value>(outcome: Outcome<Value>): Operation<Value> {
  return { outcome, onSettled: () => () => {}, abandon: () => {} };
}

/** The receiver has no room. */
export const mailboxFull = (pid: number): Outcome<null> => ({
  tag: 'err',
  error: 'mailbox-full',
  message: `the mailbox of pid ${pid} has no room: wait for it with wait-ms, or send less`,
});

/** An operation that somebody else settles. */
export class PendingOperation<Value> implements Operation<Value> {
  outcome: Outcome<Value> | null = null;
  readonly #waiting = new Set<() => void>();
  readonly #abandoned: () => void;

  constructor(abandoned: () => void) {
    this.#abandoned = abandoned;
  }

  readonly onSettled = (wake: () => void): Unsubscribe => {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  };

  settle(outcome: Outcome<Value>): void {
    if (this.outcome === null) {
      this.outcome = outcome;
      for (const wake of [...this.#waiting]) {
        this.#waiting.delete(wake);
        wake();
      }
    }
  }

  abandon(): void {
    this.#waiting.clear();
    this.#abandoned();
  }
}

/** The longest that a sender waits for room. */
const WAIT_MS_MAX = 0x7fff_ffff;

/**
 * Delivers into a mailbox of this worker: at once, or within `waitMs` when room comes. `settle` is
 * called once unless the answer is immediate, and never after the answer's `abandon`.
 */
export function deliver(
  mailbox: Mailbox,
  owner: { readonly pid: number; readonly ended: boolean },
  delivery: Delivery,
  waitMs: number | null,
): Operation<null> {
  const posted = mailbox.post(delivery);
  if (posted === 'delivered') {
    return settled({ tag: 'ok', val: null });
  }
  if (posted === 'too-large') {
    return settled({
      tag: 'err',
      error: 'limit-exceeded',
      message: `the message is larger than the host may hold for pid ${owner.pid}: send it in parts`,
    });
  }
  if (waitMs === null || waitMs === 0) {
    return settled(mailboxFull(owner.pid));
  }
  let unsubscribe: Unsubscribe = () => {};
  const stop = (): void => {
    clearTimeout(timer);
    unsubscribe();
  };
  const operation = new PendingOperation<null>(stop);
  const timer = setTimeout(
    () => {
      stop();
      operation.settle(mailboxFull(owner.pid));
    },
    Math.min(waitMs, WAIT_MS_MAX),
  );
  const retry = (): void => {
    if (owner.ended) {
      stop();
      operation.settle(closedOutcome(owner.pid));
    } else if (mailbox.post(delivery) === 'delivered') {
      stop();
      operation.settle({ tag: 'ok', val: null });
    } else {
      unsubscribe = mailbox.onRoom(retry);
    }
  };
  unsubscribe = mailbox.onRoom(retry);
  return operation;
}

/** The receiver has ended. */
export function closedOutcome(pid: number): Outcome<never> {
  return {
    tag: 'err',
    error: 'closed',
    message: `pid ${pid} has ended: nothing can be sent to it`,
  };
}
