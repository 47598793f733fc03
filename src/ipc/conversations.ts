/**
 * The requests of one agent: those that it has asked and waits for, and those that it was asked and has
 * not answered. A reply is taken only from who was asked, and only once.
 *
 * Each side numbers by itself: whoever asks names the request by its own count, and whoever is asked by
 * its own, so that no id says anything of other agents, and runs can be repeated.
 */

import { dropOldest } from './drop-oldest.ts';

/** Requests that an agent waits for at a time; the oldest is given up for one more. */
export const ASKED_MAX = 1_024;

/**
 * Requests that an agent has taken and not answered. For one more the oldest of whoever has the most is
 * forgotten: who floods it with requests takes nobody else's answer.
 */
export const UNANSWERED_MAX = 4_096;

/** Whom to answer, and under which of its ids. */
export interface Asker {
  readonly pid: number;
  readonly correlation: number;
  /** The kernel has sent the request on, and knows of it until it has seen the reply. */
  readonly routed?: boolean | undefined;
}

interface Asked {
  /** Who was asked; null: the kernel has sent it on, and sees to who answers. */
  readonly to: number | null;
  closed: boolean;
}

/** Where a request stands for who asked. */
export type Standing = 'unknown' | 'waiting' | 'closed';

/** What one agent has asked and was asked. */
export class Conversations {
  readonly #asked = new Map<number, Asked>();
  readonly #unanswered = new Map<number, Asker>();
  /** Their ids by who has asked, in order. */
  readonly #unansweredOf = new Map<number, Set<number>>();
  #nextAsked = 1;
  #nextUnanswered = 1;

  /** A request goes out; answers its correlation id. */
  ask(to: number | null): number {
    const correlation = this.#nextAsked;
    this.#nextAsked += 1;
    this.#asked.set(correlation, { to, closed: false });
    dropOldest(this.#asked, ASKED_MAX);
    return correlation;
  }

  /** It was not sent, or its reply has come, or nobody waits for that any more. */
  forget(correlation: number): void {
    this.#asked.delete(correlation);
  }

  /** Whether a reply of this sender's is waited for. */
  expects(correlation: number, sender: number): boolean {
    const asked = this.#asked.get(correlation);
    return asked !== undefined && (asked.to === null || asked.to === sender);
  }

  /** There will be no reply. */
  close(correlation: number): void {
    const asked = this.#asked.get(correlation);
    if (asked !== undefined) {
      asked.closed = true;
    }
  }

  /** Those who were asked among these have ended. Whether anybody was. */
  closeThoseTo(isAmong: (pid: number) => boolean): boolean {
    let any = false;
    for (const asked of this.#asked.values()) {
      if (asked.to !== null && isAmong(asked.to)) {
        asked.closed = true;
        any = true;
      }
    }
    return any;
  }

  standing(correlation: number): Standing {
    const asked = this.#asked.get(correlation);
    return asked === undefined ? 'unknown' : asked.closed ? 'closed' : 'waiting';
  }

  /** It was asked; answers the id by which it can reply, and who will have none for it. */
  asked(by: Asker): { readonly id: number; readonly forgotten: Asker | null } {
    const id = this.#nextUnanswered;
    this.#nextUnanswered += 1;
    this.#unanswered.set(id, by);
    this.#unansweredOf.set(by.pid, (this.#unansweredOf.get(by.pid) ?? new Set()).add(id));
    return { id, forgotten: this.#unanswered.size > UNANSWERED_MAX ? this.#forgetOne() : null };
  }

  /** The oldest of who has the most, of several the one who has asked first. */
  #forgetOne(): Asker | null {
    let most: ReadonlySet<number> = new Set();
    for (const ids of this.#unansweredOf.values()) {
      most = ids.size > most.size ? ids : most;
    }
    for (const oldest of most) {
      const forgotten = this.#unanswered.get(oldest) ?? null;
      this.answered(oldest);
      return forgotten;
    }
    return null;
  }

  /** Whom a reply under this id goes to; undefined: to nobody. */
  asker(id: number): Asker | undefined {
    return this.#unanswered.get(id);
  }

  /** It has replied. */
  answered(id: number): void {
    const asker = this.#unanswered.get(id);
    if (asker === undefined) {
      return;
    }
    this.#unanswered.delete(id);
    const ids = this.#unansweredOf.get(asker.pid);
    ids?.delete(id);
    if (ids?.size === 0) {
      this.#unansweredOf.delete(asker.pid);
    }
  }

  /** Who waits for a reply. */
  unanswered(): Asker[] {
    return [...this.#unanswered.values()];
  }
}
