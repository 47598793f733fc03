/** The mailbox of one agent: a bounded queue from which messages are taken in order, or by a filter. */

import {
  type Delivery,
  heldBytes,
  MAILBOX_MESSAGES_MAX,
  type MessageFilter,
  matches,
} from './message.ts';

/** Where the mailbox's owner accounts for what the host holds for it. */
export interface HeldBytes {
  hold(bytes: number): boolean;
  /** Whether so much could be held if nothing else were. */
  couldHold(bytes: number): boolean;
  release(bytes: number): void;
}

/** What became of a message that was posted. */
export type PostOutcome = 'delivered' | 'full' | 'too-large';

/** The messages of one agent, in order and bounded. */
export class Mailbox {
  readonly #queue: Delivery[] = [];
  readonly #held: HeldBytes;
  /** Null until somebody waits. */
  #mail: Waiting = null;
  #room: Waiting = null;

  constructor(held: HeldBytes) {
    this.#held = held;
  }

  get size(): number {
    return this.#queue.length;
  }

  /**
   * Puts a message at the end, or answers that there is no room, of messages or of bytes; `too-large`:
   * there never will be.
   */
  post(delivery: Delivery): PostOutcome {
    const bytes = heldBytes(delivery.payload);
    if (!this.#held.couldHold(bytes)) {
      return 'too-large';
    }
    if (this.#queue.length >= MAILBOX_MESSAGES_MAX || !this.#held.hold(bytes)) {
      return 'full';
    }
    this.#queue.push(delivery);
    notify(this.#mail);
    return 'delivered';
  }

  /** Takes the first message that fits; the others keep their order. */
  take(filter: MessageFilter): Delivery | null {
    const index = this.#queue.findIndex((delivery) => matches(filter, delivery));
    const delivery = index < 0 ? undefined : this.#queue.splice(index, 1)[0];
    if (delivery === undefined) {
      return null;
    }
    this.#held.release(heldBytes(delivery.payload));
    notify(this.#room);
    return delivery;
  }

  /** Calls `wake` at the next message. */
  readonly onMail = (wake: () => void): (() => void) => {
    this.#mail ??= new Set();
    return subscribe(this.#mail, wake);
  };

  /** Calls `wake` when a message was taken out. */
  readonly onRoom = (wake: () => void): (() => void) => {
    this.#room ??= new Set();
    return subscribe(this.#room, wake);
  };

  /** Empties it at its owner's end; whoever waits for room is woken. Answers what was undelivered. */
  close(): number {
    const undelivered = this.#queue.length;
    for (const delivery of this.#queue) {
      this.#held.release(heldBytes(delivery.payload));
    }
    this.#queue.length = 0;
    notify(this.#room);
    this.#mail?.clear();
    return undelivered;
  }
}

type Waiting = Set<() => void> | null;

function subscribe(set: Set<() => void>, wake: () => void): () => void {
  set.add(wake);
  return () => set.delete(wake);
}

function notify(set: Waiting): void {
  if (set === null || set.size === 0) {
    return;
  }
  for (const wake of [...set]) {
    set.delete(wake);
    wake();
  }
}
