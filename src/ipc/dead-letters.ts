/**
 * Mail that reached nobody, kept for the program: bounded in number and bytes. Where there is no room, the
 * oldest goes of the owner who has the most: one who leaves much of it takes nobody else's.
 */

import { DeadLetterShare, type HeldLetter } from './dead-letter-share.ts';
import { heldBytes, type Mail, type Payload } from './message.ts';

/** Letters that are kept (the reference's number). */
const DEAD_LETTERS_MAX = 10_000;
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

/** What dead letters need to know. */
export interface DeadLettersOptions {
  /** In milliseconds since 1970. */
  now(): number;
  /** Whose share a sender's letters take. */
  ownerOf(sender: number): string;
  /** A letter of this sender has come. Must not throw. */
  came?(sender: number, reason: DeadLetterReason): void;
  /** So many messages are gone of which only the number is known. Must not throw. */
  lost?(messages: number): void;
}

/** The dead letters of a kernel. */
export class DeadLetters {
  readonly #options: DeadLettersOptions;
  readonly #bounds: DeadLetterBounds;
  /** By their ids, the oldest first. */
  readonly #letters = new Map<number, HeldLetter<DeadLetter>>();
  /** By owner; who has none is not in it. */
  readonly #shares = new Map<string, DeadLetterShare<DeadLetter>>();
  #lastId = 0;
  #bytes = 0;
  #evicted = 0;
  #lost = 0;
  readonly #came = { not_found: 0, exited: 0, mailbox_full: 0, timeout: 0 };

  constructor(
    options: DeadLettersOptions,
    bounds: DeadLetterBounds = { letters: DEAD_LETTERS_MAX, bytes: DEAD_LETTER_BYTES_MAX },
  ) {
    this.#options = options;
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#letters.size;
  }

  /** Bytes that are held for them. */
  get bytes(): number {
    return this.#bytes;
  }

  get counts(): DeadLetterCounts {
    return { came: { ...this.#came }, evicted: this.#evicted, lost: this.#lost };
  }

  /** Keeps a message; where there is no room, the oldest go of whoever has the most. */
  add(to: number | null, mail: Mail, reason: DeadLetterReason, attempts = 1): void {
    const bytes = heldBytes(mail.payload);
    this.#came[reason] += 1;
    this.#options.came?.(mail.sender, reason);
    while (this.#letters.size >= this.#bounds.letters) {
      this.#evictOneOf('letters');
    }
    while (this.#letters.size > 0 && this.#bytes + bytes > this.#bounds.bytes) {
      this.#evictOneOf('bytes');
    }
    this.#lastId += 1;
    const letter: DeadLetter = {
      id: this.#lastId,
      atMs: this.#options.now(),
      reason,
      to,
      from: mail.sender,
      kind: mail.tag,
      topic: mail.tag === 'topic' ? mail.topic : null,
      payload: mail.payload,
      attempts,
    };
    const owner = this.#options.ownerOf(mail.sender);
    const share = this.#shares.get(owner) ?? new DeadLetterShare<DeadLetter>(owner);
    this.#shares.set(owner, share);
    this.#letters.set(letter.id, share.add(letter, bytes));
    this.#bytes += bytes;
  }

  /** Messages are gone of which only the number is known. */
  lose(messages: number): void {
    this.#lost += messages;
    this.#options.lost?.(messages);
  }

  /** Those that a filter lets through, the oldest first. */
  list(filter: DeadLetterFilter = {}): DeadLetter[] {
    return Array.from(this.#letters.values(), ({ letter }) => letter).filter((letter) =>
      fits(letter, filter),
    );
  }

  /** Takes a letter out; undefined: it was, or it had to go. */
  take(id: number): DeadLetter | undefined {
    const held = this.#letters.get(id);
    if (held !== undefined) {
      this.#remove(held);
    }
    return held?.letter;
  }

  /** Owners that have letters are few: a guest can't make itself another's. */
  #evictOneOf(what: 'letters' | 'bytes'): void {
    let largest: DeadLetterShare<DeadLetter> | null = null;
    for (const share of this.#shares.values()) {
      largest = largest === null || share[what] > largest[what] ? share : largest;
    }
    if (largest?.oldest != null) {
      this.#remove(largest.oldest);
      this.#evicted += 1;
    }
  }

  #remove(held: HeldLetter<DeadLetter>): void {
    const { letter, bytes, share } = held;
    share.remove(held);
    if (share.letters === 0) {
      this.#shares.delete(share.owner);
    }
    this.#letters.delete(letter.id);
    this.#bytes -= bytes;
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
