/** The contract's error variant: denials, limits, and what this build does not offer yet. */

import { err } from '../abi/binding.ts';
import type { Outcome } from '../agent.ts';
import type { ErrorVariant } from '../generated/ringfence-agent-types.ts';

/** A failed result. */
export type Failed = { readonly tag: 'err'; readonly val: ErrorVariant };

export const failed = (tag: ErrorVariant['tag'], message: string): Failed =>
  err({ tag, val: message });

/** The typed answer to a denial. */
export const denied = (message: string): Failed => failed('denied', message);

/** The typed answer to a call that would pass a limit. */
export const limitExceeded = (message: string): Failed => failed('limit-exceeded', message);

/** The answer of a function whose signature is in place and whose work is not. */
export const unavailable = (): Failed =>
  failed('unavailable', 'this version of ringfence does not offer the function yet: do without it');

const TAGS: ReadonlySet<string> = new Set<ErrorVariant['tag']>([
  'denied',
  'limit-exceeded',
  'mailbox-full',
  'not-found',
  'timeout',
  'invalid',
  'closed',
  'unavailable',
  'cancelled',
]);

/** A failed operation, as the contract says it. */
export function failedOutcome(outcome: Extract<Outcome<never>, { tag: 'err' }>): Failed {
  const tag = TAGS.has(outcome.error) ? (outcome.error as ErrorVariant['tag']) : 'unavailable';
  return failed(tag, outcome.message);
}
