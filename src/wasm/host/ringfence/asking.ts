/** A host function whose work is to ask the kernel: it waits for the answer and hands it on. */

import type { Answer, Question } from '../../../ipc/question.ts';
import { ok, type WAIT } from '../abi/binding.ts';
import type { Caller, Operation } from '../agent.ts';
import { type Failed, failedOutcome } from './errors.ts';

interface Asking {
  readonly operation: Operation<Answer>;
}

/** Whether it was done already is not known: it is, or it is not, and nobody waits. */
export function cancelAsking(agent: Caller): void {
  (agent.pending as Asking).operation.abandon();
}

/** Asks, or looks whether there is an answer; `read` makes the guest's value of it. */
export function asking<Value>(
  agent: Caller,
  question: () => Question,
  read: (answer: Answer) => Value,
): { readonly tag: 'ok'; readonly val: Value } | Failed | typeof WAIT {
  const pending = (agent.pending as Asking | undefined) ?? { operation: agent.ask(question()) };
  agent.pending = pending;
  const { outcome } = pending.operation;
  if (outcome === null) {
    return agent.wait(pending.operation.onSettled);
  }
  return outcome.tag === 'ok' ? ok(read(outcome.val)) : failedOutcome(outcome);
}

/** The guest is told nothing but that it was done. */
export const nothing = (): undefined => undefined;
