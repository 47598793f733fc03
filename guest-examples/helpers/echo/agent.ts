// Sends every message back to its sender, answers every request, and ends at the text "stop" or when
// it is asked to. What it can't deliver it logs.

import {
  Filter,
  Message,
  ReceivedTag,
  RequestMessage,
  receive,
  reply,
  send,
  Target,
} from 'ringfence/agent/ipc';
import { Level, log } from 'ringfence/agent/log';
import { Payload, PayloadTag, WitError } from 'ringfence/agent/types';
import { Option, Result, UNIT, Unit } from 'wit/values';

const KERNEL: u64 = 0;

export function run(): Result<Unit, string> {
  while (true) {
    const next = receive(Filter.any(), Option.none<u64>());
    if (!next.isOk) return Result.err<Unit, string>(describe('cannot receive', next.error));
    const received = next.value;
    if (received.tag == ReceivedTag.Cancelled) break;
    if (received.tag == ReceivedTag.Request) answerRequest(received.request);
    if (received.tag != ReceivedTag.Message) continue;
    if (isStop(received.message.payload)) break;
    answerMessage(received.message);
  }
  return Result.ok<Unit, string>(UNIT);
}

function answerRequest(request: RequestMessage): void {
  const replied = reply(request.correlation, request.payload);
  if (!replied.isOk) log(Level.Warn, describe('cannot reply', replied.error));
}

function answerMessage(message: Message): void {
  const sender = message.sender;
  const target = sender == KERNEL ? Target.kernel() : Target.process(sender);
  const sent = send(target, message.payload, Option.none<u64>());
  if (!sent.isOk) log(Level.Warn, describe(`cannot send to ${sender}`, sent.error));
}

function isStop(payload: Payload): bool {
  return payload.tag == PayloadTag.Text && payload.text == 'stop';
}

function describe(what: string, error: WitError): string {
  return `${what}: ${error.name}: ${error.payload}`;
}
