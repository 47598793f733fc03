/** What a guest is told of an error of the kernel's. */

import type { CallOutcome } from '../backend/backend.ts';
import { type ErrorCode, RingfenceError } from '../errors.ts';

/** Constants, for the messages of errors can name paths of the host. */
const FOR_GUESTS: Readonly<Partial<Record<ErrorCode, readonly [error: string, message: string]>>> =
  {
    RF_CAPABILITY_DENIED: [
      'denied',
      'the child would have more than its parent may give: ask for less',
    ],
    RF_LIMIT_EXCEEDED: [
      'limit-exceeded',
      'it has as many children as it may, or the host is at a limit: wait for one to exit',
    ],
    RF_PROCESS_TABLE_FULL: ['limit-exceeded', 'the host has no room for more agents: try later'],
    RF_QUOTA_EXCEEDED: [
      'limit-exceeded',
      'the quota of its owner, or of the host, is used up: wait for an agent to exit',
    ],
    RF_PROCESS_NOT_FOUND: [
      'not-found',
      'there is no such module: name one that the host has loaded',
    ],
    RF_MODULE_REFUSED: [
      'invalid',
      'the module needs more memory than its limit, or a feature that is not allowed: raise the limit, or build it without',
    ],
    RF_USAGE: ['invalid', 'the request can not be understood: see the words of grants and limits'],
    RF_CLOSED: ['unavailable', 'the host is being closed'],
    RF_AUDIT: ['unavailable', 'the host can not record it at the moment: try later'],
    RF_BACKEND_NOT_AVAILABLE: [
      'unavailable',
      'this isolation is not offered here: its operator knows why',
    ],
  };

/**
 * An error of a spawn or of a request for a grant, as the agent that asked is told it. Where that is only
 * that the operator knows, `tellOperator` is told the rest.
 */
export function outcomeForGuest(
  error: unknown,
  tellOperator: (message: string) => void,
): CallOutcome<never> {
  const known = error instanceof RingfenceError ? FOR_GUESTS[error.code] : undefined;
  if (known === undefined) {
    tellOperator(error instanceof Error ? error.message : String(error));
    return {
      tag: 'err',
      error: 'unavailable',
      message: 'the host failed: its operator knows why',
    };
  }
  const [tag, message] = known;
  return { tag: 'err', error: tag, message };
}
