/** What host functions answer, as values and errors of the program. */

import { type ErrorCode, RingfenceError } from '../../errors.ts';
import type { Result } from '../../wasm/host/abi/binding.ts';
import type { Received as WitReceived } from '../../wasm/host/generated/ringfence-agent-ipc.ts';
import type { ErrorVariant } from '../../wasm/host/generated/ringfence-agent-types.ts';
import type { Received } from './context.ts';

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
  cancelled: 'RF_CLOSED',
};

/** What was asked, for the error that it ends in. */
export interface Asked {
  /** `send to pid 3`, for the sentence. */
  readonly what: string;
  /** Who has asked. */
  readonly pid: number;
  /** What it is called where nobody has it, if that is no agent. */
  readonly notFound?: ErrorCode;
}

/** The value of an answer. @throws {RingfenceError} for a failed one */
export function unwrap<Value>(
  result: Result<Value, ErrorVariant>,
  { what, pid, notFound }: Asked,
): Value {
  if (result.tag === 'ok') {
    return result.val;
  }
  const { tag, val: why } = result.val;
  const code = tag === 'not-found' && notFound !== undefined ? notFound : CODES[tag];
  throw new RingfenceError(code, `Cannot ${what}: ${why}.`, { pid });
}

/** What has arrived, as the program sees it: pids are numbers. */
export function toReceived(received: WitReceived): Received {
  switch (received.tag) {
    case 'message':
      return {
        tag: 'message',
        sender: Number(received.val.sender),
        payload: received.val.payload,
      };
    case 'cancelled':
      return { tag: 'cancelled', reason: received.val };
    default:
      throw new RingfenceError(
        'RF_UNAVAILABLE',
        `Cannot receive what has arrived: functions are not told of a '${received.tag}' yet.`,
      );
  }
}
