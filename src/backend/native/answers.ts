/** What host functions answer, as values and errors of the program. */

import { type ErrorCode, RingfenceError } from '../../errors.ts';
import type { Result } from '../../wasm/host/abi/binding.ts';
import type { Received as WitReceived } from '../../wasm/host/generated/ringfence-agent-ipc.ts';
import type { ErrorVariant, ExitReason } from '../../wasm/host/generated/ringfence-agent-types.ts';
import type { Ending, Received } from './context.ts';

/** The codes of the contract's errors. */
const CODES: Readonly<Record<ErrorVariant['tag'], ErrorCode>> = {
  denied: 'RF_CAPABILITY_DENIED',
  'limit-exceeded': 'RF_LIMIT_EXCEEDED',
  'mailbox-full': 'RF_MAILBOX_FULL',
  'not-found': 'RF_PROCESS_NOT_FOUND',
  timeout: 'RF_TIMEOUT',
  invalid: 'RF_USAGE',
  closed: 'RF_CLOSED',
  unavailable: 'RF_UNAVAILABLE',
  cancelled: 'RF_CANCELLED',
};

/** What was asked, for the error that it ends in. */
export interface Asked {
  /** `send to pid 3`, for the sentence. */
  readonly what: string;
  /** Who has asked. */
  readonly pid: number;
  /** The agent's. */
  readonly signal: AbortSignal;
  /** What it is called where nobody has it, if that is no agent. */
  readonly notFound?: ErrorCode;
}

/** The value of an answer. @throws {RingfenceError} for a failed one */
export function unwrap<Value>(
  result: Result<Value, ErrorVariant>,
  { what, pid, signal, notFound }: Asked,
): Value {
  if (result.tag === 'ok') {
    return result.val;
  }
  const { tag, val: why } = result.val;
  const code = tag === 'not-found' && notFound !== undefined ? notFound : CODES[tag];
  // Given up because it is to stop: who lets that be thrown does as he is asked.
  const options = tag === 'cancelled' && signal.aborted ? { cause: signal.reason } : {};
  throw new RingfenceError(code, `Cannot ${what}: ${why}.`, { pid }, options);
}

/** Whether it was done; false: what it was for is not there. @throws {RingfenceError} as `unwrap` */
export function wasFound(result: Result<undefined, ErrorVariant>, asked: Asked): boolean {
  if (result.tag === 'err' && result.val.tag === 'not-found') {
    return false;
  }
  unwrap(result, asked);
  return true;
}

/** Why an agent ended, as the program sees it. */
const toEnding = (reason: ExitReason): Ending =>
  reason.tag === 'crash'
    ? { reason: 'crash', message: reason.val }
    : { reason: reason.tag, message: null };

/** What has arrived, as the program sees it: pids and ids are numbers. */
export function toReceived(received: WitReceived): Received {
  switch (received.tag) {
    case 'message': {
      const { sender, payload } = received.val;
      return { tag: 'message', sender: Number(sender), payload };
    }
    case 'request': {
      const { sender, correlation, method = null, payload } = received.val;
      return {
        tag: 'request',
        sender: Number(sender),
        correlation: Number(correlation),
        method,
        payload,
      };
    }
    case 'reply':
      // It is for the request that waits for it: `receive` leaves it to that (running-work.ts).
      throw new Error('a reply was received by who did not wait for it');
    case 'topic': {
      const { sender, topic, payload } = received.val;
      return { tag: 'topic', sender: Number(sender), topic, payload };
    }
    case 'exit': {
      const { pid, reason } = received.val;
      return { tag: 'exit', pid: Number(pid), end: toEnding(reason) };
    }
    case 'down': {
      const { monitor, pid, reason } = received.val;
      return {
        tag: 'down',
        monitor: Number(monitor),
        pid: Number(pid),
        end: toEnding(reason),
      };
    }
    case 'timer': {
      const { timer, payload } = received.val;
      return { tag: 'timer', timer: Number(timer), payload };
    }
    case 'warning': {
      const { pid, kind, used, limit } = received.val;
      return {
        tag: 'warning',
        pid: Number(pid),
        kind,
        used: Number(used),
        limit: Number(limit),
      };
    }
    case 'cancelled':
      return { tag: 'cancelled', reason: received.val };
  }
}
