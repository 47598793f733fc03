/** Asking the file host, which answers at once or later. */

import { type Result, WAIT } from '../../abi/binding.ts';
import type { HostAgent, Operation } from '../../agent.ts';
import { PATH_BYTES_MAX } from '../../files/caps.ts';
import type {
  ErrorCode,
  FileAnswer,
  FileOperationName,
  FileOperations,
  FileRequest,
} from '../../files/request.ts';

const IO = { tag: 'err', val: 'io' } as const;

/** No path is that long: it is refused here, and sent nowhere. */
const TOO_LONG = { tag: 'err', val: 'name-too-long' } as const;
const TEXTS = ['path', 'newPath', 'target'] as const;
type TextsOf = { readonly [Field in (typeof TEXTS)[number]]?: string };

function isTooLong(text: string | undefined): boolean {
  return text !== undefined && text.length > PATH_BYTES_MAX;
}

/** Milliseconds of work that are told to whoever shares the thread out among agents. */
const WORK_TOLD_MS = 0.1;

/** Has the file host perform a request. */
export function perform<Name extends FileOperationName>(
  agent: HostAgent,
  request: FileRequest<Name>,
): FileAnswer<Name> | Operation<FileAnswer<Name>> {
  const started = performance.now();
  const answer = agent.files.perform(request);
  const worked = performance.now() - started;
  if (worked >= WORK_TOLD_MS) {
    // Neither fuel nor the number of calls sees what a long path or a slow disk takes.
    agent.worked(worked);
  }
  return answer;
}

/** The answer of an operation that is through. */
export function settled<Name extends FileOperationName>(
  operation: Operation<FileAnswer<Name>>,
): FileAnswer<Name> | null {
  const { outcome } = operation;
  if (outcome === null) {
    return null;
  }
  return outcome.tag === 'ok' ? outcome.val : IO;
}

/**
 * Performs a request; at a further try of the same call, looks whether it is through.
 *
 * Only in a function that is declared as blocking may the host answer later.
 */
export function ask<Name extends FileOperationName>(
  agent: HostAgent,
  request: FileRequest<Name>,
): FileAnswer<Name> | typeof WAIT {
  let operation = agent.pending as Operation<FileAnswer<Name>> | undefined;
  if (operation === undefined) {
    if (TEXTS.some((field) => isTooLong((request as TextsOf)[field]))) {
      return TOO_LONG;
    }
    const answer = perform(agent, request);
    if (!('outcome' in answer)) {
      return answer;
    }
    operation = answer;
  }
  const answer = settled(operation);
  if (answer !== null) {
    return answer;
  }
  agent.pending = operation;
  return agent.wait(operation.onSettled);
}

/** As {@link ask}; what comes back is made into what the guest gets. */
export function askFor<Name extends FileOperationName, Value>(
  agent: HostAgent,
  request: FileRequest<Name>,
  make: (answer: FileOperations[Name]['answer']) => Value,
): Result<Value, ErrorCode> | typeof WAIT {
  const answer = ask(agent, request);
  if (answer === WAIT || answer.tag === 'err') {
    return answer as never;
  }
  return { tag: 'ok', val: make(answer.val) };
}

/** Nobody waits for the answer of a call any more. */
export function abandon(agent: HostAgent): void {
  (agent.pending as Operation<unknown> | undefined)?.abandon();
}
