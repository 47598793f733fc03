/** What performs an agent's requests on sockets: the engine itself, or a broker in front of it. */

import type { Awaited, SocketAnswer, SocketOperationName, SocketRequest } from './request.ts';

/** Performs the requests of one agent on its sockets. */
export interface SocketHost {
  /** Answers at once, or later. Never throws, whatever the request is. */
  perform<Name extends SocketOperationName>(
    request: SocketRequest<Name>,
  ): SocketAnswer<Name> | Awaited<SocketAnswer<Name>>;
  /** Grants have changed: closes what was opened under one that is no longer in force. */
  look(): void;
  /** Closes every socket; every later request fails. */
  close(): void;
}

/** The sockets of an agent that has none, and can't have any. */
export const NO_SOCKETS: SocketHost = {
  perform: () => ({ tag: 'err', val: 'access-denied' }),
  look() {},
  close() {},
};
