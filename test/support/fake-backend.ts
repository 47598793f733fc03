/**
 * A backend whose agents a test drives: each has the mail of a real agent, asks the supervisor what the
 * test says, and ends when and how the test says, also after it was told to.
 */

import type {
  Backend,
  BackendAgent,
  BackendEvents,
  BackendStart,
  CallOutcome,
  Sending,
} from '../../src/backend/backend.ts';
import type { Address, Delivery, MessageFilter, Payload, Signal } from '../../src/ipc/message.ts';
import type { Answer, Question } from '../../src/ipc/question.ts';
import type { BackendEndReason } from '../../src/process/exit.ts';
import { Correspondence } from '../../src/wasm/worker/correspondence.ts';
import { deliver } from '../../src/wasm/worker/mail.ts';

/** Messages that the host holds for one of these. */
export const ROOM = 5;

/** Room for so many messages, whatever their length. */
class CountedRoom {
  #taken = 0;
  hold(): boolean {
    if (this.#taken >= ROOM) {
      return false;
    }
    this.#taken += 1;
    return true;
  }
  couldHold(): boolean {
    return true;
  }
  release(): void {
    this.#taken -= 1;
  }
}

export const textOf = (val: string): Payload => ({ tag: 'text', val });

/** `ok`, or the name of the error. */
export const said = (outcome: CallOutcome<unknown>): string =>
  outcome.tag === 'ok' ? 'ok' : outcome.error;

export class FakeGuest implements BackendAgent {
  readonly start: BackendStart;
  readonly correspondence = new Correspondence(new CountedRoom());
  /** What it has taken out of its mailbox, in order. */
  readonly taken: Delivery[] = [];
  ended = false;
  /** It ends as soon as it is told to, as a function does; otherwise when the test says. */
  obeys = false;
  /** What runs it takes nothing. */
  hangs = false;
  readonly #events: BackendEvents;

  constructor(start: BackendStart, events: BackendEvents) {
    this.start = start;
    this.#events = events;
  }

  /** Does as it is told where it is to end at once. */
  command(): void {
    if (this.obeys) {
      this.end('killed');
    }
  }
  async answers(): Promise<void> {}
  reap(): void {}
  suspended(): void {}
  resumed(): void {}
  granted(): void {}
  async revoked(): Promise<void> {}

  deliver: BackendAgent['deliver'] = async (mail, waitMs) => {
    if (this.hangs) {
      return new Promise(() => {});
    }
    const owner = { pid: this.start.pid, ended: this.ended };
    const { mailbox } = this.correspondence;
    const receiver = { owner, mailbox, post: this.correspondence.post.bind(this.correspondence) };
    const { outcome } = deliver(receiver, mail, waitMs);
    if (outcome === null) {
      throw new Error('no history waits for room');
    }
    return outcome;
  };

  signal(signal: Signal): void {
    this.correspondence.signal(signal);
  }

  send(to: Address, text: string): Promise<string> {
    return this.#send({ to, body: { tag: 'message' }, payload: textOf(text), waitMs: null });
  }

  async request(to: Address, text: string): Promise<string> {
    const { conversations } = this.correspondence;
    const correlation = conversations.ask(to.tag === 'process' ? to.pid : null);
    const body = { tag: 'request', correlation } as const;
    const outcome = await this.#send({ to, body, payload: textOf(text), waitMs: null });
    if (outcome !== 'ok') {
      conversations.forget(correlation);
    }
    return outcome;
  }

  /** Asks under whatever id it likes, as who has taken a process over can. */
  requestAs(correlation: number, pid: number): Promise<string> {
    const to = { tag: 'process', pid } as const;
    const body = { tag: 'request', correlation } as const;
    return this.#send({ to, body, payload: textOf('how'), waitMs: null });
  }

  /** Says that it will not reply. */
  forgets(asker: number, correlation: number): void {
    this.#events.unanswered(asker, correlation);
  }

  /** Replies as the gate has agents do it: under an id of its own. */
  async reply(id: number, text: string): Promise<string> {
    const { conversations } = this.correspondence;
    const asker = conversations.asker(id);
    if (asker === undefined) {
      return 'not-found';
    }
    const outcome = await this.forge(asker.pid, asker.correlation, text);
    if (outcome !== 'mailbox-full') {
      conversations.answered(id);
    }
    return outcome;
  }

  /** Replies under whatever id somebody may have asked somebody by. */
  forge(pid: number, correlation: number, text: string): Promise<string> {
    const body = { tag: 'reply', correlation } as const;
    const to = { tag: 'process', pid } as const;
    return this.#send({ to, body, payload: textOf(text), waitMs: null });
  }

  async #send(sending: Sending): Promise<string> {
    return said(await this.#events.send(sending, new AbortController().signal));
  }

  async ask(question: Question): Promise<{ said: string; answer: Answer }> {
    const outcome = await this.#events.ask(question);
    return { said: said(outcome), answer: outcome.tag === 'ok' ? outcome.val : null };
  }

  take(filter: MessageFilter): Delivery | null {
    const delivery = this.correspondence.mailbox.take(filter);
    if (delivery !== null) {
      this.taken.push(delivery);
    }
    if (delivery?.tag === 'request') {
      const { sender, correlation } = delivery;
      const { forgotten } = this.correspondence.conversations.asked({ pid: sender, correlation });
      if (forgotten !== null) {
        this.#events.unanswered(forgotten.pid, forgotten.correlation);
      }
    }
    return delivery;
  }

  /** It has ended; says so only once. */
  end(reason: BackendEndReason): void {
    if (!this.ended) {
      this.ended = true;
      const { undelivered } = this.correspondence.close();
      this.#events.exited({ code: null, reason, message: 'so it was', undelivered, lost: 0 });
    }
  }
}

export class FakeBackend implements Backend {
  readonly name = 'wasm';
  readonly guests = new Map<number, FakeGuest>();

  start(start: BackendStart, events: BackendEvents): FakeGuest {
    const guest = new FakeGuest(start, events);
    this.guests.set(start.pid, guest);
    queueMicrotask(() => events.running());
    return guest;
  }

  async close(): Promise<void> {}
}
