/**
 * Mail on its way into an agent's process. A message stays here, where its sender accounts for it,
 * until the mailbox over there has taken it; what waits for room waits here too. While the agent may
 * not receive, nothing goes over at all: who has taken the process over would read it.
 */

import { Mailbox } from '../../ipc/mailbox.ts';
import {
  heldBytes,
  MAILBOX_MESSAGES_MAX,
  type Mail,
  type Signal,
  WARNINGS_UNREAD_MAX,
} from '../../ipc/message.ts';
import { HostBytes } from '../../resource/host-bytes.ts';
import { TIMER_MS_MAX } from '../../timer.ts';
import type { ToChild } from '../../wasm/worker/child/messages.ts';
import {
  closedOutcome,
  deliver,
  mailboxFull,
  tooLarge,
  unexpectedReply,
} from '../../wasm/worker/mail.ts';
import type { CallOutcome } from '../backend.ts';
import { answerTimer } from '../deadline.ts';

/** Bytes that are on their way at a time, beside one message that is larger. */
const UNDER_WAY_BYTES_MAX = 4 * 1024 * 1024;

/** How long the process may take to answer. */
const ANSWER_MS_MAX = 10_000;

type Outcome = CallOutcome<number>;

/** How a mailbox says that a delivery came out. */
export const TOLD_ERRORS = ['mailbox-full', 'limit-exceeded', 'not-found', 'closed'] as const;

/** What the process says of a delivery. */
export type ToldOutcome =
  | { readonly tag: 'ok' }
  | { readonly tag: 'err'; readonly error: (typeof TOLD_ERRORS)[number] };

interface Entry {
  readonly id: number;
  readonly delivery: Mail;
  readonly bytes: number;
  /** It waits for room, until its time is over. */
  patient: boolean;
  /** Its sender was told that it has arrived. */
  readonly promised: boolean;
  done(outcome: Outcome): void;
}

/** What one agent's mail needs to know of it. */
export interface DeliveriesOptions {
  readonly pid: number;
  /** Bytes that may be kept for it; 0: any. */
  readonly hostBytes: number;
  send(message: ToChild): void;
  /** Whether the agent may receive now. */
  mayReceive(): boolean;
  /** The process has not answered. */
  silent(): void;
}

/** The mail of one agent, until its mailbox over there has it. */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  /** Not sent over yet, in order. */
  #queue: Entry[] = [];
  readonly #underWay = new Map<number, { entry: Entry; timer: { clear(): void } }>();
  /** There was no room for them. */
  #full: Entry[] = [];
  /** Kept while the agent may not receive, within what may be held for it. */
  readonly #kept: Mailbox;
  readonly #owner: { readonly pid: number; ended: boolean };
  /** Told as soon as the agent may receive. */
  #signals: Signal[] = [];
  #underWayBytes = 0;
  #nextId = 1;
  #open = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    const { hostBytes, pid } = options;
    this.#owner = { pid, ended: false };
    this.#kept = new Mailbox(new HostBytes(hostBytes));
  }

  /** Signals that it was not told yet, as it may not receive. */
  get keptSignals(): number {
    return this.#signals.length;
  }

  /** The process takes mail from now on. */
  open(): void {
    this.#open = true;
    this.changed();
  }

  /** Resolves with how it came out: taken by a mailbox, refused, or never. */
  deliver(delivery: Mail, waitMs: number | null, signal?: AbortSignal): Promise<Outcome> {
    const { pid } = this.#options;
    if (this.#owner.ended) {
      return Promise.resolve(closedOutcome(pid));
    }
    if (!this.#options.mayReceive()) {
      return this.#keep(delivery, waitMs, signal);
    }
    if (this.#queue.length + this.#full.length >= MAILBOX_MESSAGES_MAX) {
      return Promise.resolve(mailboxFull(pid));
    }
    return new Promise((resolve) => {
      const patient = waitMs !== null && waitMs > 0;
      const late = patient
        ? setTimeout(() => this.#lose(entry), Math.min(waitMs, TIMER_MS_MAX))
        : null;
      const abort = (): void => {
        // Where it is on its way and finds no room, it is not sent again.
        entry.patient = false;
        this.#remove(entry);
        entry.done({ tag: 'err', error: 'cancelled', message: 'the sender has ended' });
      };
      const entry = this.#enter(delivery, patient, false, (outcome) => {
        clearTimeout(late ?? undefined);
        signal?.removeEventListener('abort', abort);
        resolve(outcome);
      });
      signal?.addEventListener('abort', abort, { once: true });
      this.#pump();
    });
  }

  /** The process has answered. */
  delivered(id: number, told: ToldOutcome): void {
    const sent = this.#underWay.get(id);
    if (sent === undefined) {
      return;
    }
    sent.timer.clear();
    const outcome = this.#inOurWords(told);
    this.#underWay.delete(id);
    this.#underWayBytes -= sent.entry.bytes;
    if (sent.entry.patient && outcome.tag === 'err' && outcome.error === 'mailbox-full') {
      this.#full.push(sent.entry);
    } else {
      sent.entry.done(outcome);
    }
    this.#pump();
  }

  /** A message was taken out of the mailbox over there. */
  room(): void {
    this.#queue = [...this.#full.splice(0), ...this.#queue];
    this.#pump();
  }

  /** Whether the agent may receive has changed. */
  changed(): void {
    this.#tellSignals();
    while (this.#open && this.#options.mayReceive()) {
      const delivery = this.#kept.take({ tag: 'any' }) as Mail | null;
      if (delivery === null) {
        break;
      }
      // Its sender was told long ago that it has arrived.
      this.#enter(delivery, true, true, () => {});
    }
    this.#pump();
  }

  /** Tells it what always finds room: what can cause it is bounded where it is asked for. */
  signal(signal: Signal): void {
    const isOneTooMany =
      signal.tag === 'warning' &&
      this.#signals.filter(({ tag }) => tag === 'warning').length >= WARNINGS_UNREAD_MAX;
    if (!this.#owner.ended && !isOneTooMany) {
      this.#signals.push(signal);
      this.#tellSignals();
    }
  }

  #tellSignals(): void {
    if (this.#open && this.#options.mayReceive()) {
      for (const signal of this.#signals.splice(0)) {
        this.#options.send({ kind: 'signal', pid: this.#options.pid, signal });
      }
    }
  }

  /** Whoever has taken the process over can say what it likes: to a sender, too, and to the operator. */
  #inOurWords(told: ToldOutcome): Outcome {
    const { pid } = this.#options;
    if (told.tag === 'ok') {
      return this.#taken();
    }
    switch (told.error) {
      case 'mailbox-full':
        return mailboxFull(pid);
      case 'limit-exceeded':
        return tooLarge(pid);
      case 'not-found':
        return unexpectedReply(pid);
      case 'closed':
        return closedOutcome(pid);
    }
  }

  #taken(): Outcome {
    return { tag: 'ok', val: this.#options.pid };
  }

  /** The agent has ended. Answers what has arrived for its senders, and not in its mailbox. */
  close(): Mail[] {
    this.#owner.ended = true;
    const entries = [...this.#queue, ...this.#full];
    for (const { entry, timer } of this.#underWay.values()) {
      timer.clear();
      entries.push(entry);
    }
    this.#queue = [];
    this.#full = [];
    this.#underWay.clear();
    for (const entry of entries) {
      entry.done(closedOutcome(this.#options.pid));
    }
    const promised = entries.filter((entry) => entry.promised).map(({ delivery }) => delivery);
    return [...promised, ...this.#kept.close()];
  }

  async #keep(delivery: Mail, waitMs: number | null, signal?: AbortSignal): Promise<Outcome> {
    const kept = this.#kept;
    const operation = deliver(
      { owner: this.#owner, mailbox: kept, post: (mail) => kept.post(mail) },
      delivery,
      waitMs,
    );
    if (operation.outcome === null) {
      await new Promise<void>((resolve) => {
        operation.onSettled(resolve);
        signal?.addEventListener('abort', () => {
          operation.abandon();
          resolve();
        });
      });
    }
    return operation.outcome ?? { tag: 'err', error: 'cancelled', message: 'the sender has ended' };
  }

  #enter(
    delivery: Mail,
    patient: boolean,
    promised: boolean,
    done: (outcome: Outcome) => void,
  ): Entry {
    const id = this.#nextId;
    this.#nextId += 1;
    const entry = { id, delivery, bytes: heldBytes(delivery.payload), patient, promised, done };
    this.#queue.push(entry);
    return entry;
  }

  #pump(): void {
    while (this.#open) {
      if (!this.#options.mayReceive()) {
        this.#keepQueue();
        return;
      }
      const [entry] = this.#queue;
      const fits =
        entry !== undefined &&
        (this.#underWay.size === 0 || this.#underWayBytes + entry.bytes <= UNDER_WAY_BYTES_MAX);
      if (!fits) {
        return;
      }
      this.#queue.shift();
      this.#underWayBytes += entry.bytes;
      const timer = answerTimer(ANSWER_MS_MAX, () => this.#options.silent());
      this.#underWay.set(entry.id, { entry, timer });
      const { id, delivery } = entry;
      this.#options.send({ kind: 'deliver', id, to: this.#options.pid, delivery, waitMs: null });
    }
  }

  /** The agent may no longer receive: what was not sent over stays here, as if it came now. */
  #keepQueue(): void {
    for (const entry of this.#queue.splice(0)) {
      const kept = this.#kept.post(entry.delivery) === 'delivered';
      entry.done(kept ? this.#taken() : mailboxFull(this.#options.pid));
    }
  }

  /** Its time is over: where it is on its way, the answer decides. */
  #lose(entry: Entry): void {
    entry.patient = false;
    if (this.#remove(entry)) {
      entry.done(mailboxFull(this.#options.pid));
    }
  }

  #remove(entry: Entry): boolean {
    const before = this.#queue.length + this.#full.length;
    this.#queue = this.#queue.filter((other) => other !== entry);
    this.#full = this.#full.filter((other) => other !== entry);
    return this.#queue.length + this.#full.length < before;
  }
}
