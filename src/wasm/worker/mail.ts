/** What leaves an agent and is answered later: messages to other agents, calls of tools. */

import type { Mailbox } from '../../ipc/mailbox.ts';
import type { Mail } from '../../ipc/message.ts';
import type { Operation, Outcome, Unsubscribe } from '../host/agent.ts';
import { type AgentTime, MACHINE_TIME } from './clocks.ts';
import type { Posted } from './correspondence.ts';

/** An operation whose outcome is known at once. */
export function settled<Value>(outcome: Outcome<Value>): Operation<Value> {
  return { outcome, onSettled: () => () => {}, abandon: () => {} };
}

/** The receiver has no room. */
export const mailboxFull = (pid: number): Outcome<never> => ({
  tag: 'err',
  error: 'mailbox-full',
  message: `the mailbox of pid ${pid} has no room: wait for it with wait-ms, or send less`,
});

/** The receiver could never hold it. */
export const tooLarge = (pid: number): Outcome<never> => ({
  tag: 'err',
  error: 'limit-exceeded',
  message: `the message is larger than the host may hold for pid ${pid}: send it in parts`,
});

/** A reply that nobody waits for. */
export const unexpectedReply = (pid: number): Outcome<never> => ({
  tag: 'err',
  error: 'not-found',
  message: `pid ${pid} does not wait for this reply: it has given up, or has one`,
});

/** Who receives: whose mailbox it is, and whether that agent still lives. */
export interface Receiver {
  readonly owner: { readonly pid: number; readonly ended: boolean };
  readonly mailbox: Pick<Mailbox, 'onRoom'>;
  post(mail: Mail): Posted;
}

/** An operation that somebody else settles. */
export class PendingOperation<Value> implements Operation<Value> {
  outcome: Outcome<Value> | null = null;
  readonly isHere: boolean;
  readonly #waiting = new Set<() => void>();
  readonly #abandoned: () => void;

  /** `isHere`: nothing of it is under way outside of the worker. */
  constructor(abandoned: () => void, isHere = false) {
    this.#abandoned = abandoned;
    this.isHere = isHere;
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

/** How a message came out that need not wait; null: it has to. */
function outcomeOf(posted: Posted, pid: number): Outcome<number> | null {
  switch (posted) {
    case 'delivered':
      return { tag: 'ok', val: pid };
    case 'too-large':
      return tooLarge(pid);
    case 'unexpected':
      return unexpectedReply(pid);
    case 'full':
      return null;
  }
}

/**
 * Delivers to an agent of this worker: at once, or within `waitMs` when room comes. The operation is
 * settled once unless the answer is immediate, and never after its `abandon`. `time`: what is waited by.
 */
export function deliver(
  receiver: Receiver,
  mail: Mail,
  waitMs: number | null,
  time: AgentTime = MACHINE_TIME,
): Operation<number> {
  const { owner, mailbox } = receiver;
  const { pid } = owner;
  const outcome = outcomeOf(receiver.post(mail), pid);
  if (outcome !== null) {
    return settled(outcome);
  }
  if (waitMs === null || waitMs === 0) {
    return settled(mailboxFull(pid));
  }
  let unsubscribe: Unsubscribe = () => {};
  const stop = (): void => {
    late.clear();
    unsubscribe();
  };
  const operation = new PendingOperation<number>(stop, true);
  const late = time.alarm(time.nowMs() + waitMs, () => {
    stop();
    operation.settle(mailboxFull(pid));
  });
  const retry = (): void => {
    const now = owner.ended ? closedOutcome(pid) : outcomeOf(receiver.post(mail), pid);
    if (now === null) {
      unsubscribe = mailbox.onRoom(retry);
    } else {
      stop();
      operation.settle(now);
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
