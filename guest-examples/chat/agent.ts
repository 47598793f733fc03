// Two agents of this module talk to each other; README.md has the little protocol.

import { Filter, Received, ReceivedTag, receive, send, Target } from 'ringfence/agent/ipc';
import { Level, log } from 'ringfence/agent/log';
import { self } from 'ringfence/agent/process';
import { Payload, PayloadTag, WitError } from 'ringfence/agent/types';
import { Option, Result, UNIT, Unit } from 'wit/values';

const KERNEL: u64 = 0;
const PATIENCE_MS: u64 = 10_000;
const QUESTIONS: string[] = ['How are you?', 'What do you count?', 'Same time tomorrow?'];

export function run(): Result<Unit, string> {
  // Before it knows anybody, an agent hears only its partner or whoever introduces them.
  while (true) {
    const received = receive(Filter.any(), Option.some<u64>(PATIENCE_MS));
    if (!received.isOk) return failed(`nobody came: ${describe(received.error)}`);
    const text = textOf(received.value);
    if (text === null) continue;
    const sender = received.value.message.sender;
    if (sender == KERNEL) {
      if (!text.startsWith('meet ')) return failed(`'${text}' is no introduction`);
      return ask(U64.parseInt(text.substring('meet '.length)));
    }
    return answer(sender, text);
  }
}

// The side that was introduced: asks its questions, then says goodbye.
function ask(partner: u64): Result<Unit, string> {
  for (let index = 0; index < QUESTIONS.length; index++) {
    const sent = say(partner, QUESTIONS[index]);
    if (!sent.isOk) return sent;
    const received = receive(Filter.sender(partner), Option.some<u64>(PATIENCE_MS));
    if (!received.isOk) return failed(`no answer from ${partner}: ${describe(received.error)}`);
    const text = textOf(received.value);
    if (text !== null) heard(partner, text);
  }
  return say(partner, 'bye');
}

// The other side: answers each question until the goodbye.
function answer(partner: u64, first: string): Result<Unit, string> {
  let text: string | null = first;
  let count = 0;
  while (text === null || text != 'bye') {
    if (text !== null) {
      heard(partner, text);
      count += 1;
      const sent = say(partner, `answer ${count} to '${text}'`);
      if (!sent.isOk) return sent;
    }
    const received = receive(Filter.sender(partner), Option.some<u64>(PATIENCE_MS));
    if (!received.isOk) return failed(`${partner} went silent: ${describe(received.error)}`);
    text = textOf(received.value);
  }
  heard(partner, 'bye');
  return Result.ok<Unit, string>(UNIT);
}

function say(partner: u64, text: string): Result<Unit, string> {
  const sent = send(Target.process(partner), Payload.text(text), Option.none<u64>());
  if (!sent.isOk) return failed(`cannot write to ${partner}: ${describe(sent.error)}`);
  return Result.ok<Unit, string>(UNIT);
}

function heard(partner: u64, text: string): void {
  log(Level.Info, `${self()} hears from ${partner}: ${text}`);
}

// Null for everything that isn't a text message.
function textOf(received: Received): string | null {
  if (received.tag != ReceivedTag.Message) return null;
  const payload = received.message.payload;
  return payload.tag == PayloadTag.Text ? payload.text : null;
}

function failed(reason: string): Result<Unit, string> {
  return Result.err<Unit, string>(reason);
}

function describe(error: WitError): string {
  return `${error.name}: ${error.payload}`;
}
