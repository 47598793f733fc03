// Greets, then answers each request with how many words it has, until nobody asks any more.

import {
  Agent,
  Failure,
  Json,
  jsonOf,
  log,
  mailbox,
  PayloadTag,
  RequestMessage,
  Result,
  textOf,
  Unit,
} from 'ringfence/assemblyscript';

class Counter extends Agent {
  onStart(): void {
    this.idleMs = 1_000;
    log.info('hello from inside the fence');
  }

  // `{ "text": "…" }` is answered with `{ "words": … }`, a text with a text.
  onRequest(request: RequestMessage): void {
    if (request.payload.tag == PayloadTag.Json) {
      mailbox.answer(request, answerTo(jsonOf(request.payload)));
      return;
    }
    const text = textOf(request.payload);
    mailbox.answer(request, text.isOk ? `${countWords(text.value)}` : text.error);
  }

  // It may not hear anybody: then it has greeted, and is done.
  onFailure(_failure: Failure): void {}
}

function answerTo(asked: Result<Json, string>): Json {
  if (!asked.isOk) return Json.object().with('error', asked.error);
  const text = asked.value.field<string>('text');
  if (!text.isOk) return Json.object().with('error', text.error);
  return Json.object().with('words', countWords(text.value));
}

function countWords(text: string): i32 {
  let words = 0;
  const parts = text.split(' ');
  for (let index = 0; index < parts.length; index++) {
    if (parts[index].length > 0) words += 1;
  }
  return words;
}

export function run(): Result<Unit, string> {
  return new Counter().run();
}
