// Messages to oneself, later: a `string`, a `Json`, a `Uint8Array` or a `Payload`.

import { after as ringAfter, cancel as cancelTimer, every as ringEvery } from 'ringfence/agent/timers';
import { WitError } from 'ringfence/agent/types';
import { payloadOf } from 'ringfence/assemblyscript/payload';
import { Result, Unit } from 'wit/values';

export namespace timers {
  /** Rings once. Answers the timer's id. */
  export function after<V>(milliseconds: u64, value: V): Result<u64, WitError> {
    const payload = payloadOf<V>(value);
    if (!payload.isOk) return Result.err<u64, WitError>(payload.error);
    return ringAfter(milliseconds, payload.value);
  }

  /** Rings again and again until it is cancelled. Answers the timer's id. */
  export function every<V>(milliseconds: u64, value: V): Result<u64, WitError> {
    const payload = payloadOf<V>(value);
    if (!payload.isOk) return Result.err<u64, WitError>(payload.error);
    return ringEvery(milliseconds, payload.value);
  }

  /** What has rung already stays in the mailbox. */
  export function cancel(timer: u64): Result<Unit, WitError> {
    return cancelTimer(timer);
  }
}
