// Sends every message back to its sender, answers every request, and ends at the text "stop" or when
// it is asked to.

import { Filter, ReceivedTag, receive, reply, send, Target } from 'ringfence/agent/ipc';
import { Payload, PayloadTag, WitError } from 'ringfence/agent/types';
import { Option, Result, UNIT, Unit } from 'wit/values';

export function run(): Result<Unit, string> {
  while (true) {
    const next = receive(Filter.any(), Option.none<u64>());
    if (!next.isOk) return failed('cannot receive', next.error);
    const received = next.value;
    if (received.tag == ReceivedTag.Cancelled) break;
    if (received.tag == ReceivedTag.Request) {
      const request = received.request;
      const replied = reply(request.correlation, request.payload);
      if (!replied.isOk) return failed('cannot reply', replied.error);
    }
    if (received.tag != ReceivedTag.Message) continue;
    const message = received.message;
    if (isStop(message.payload)) break;
    const sent = send(Target.process(message.sender), message.payload, Option.none<u64>());
    if (!sent.isOk) return failed('cannot send', sent.error);
  }
  return Result.ok<Unit, string>(UNIT);
}

function isStop(payload: Payload): bool {
  return payload.tag == PayloadTag.Text && payload.text == 'stop';
}

function failed(what: string, error: WitError): Result<Unit, string> {
  return Result.err<Unit, string>(`${what}: ${error.name}: ${error.payload}`);
}
