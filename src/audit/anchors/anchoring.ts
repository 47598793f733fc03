/** Hands a chain's last checkpoint to its anchors from time to time, and says what came of it. */

import type { Anchor } from './anchor.ts';

/** What anchors are handed, and who hears of it. */
export interface AnchoringOptions {
  readonly anchors: readonly Anchor[];
  readonly intervalMs: number;
  /** The last checkpoint; null: there is none yet. */
  readonly note: () => string | null;
  /** An anchor has taken a checkpoint over so many events; `problem`: why it has not. */
  readonly anchored: (anchor: string, size: number, problem: string | null) => void;
}

/** The anchors of a log. */
export class Anchoring {
  readonly #options: AnchoringOptions;
  readonly #timer: NodeJS.Timeout | null;
  #running: Promise<void> = Promise.resolve();
  /** The last checkpoint that all have taken. */
  #kept: string | null = null;

  constructor(options: AnchoringOptions) {
    this.#options = options;
    this.#timer =
      options.anchors.length > 0
        ? setInterval(() => void this.now(), options.intervalMs).unref()
        : null;
  }

  /** Hands over what is new. Never rejects. */
  now(): Promise<void> {
    this.#running = this.#running.then(() => this.#hand());
    return this.#running;
  }

  /** Hands over what is new for the last time. */
  async end(): Promise<void> {
    if (this.#timer !== null) {
      clearInterval(this.#timer);
    }
    await this.now();
  }

  async #hand(): Promise<void> {
    const { anchors, note: lastNote, anchored } = this.#options;
    const note = lastNote();
    if (note === null || note === this.#kept) {
      return;
    }
    this.#kept = note;
    const size = Number(note.split('\n')[1]);
    for (const anchor of anchors) {
      let problem: string | null = null;
      try {
        await anchor.put(note);
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
        // It is handed the same one again.
        this.#kept = null;
      }
      anchored(anchor.name, size, problem);
    }
  }
}
