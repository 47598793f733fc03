/** What operations on sockets answer: at once, or later; and the answers that many of them have. */

import type { Awaited, SocketAnswer, SocketErrorCode, SocketOperationName } from './request.ts';

/** The answer to an operation. */
export type Answer<Name extends SocketOperationName> =
  | SocketAnswer<Name>
  | Awaited<SocketAnswer<Name>>;

export const failed = (val: SocketErrorCode) => ({ tag: 'err', val }) as const;

export const DONE = { tag: 'ok', val: undefined } as const;

/** The handle leads to nothing, or to nothing that can do this. */
export const NOT_THAT = failed('invalid-state');
