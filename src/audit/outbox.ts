/** Events that wait to be handed to the thread that writes: within a time, in one piece, and within a bound. */

import { type Draft, draft } from './event.ts';
import { textOfDraft } from './store/protocol.ts';

/** Characters that wait to be written; what comes on top is not kept, and the chain says how many. */
export const PENDING_CHARACTERS_MAX = 64 * 1024 * 1024;

/** Characters that are handed on at once: no text gets too long, and the thread has something to do. */
const BATCH_CHARACTERS_MAX = 1024 * 1024;

/** Who takes what waits. */
export interface OutboxThread {
  /** Characters that it was given and has not written. */
  pending(): number;
  /** Takes drafts as one text. */
  take(drafts: string): void;
}

/** Events on their way. */
export class Outbox {
  readonly #thread: OutboxThread;
  readonly #waitMs: number;
  #drafts = '';
  #lost = 0;
  #timer: NodeJS.Timeout | null = null;

  /** `waitMs`: how long an event waits to be handed on. */
  constructor(thread: OutboxThread, waitMs: number) {
    this.#thread = thread;
    this.#waitMs = waitMs;
  }

  /** Characters that wait to be written. */
  get pending(): number {
    return this.#thread.pending() + this.#drafts.length;
  }

  /** Takes an event; `isDue`: it does not wait. */
  add(written: Draft, isDue: boolean): void {
    const text = textOfDraft(written);
    if (this.pending + text.length > PENDING_CHARACTERS_MAX) {
      this.#lost += 1;
      return;
    }
    this.#drafts += text;
    if (isDue || this.#drafts.length > BATCH_CHARACTERS_MAX) {
      this.send();
    } else {
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.send();
      }, this.#waitMs);
    }
  }

  /** Hands on what there is. */
  send(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
    if (this.#lost > 0 && this.#thread.pending() < PENDING_CHARACTERS_MAX / 2) {
      const payload = { events: this.#lost, reason: 'the disk did not take them in time' };
      this.#drafts += textOfDraft(draft({ kind: 'chain.lost', payload }, Date.now()));
      this.#lost = 0;
    }
    if (this.#drafts !== '') {
      const drafts = this.#drafts;
      this.#drafts = '';
      this.#thread.take(drafts);
    }
  }
}
