/** Asking who performs requests on sockets, which answers at once or later. */

import type {
  Awaited,
  SocketAnswer,
  SocketHandle,
  SocketOperationName,
  SocketRequest,
} from '../../../../network/sockets/request.ts';
import type { WAIT } from '../../abi/binding.ts';
import type { HostAgent, Subscribe } from '../../agent.ts';

/** What was asked for: its answer, or what it comes by. */
export type Asked<Name extends SocketOperationName> =
  | SocketAnswer<Name>
  | Awaited<SocketAnswer<Name>>;

/** Its answer; null: it has not come yet. */
export function answerOf<Name extends SocketOperationName>(
  asked: Asked<Name>,
): SocketAnswer<Name> | null {
  return 'tag' in asked ? asked : (asked.outcome?.val ?? null);
}

/** Wakes at once: what is waited for is there. */
export const AT_ONCE: Subscribe = (wake) => {
  queueMicrotask(wake);
  return () => {};
};

/** Wakes when its answer has come. */
export function whenAnswered<Name extends SocketOperationName>(asked: Asked<Name>): Subscribe {
  return 'tag' in asked ? AT_ONCE : asked.onSettled;
}

/**
 * Performs a request; at a further try of the same call, looks whether it is through. Only for a function
 * that is declared as blocking.
 */
export function ask<Name extends SocketOperationName>(
  agent: HostAgent,
  request: SocketRequest<Name>,
): SocketAnswer<Name> | typeof WAIT {
  const asked = (agent.pending as Asked<Name> | undefined) ?? agent.sockets.perform(request);
  const answer = answerOf(asked);
  if (answer !== null) {
    return answer;
  }
  agent.pending = asked;
  return agent.wait(whenAnswered(asked));
}

/** Nobody waits for the answer of a call any more. */
export function abandon(agent: HostAgent): void {
  (agent.pending as Awaited<unknown> | undefined)?.abandon();
}

/** A socket that a guest's socket and its streams share: it is closed when the last of them is dropped. */
export class SharedSocket {
  readonly handle: SocketHandle;
  #sharers = 1;

  constructor(handle: SocketHandle) {
    this.handle = handle;
  }

  share(): this {
    this.#sharers += 1;
    return this;
  }

  release(agent: HostAgent): void {
    this.#sharers -= 1;
    if (this.#sharers === 0) {
      agent.sockets.perform<'close'>({ op: 'close', handle: this.handle });
    }
  }
}
