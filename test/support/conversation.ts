/**
 * The source of an agent that tells another of its kind so many things, asks it now and then whether it has heard
 * them all, and says how many it has heard itself.
 */
export const CONVERSATION = `
import {
  Agent, describe, Json, jsonOf, mailbox, Message, RequestMessage, Result, Unit,
} from 'ringfence/assemblyscript';

/** Messages before the next question: fewer than a mailbox takes. */
const AT_ONCE = 500;

class Conversation extends Agent {
  private heard: i32 = 0;

  onMessage(message: Message): void {
    const told = jsonOf(message.payload);
    if (told.isOk && told.value.field<string>('word').isOk) this.heard += 1;
  }

  onRequest(request: RequestMessage): void {
    const asked = jsonOf(request.payload);
    mailbox.answer(request, asked.isOk ? this.answerTo(asked.value) : Json.of(asked.error));
  }

  private answerTo(asked: Json): Json {
    const times = asked.field<i32>('times');
    const pid = asked.field<u64>('tell');
    if (!times.isOk || !pid.isOk) return Json.object().with('heard', this.heard);
    for (let told = 0; told < times.value; ) {
      const next = min(told + AT_ONCE, times.value);
      for (; told < next; told++) {
        const sent = mailbox.send(pid.value, Json.object().with('word', \`word \${told}\`));
        if (!sent.isOk) return Json.of(describe(sent.error));
      }
      const answer = mailbox.ask(pid.value, Json.object(), 600_000);
      if (!answer.isOk) return Json.of(describe(answer.error));
      const read = jsonOf(answer.value);
      if (!read.isOk || read.value.field<i32>('heard').value != told) return Json.of('not all was heard');
    }
    return Json.object().with('told', times.value);
  }
}

export function run(): Result<Unit, string> {
  return new Conversation().run();
}
`;
