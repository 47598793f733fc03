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

/** An anchor has so long to take a checkpoint; the log does not wait for it any longer. */
export const PUT_MS_MAX = 60_000;

/** An anchor, and what it has of the chain. */
interface Kept {
  readonly anchor: Anchor;
  /** The last checkpoint that it has taken. */
  note: string | null;
  /** It has not yet answered to one that it was given up for. */
  isLate: boolean;
}

/** The anchors of a log. */
export class Anchoring {
  readonly #options: AnchoringOptions;
  readonly #timer: NodeJS.Timeout | null;
  #running: Promise<void> = Promise.resolve();
  readonly #kept: readonly Kept[];

  constructor(options: AnchoringOptions) {
    this.#options = options;
    this.#kept = options.anchors.map((anchor) => ({ anchor, note: null, isLate: false }));
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
    const note = this.#options.note();
    if (note === null) {
      return;
    }
    const size = Number(note.split('\n')[1]);
    for (const kept of this.#kept) {
      if (kept.note === note || kept.isLate) {
        continue;
      }
      const problem = await put(kept, note);
      // It is handed the same one again where it has not taken it.
      if (problem === null) {
        kept.note = note;
      }
      this.#options.anchored(kept.anchor.name, size, problem);
    }
  }
}

/** Hands an anchor a checkpoint; answers why it has not taken it. */
async function put(kept: Kept, note: string): Promise<string | null> {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => {
    kept.isLate = true;
    late.resolve(`it has not answered in ${PUT_MS_MAX / 1000} s`);
  }, PUT_MS_MAX);
  const taken = problemOf(kept.anchor, note).finally(() => {
    kept.isLate = false;
  });
  try {
    return await Promise.race([taken, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function problemOf(anchor: Anchor, note: string): Promise<string | null> {
  try {
    await anchor.put(note);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
