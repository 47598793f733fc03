// Greets, then answers each request with how many words it has, until nobody asks any more.

import { Filter, ReceivedTag, receive, reply } from 'ringfence/agent/ipc';
import { Level, log } from 'ringfence/agent/log';
import { Payload } from 'ringfence/agent/types';
import { Option, Result, UNIT, Unit } from 'wit/values';

const PATIENCE_MS: u64 = 1_000;

export function run(): Result<Unit, string> {
  log(Level.Info, 'hello from inside the fence');
  while (true) {
    const received = receive(Filter.any(), Option.some<u64>(PATIENCE_MS));
    // Nobody asks any more, or it is not granted to talk to anybody.
    if (!received.isOk) return Result.ok<Unit, string>(UNIT);
    if (received.value.tag == ReceivedTag.Cancelled) return Result.ok<Unit, string>(UNIT);
    if (received.value.tag != ReceivedTag.Request) continue;
    const request = received.value.request;
    reply(request.correlation, Payload.text(countWords(request.payload.text).toString()));
  }
}

function countWords(text: string): i32 {
  let words = 0;
  const parts = text.split(' ');
  for (let index = 0; index < parts.length; index++) {
    if (parts[index].length > 0) words += 1;
  }
  return words;
}
