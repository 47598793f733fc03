// Messages between agents. A value that is sent is a `string`, a `Json`, a `Uint8Array` or a `Payload`.

import {
  Filter,
  Received,
  ReceivedTag,
  RequestMessage,
  Target,
  publish as publishOn,
  receive as receiveFrom,
  reply as replyTo,
  request as requestFrom,
  send as sendTo,
  subscribe as subscribeTo,
  unsubscribe as unsubscribeFrom,
} from 'ringfence/agent/ipc';
import { Payload, WitError } from 'ringfence/agent/types';
import { payloadOf } from 'ringfence/assemblyscript/payload';
import { Option, Result, Unit } from 'wit/values';

/** A wait that does not end. */
export const FOREVER: u64 = u64.MAX_VALUE;

export namespace mailbox {
  /**
   * Takes the first message that fits. The error is `timeout` when the time has passed. With a filter it is
   * `cancelled` when the agent is asked to stop, which it then takes without one.
   */
  export function receive(
    filter: Filter = Filter.any(),
    timeoutMs: u64 = FOREVER,
  ): Result<Received, WitError> {
    return receiveFrom(filter, waitOf(timeoutMs));
  }

  /**
   * Sends a value to an agent, by its pid, or to a `Target`.
   *
   * @param waitMs - How long it waits for room in a full mailbox; 0: it is an error at once.
   */
  export function send<To, V>(to: To, value: V, waitMs: u64 = 0): Result<Unit, WitError> {
    const payload = payloadOf<V>(value);
    if (!payload.isOk) return Result.err<Unit, WitError>(payload.error);
    const wait = waitMs == 0 ? Option.none<u64>() : Option.some<u64>(waitMs);
    return sendTo(targetOf<To>(to), payload.value, wait);
  }

  /** Asks an agent, by its pid, or a `Target`, and waits for the answer. */
  export function ask<To, V>(to: To, value: V, timeoutMs: u64): Result<Payload, WitError> {
    const payload = payloadOf<V>(value);
    if (!payload.isOk) return Result.err<Payload, WitError>(payload.error);
    const asked = requestFrom(targetOf<To>(to), payload.value);
    if (!asked.isOk) return Result.err<Payload, WitError>(asked.error);
    const answer = receiveFrom(Filter.correlation(asked.value), waitOf(timeoutMs));
    if (!answer.isOk) return Result.err<Payload, WitError>(answer.error);
    if (answer.value.tag != ReceivedTag.Reply) {
      return Result.err<Payload, WitError>(WitError.invalid('What came is no reply.'));
    }
    return Result.ok<Payload, WitError>(answer.value.reply.payload);
  }

  /** Answers a request. */
  export function answer<V>(request: RequestMessage, value: V): Result<Unit, WitError> {
    const payload = payloadOf<V>(value);
    if (!payload.isOk) return Result.err<Unit, WitError>(payload.error);
    return replyTo(request.correlation, payload.value);
  }

  /** Sends a value to all who have subscribed to a topic. */
  export function publish<V>(topic: string, value: V): Result<Unit, WitError> {
    const payload = payloadOf<V>(value);
    if (!payload.isOk) return Result.err<Unit, WitError>(payload.error);
    return publishOn(topic, payload.value);
  }

  export function subscribe(topic: string): Result<Unit, WitError> {
    return subscribeTo(topic);
  }

  export function unsubscribe(topic: string): Result<Unit, WitError> {
    return unsubscribeFrom(topic);
  }

  function waitOf(timeoutMs: u64): Option<u64> {
    return timeoutMs == FOREVER ? Option.none<u64>() : Option.some<u64>(timeoutMs);
  }

  /** The kernel is no process: 0 is its pid, and it has a target of its own. */
  function targetOf<To>(to: To): Target {
    if (isInteger<To>()) return <u64>to == 0 ? Target.kernel() : Target.process(<u64>to);
    else if (idof<To>() == idof<Target>()) return changetype<Target>(to);
    else return ERROR('a message goes to a pid or a Target');
  }
}
