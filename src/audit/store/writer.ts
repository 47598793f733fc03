/**
 * The one who writes a chain: takes what was asked for in order, commits it together, and goes on when the disk
 * does.
 *
 * When a commit fails, what has happened already is kept and tried again; what was to happen only with its record
 * is refused, and must not.
 */

import { draft } from '../event.ts';
import { Committer } from './committer.ts';
import { ChainDatabase } from './database.ts';
import { storeError } from './error.ts';
import {
  draftsOfText,
  type PlainError,
  type ThreadSettings,
  type ToThread,
  type Written,
} from './protocol.ts';
import type { Retention } from './retention.ts';

/** How long it waits before it tries a disk again that did not take what it wrote. */
const RETRY_MS = 200;

/** What the writer tells. */
export interface WriterEvents {
  done(id: number, written: Written): void;
  refused(id: number, error: PlainError): void;
  failing(error: PlainError | null): void;
}

export function plainError(error: unknown): PlainError {
  const { code, message } = storeError(error);
  return { code, message };
}

/** Writes a chain. */
export class ChainWriter {
  readonly #database: ChainDatabase;
  readonly #committer: Committer;
  readonly #settings: ThreadSettings;
  readonly #events: WriterEvents;
  readonly #now: () => number;
  #waiting: ToThread[] = [];
  #isFailing = false;
  #retry: NodeJS.Timeout | null = null;
  #retaining: NodeJS.Timeout | null = null;

  /** @throws {RingfenceError} `RF_AUDIT`, `RF_AUDIT_INVALID`, `RF_AUDIT_KEY` */
  constructor(settings: ThreadSettings, events: WriterEvents, now: () => number) {
    this.#settings = settings;
    this.#events = events;
    this.#now = now;
    const { directory, chain, maxBytes } = settings;
    this.#database = ChainDatabase.openToWrite(directory, chain, maxBytes);
    try {
      this.#committer = new Committer(this.#database, settings, now);
      this.#retainLater(0);
    } catch (error) {
      this.#database.close();
      throw storeError(error);
    }
  }

  get chain(): string {
    return this.#database.chain;
  }

  get size(): number {
    return this.#committer.size;
  }

  get key(): string | null {
    return this.#committer.key;
  }

  /** Takes what was asked for, in order; all of it becomes one commit where that can be. */
  take(asked: readonly ToThread[]): void {
    this.#waiting.push(...asked);
    if (this.#isFailing && this.#retry !== null) {
      // The disk has just refused: what must not happen without its record is told so at once.
      this.#refuseAhead();
      return;
    }
    this.#work();
  }

  #work(): void {
    while (this.#waiting.length > 0) {
      const writes = this.#waiting.findIndex(({ tag }) => tag !== 'write');
      const batch = this.#waiting.slice(0, writes < 0 ? this.#waiting.length : Math.max(1, writes));
      try {
        this.#do(batch);
      } catch (error) {
        this.#failed(plainError(error));
        return;
      }
      this.#waiting.splice(0, batch.length);
      if (this.#isFailing) {
        this.#isFailing = false;
        this.#events.failing(null);
      }
    }
  }

  /** Several writes, or one of anything else. */
  #do(batch: readonly ToThread[]): void {
    const [first] = batch;
    switch (first?.tag) {
      case 'write': {
        const writes = batch as readonly Extract<ToThread, { tag: 'write' }>[];
        const drafts = writes.map((write) => draftsOfText(write.drafts));
        const ends = this.#committer.commit(
          drafts.flat(),
          {},
          drafts.map(({ length }) => length),
        );
        writes.forEach(({ id }, index) => {
          this.#events.done(id, ends[index] as Written);
        });
        return;
      }
      case 'checkpoint':
        this.#events.done(first.id, this.#committer.commit([], { sign: true })[0] as Written);
        return;
      case 'rotate':
        this.#events.done(first.id, this.#committer.rotate(first.key));
        return;
      case 'prune':
        this.#events.done(first.id, this.#committer.prune(first.before));
        return;
      case 'receipt': {
        const { id, digest, last, envelope } = first;
        const work = (): void => this.#database.addReceipt(digest, last, envelope);
        const [written] = this.#committer.commit(draftsOfText(first.drafts), { work });
        this.#events.done(id, written as Written);
        return;
      }
      case 'close': {
        const [written] = this.#committer.commit(
          [draft({ kind: 'chain.close', payload: {} }, this.#now())],
          {
            sign: true,
          },
        );
        this.#events.done(first.id, written as Written);
        return;
      }
      case undefined:
    }
  }

  #retainLater(afterMs: number): void {
    const { retention } = this.#settings;
    if (retention !== null) {
      this.#retaining = setTimeout(() => this.#retain(retention), afterMs).unref();
    }
  }

  /** Removes what is to go by the rule, a part at a time: events that come meanwhile do not wait long. */
  #retain(retention: Retention): void {
    let before: number | null = null;
    try {
      before = this.#isFailing
        ? null
        : this.#database.removableBefore(retention, this.#committer.signed, this.#now());
      if (before !== null) {
        this.#committer.prune(before);
      }
    } catch {
      // The next event meets the same disk, and says so; what is to go is tried again.
      before = null;
    }
    this.#retainLater(before === null ? retention.everyMs : 0);
  }

  #failed(error: PlainError): void {
    const [first] = this.#waiting;
    if (error.code !== 'RF_AUDIT' && first !== undefined) {
      // Not the disk's fault: only what was asked for can't be done.
      this.#waiting.shift();
      this.#events.refused(first.id, error);
      this.#work();
      return;
    }
    if (!this.#isFailing) {
      this.#isFailing = true;
      this.#events.failing(error);
    }
    this.#refuseAhead(error);
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      this.#tryAgain();
    }, RETRY_MS);
  }

  /** Nobody asks while it fails, where all that would be asked must be recorded: so it finds out itself. */
  #tryAgain(): void {
    if (this.#waiting.length > 0) {
      this.#work();
      return;
    }
    try {
      this.#database.probe();
    } catch (error) {
      this.#failed(plainError(error));
      return;
    }
    this.#isFailing = false;
    this.#events.failing(null);
  }

  #refuseAhead(error: PlainError | null = null): void {
    const kept: ToThread[] = [];
    for (const asked of this.#waiting) {
      if (asked.tag === 'write' && !asked.isAhead) {
        kept.push(asked);
      } else {
        this.#events.refused(
          asked.id,
          error ?? {
            code: 'RF_AUDIT',
            message:
              'Cannot write the audit chain as its disk has just refused: make room, then try again.',
          },
        );
      }
    }
    this.#waiting = kept;
  }

  close(): void {
    if (this.#retry !== null) {
      clearTimeout(this.#retry);
    }
    this.#committer.close();
    if (this.#retaining !== null) {
      clearTimeout(this.#retaining);
    }
    this.#database.close();
  }
}
