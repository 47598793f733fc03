/** Mail that reached nobody, kept for the program: bounded in number and bytes, the oldest goes first. */

import { heldBytes, type Mail, type Payload } from './message.ts';

/** Letters that are kept (the reference's number). */
export const DEAD_LETTERS_MAX = 10_000;
/** Bytes that the host holds for them. */
export const DEAD_LETTER_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Why it reached nobody: `not_found`: nobody ever had this pid; `exited`: the receiver has exited, or did
 * before it took it; `mailbox_full`: there was no room; `timeout`: it was not acknowledged in time.
 */
export type DeadLetterReason = 'not_found' | 'exited' | 'mailbox_full' | 'timeout';

/** All reasons. */
export const DEAD_LETTER_REASONS: readonly DeadLetterReason[] = [
  'not_found',
  'exited',
  'mailbox_full',
  'timeout',
];

/** A message that reached nobody. */
export interface DeadLetter {
  /** From 1, in the order in which they came. */
  readonly id: number;
  /** In milliseconds since 1970. */
  readonly atMs: number;
  readonly reason: DeadLetterReason;
  /** Who should have received it; null: whoever provides a service, and nobody did. */
  readonly to: number | null;
  /** Who has sent it; 0: the program. */
  readonly from: number;
  readonly kind: Mail['tag'];
  /** Of a message for a topic. */
  readonly topic: string | null;
  readonly payload: Payload;
  /** How often it was tried. */
  readonly attempts: number;
}

/** What is asked for; all of what is given has to be so. */
export interface DeadLetterFilter {
  readonly to?: number | undefined;
  readonly from?: number | undefined;
  readonly reason?: DeadLetterReason | undefined;
  /** Both inclusive, in milliseconds since 1970. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

/** What was counted. */
export interface DeadLetterCounts {
  /** Letters that came, by reason. */
  readonly came: Readonly<Record<DeadLetterReason, number>>;
  /** Letters that had to go for newer ones. */
  readonly evicted: number;
  /** Messages that died with what kept them: only their number is known. */
  readonly lost: number;
}

/** The bounds; only tests have others. */
export interface DeadLetterBounds {
  readonly letters: number;
  readonly bytes: number;
}

/** The dead letters of a kernel. */
export class DeadLetters {
  readonly #now: () => number;
  readonly #bounds: DeadLetterBounds;
  /** By their ids, which follow each other: the first stands at `#head` and has the id `#firstId`. */
  #letters: (DeadLetter | undefined)[] = [];
  #head = 0;
  #firstId = 1;
  #size = 0;
  #bytes = 0;
  #evicted = 0;
  #lost = 0;
  readonly #came = { not_found: 0, exited: 0, mailbox_full: 0, timeout: 0 };

  constructor(
    now: () => number,
    bounds: DeadLetterBounds = { letters: DEAD_LETTERS_MAX, bytes: DEAD_LETTER_BYTES_MAX },
  ) {
    this.#now = now;
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes that are held for them. */
  get bytes(): number {
    return this.#bytes;
  }

  get counts(): DeadLetterCounts {
    return { came: { ...this.#came }, evicted: this.#evicted, lost: this.#lost };
  }

  /** Keeps a message; the oldest go where there is no room. */
  add(to: number | null, mail: Mail, reason: DeadLetterReason, attempts = 1): void {
    const bytes = heldBytes(mail.payload);
    this.#came[reason] += 1;
    while (this.#isFull(bytes)) {
      this.#dropFirst();
    }
    const id = this.#firstId + this.#span;
    this.#letters.push({
      id,
      atMs: this.#now(),
      reason,
      to,
      from: mail.sender,
      kind: mail.tag,
      topic: mail.tag === 'topic' ? mail.topic : null,
      payload: mail.payload,
      attempts,
    });
    this.#size += 1;
    this.#bytes += bytes;
  }

  /** From the oldest to the newest: those that were taken out of the middle have their places. */
  get #span(): number {
    return this.#letters.length - this.#head;
  }

  #isFull(bytes: number): boolean {
    return (
      this.#span >= this.#bounds.letters ||
      (this.#span > 0 && this.#bytes + bytes > this.#bounds.bytes)
    );
  }

  /** Messages are gone of which only the number is known. */
  lose(messages: number): void {
    this.#lost += messages;
  }

  /** Those that a filter lets through, the oldest first. */
  list(filter: DeadLetterFilter = {}): DeadLetter[] {
    return this.#letters.filter(
      (letter) => letter !== undefined && fits(letter, filter),
    ) as DeadLetter[];
  }

  /** Takes a letter out; undefined: it was, or it had to go. */
  take(id: number): DeadLetter | undefined {
    const index = this.#head + (id - this.#firstId);
    const letter = id < this.#firstId ? undefined : this.#letters[index];
    if (letter !== undefined) {
      this.#letters[index] = undefined;
      this.#size -= 1;
      this.#bytes -= heldBytes(letter.payload);
    }
    return letter;
  }

  #dropFirst(): void {
    const oldest = this.#letters[this.#head];
    this.#letters[this.#head] = undefined;
    this.#head += 1;
    this.#firstId += 1;
    if (oldest !== undefined) {
      this.#size -= 1;
      this.#bytes -= heldBytes(oldest.payload);
      this.#evicted += 1;
    }
    // What went stands before the first: moved away once for as many as there may be.
    if (this.#head >= this.#bounds.letters) {
      this.#letters = this.#letters.slice(this.#head);
      this.#head = 0;
    }
  }
}

function fits(letter: DeadLetter, filter: DeadLetterFilter): boolean {
  const { to, from, reason, sinceMs, untilMs } = filter;
  return (
    (to === undefined || letter.to === to) &&
    (from === undefined || letter.from === from) &&
    (reason === undefined || letter.reason === reason) &&
    (sinceMs === undefined || letter.atMs >= sinceMs) &&
    (untilMs === undefined || letter.atMs <= untilMs)
  );
}
