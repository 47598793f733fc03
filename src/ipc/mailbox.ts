/** The mailbox of one agent: a bounded queue from which messages are taken in order, or by a filter. */

import {
  type Delivery,
  heldBytes,
  isMail,
  MAILBOX_MESSAGES_MAX,
  type Mail,
  type MessageFilter,
  matches,
  type Signal,
  WARNINGS_UNREAD_MAX,
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
  /** What was taken stands before `#head` as undefined: taking the first of many moves nothing. */
  #queue: (Delivery | undefined)[] = [];
  #head = 0;
  #signals = 0;
  #cancelled = false;
  #warnings = 0;
  readonly #held: HeldBytes;
  /** Null until somebody waits. */
  #mail: Waiting = null;
  #room: Waiting = null;

  constructor(held: HeldBytes) {
    this.#held = held;
  }

  get size(): number {
    return this.#queue.length - this.#head;
  }

  get #isFull(): boolean {
    return this.size - this.#signals >= MAILBOX_MESSAGES_MAX;
  }

  /** Signals that were not taken out. */
  get signals(): number {
    return this.#signals;
  }

  /** Whether it holds a request to end. */
  get cancelled(): boolean {
    return this.#cancelled;
  }

  /**
   * Puts a message at the end, or answers that there is no room, of messages or of bytes; `too-large`:
   * there never will be.
   */
  post(mail: Mail): PostOutcome {
    const bytes = heldBytes(mail.payload);
    if (!this.#held.couldHold(bytes)) {
      return 'too-large';
    }
    if (this.#isFull || !this.#held.hold(bytes)) {
      return 'full';
    }
    this.#queue.push(mail);
    notify(this.#mail);
    return 'delivered';
  }

  /** Puts a signal at the end: there is always room, but for warnings beyond so many that nobody has read. */
  signal(signal: Signal): void {
    if (signal.tag === 'warning') {
      if (this.#warnings >= WARNINGS_UNREAD_MAX) {
        return;
      }
      this.#warnings += 1;
    }
    this.#signals += 1;
    this.#cancelled ||= signal.tag === 'cancelled';
    this.#queue.push(signal);
    notify(this.#mail);
  }

  /** Whoever waits for mail looks again. */
  wake(): void {
    notify(this.#mail);
  }

  /** Takes the first message that fits and is none of a kind; the others keep their order. */
  take(filter: MessageFilter, except: Delivery['tag'] | null = null): Delivery | null {
    for (let index = this.#head; index < this.#queue.length; index += 1) {
      const delivery = this.#queue[index];
      if (delivery !== undefined && delivery.tag !== except && matches(filter, delivery)) {
        this.#remove(index);
        this.#give(delivery);
        return delivery;
      }
    }
    return null;
  }

  #remove(index: number): void {
    if (index !== this.#head) {
      this.#queue.splice(index, 1);
      return;
    }
    this.#queue[index] = undefined;
    this.#head += 1;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head >= MAILBOX_MESSAGES_MAX) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  #give(delivery: Delivery): void {
    if (isMail(delivery)) {
      this.#held.release(heldBytes(delivery.payload));
      notify(this.#room, () => !this.#isFull);
    } else {
      this.#signals -= 1;
      this.#cancelled &&= delivery.tag !== 'cancelled';
      this.#warnings -= delivery.tag === 'warning' ? 1 : 0;
    }
  }

  /** Calls `wake` at the next message. */
  readonly onMail = (wake: () => void): (() => void) => {
    this.#mail ??= new Set();
    return subscribe(this.#mail, wake);
  };

  /** Calls `wake` when a message was taken out, where those that waited longer have left room for another. */
  readonly onRoom = (wake: () => void): (() => void) => {
    this.#room ??= new Set();
    return subscribe(this.#room, wake);
  };

  /** Empties it at its owner's end; whoever waits for room is woken. Answers the mail that is left. */
  close(): Mail[] {
    const undelivered = this.#queue.slice(this.#head).filter((each) => each !== undefined);
    const mail = undelivered.filter(isMail);
    for (const { payload } of mail) {
      this.#held.release(heldBytes(payload));
    }
    this.#queue = [];
    this.#head = 0;
    this.#signals = 0;
    this.#warnings = 0;
    notify(this.#room);
    this.#mail?.clear();
    return mail;
  }
}

type Waiting = Set<() => void> | null;

function subscribe(set: Set<() => void>, wake: () => void): () => void {
  set.add(wake);
  return () => set.delete(wake);
}

/** Who waits again meanwhile waits for the next time. `goesOn`: whether the others are woken, too. */
function notify(set: Waiting, goesOn = (): boolean => true): void {
  if (set === null) {
    return;
  }
  let left = set.size;
  for (const wake of set) {
    if (left === 0 || !goesOn()) {
      return;
    }
    left -= 1;
    set.delete(wake);
    wake();
  }
}
