/** Checkpoints that were kept outside of a chain, met one after the other as it is verified. */

import { RingfenceError } from '../errors.ts';
import type { Bytes32 } from './merkle.ts';
import { type Checkpoint, originOf, readCheckpoint, type VerifierKey } from './note.ts';
import type { BadReason } from './verdict.ts';

/** What an anchor shows to be wrong, and with which events. */
export interface AnchorProblem {
  readonly reason: BadReason;
  readonly what: string;
  readonly seq: number;
  readonly lastSeq: number;
}

/** The anchors of a verification, by their sizes. */
export class Anchors {
  readonly #checkpoints: readonly Checkpoint[];
  #met = 0;

  /** @throws {RingfenceError} `RF_USAGE` for what is no checkpoint */
  constructor(notes: readonly string[]) {
    this.#checkpoints = notes.map(readAnchor).sort((one, other) => one.size - other.size);
  }

  /** Anchors that agreed. */
  get met(): number {
    return this.#met;
  }

  /** Whether one is over so many events. */
  isDue(size: number): boolean {
    return this.#checkpoints[this.#met]?.size === size;
  }

  /** Compares those that are over so many events with their root; null: they agree. */
  meet(size: number, root: Bytes32, chain: string, key: VerifierKey | null): AnchorProblem | null {
    for (; this.isDue(size); this.#met += 1) {
      const anchor = this.#checkpoints[this.#met] as Checkpoint;
      const before = this.#checkpoints[this.#met - 1]?.size ?? 0;
      const span = { seq: Math.min(before, size - 1), lastSeq: size - 1 };
      if (anchor.origin !== originOf(chain)) {
        return { ...span, reason: 'forked', what: 'an anchor is of another chain' };
      }
      if (key === null || !anchor.signedBy(key)) {
        const what = 'an anchor over it is not signed by the key in force';
        return { reason: 'wrong_key', what, seq: size - 1, lastSeq: size - 1 };
      }
      if (anchor.root !== root) {
        return { ...span, reason: 'forked', what: 'an anchor was signed over other events' };
      }
    }
    return null;
  }

  /** The chain ends after so many events; null: no anchor is over more. */
  end(size: number, chain: string): AnchorProblem | null {
    const anchor = this.#checkpoints[this.#met];
    if (anchor === undefined) {
      return null;
    }
    return anchor.origin === originOf(chain)
      ? {
          reason: 'truncated',
          what: `the chain ends before it, an anchor was over ${anchor.size} events`,
          seq: size,
          lastSeq: anchor.size - 1,
        }
      : { reason: 'forked', what: 'an anchor is of another chain', seq: 0, lastSeq: size - 1 };
  }
}

function readAnchor(note: string): Checkpoint {
  const checkpoint = readCheckpoint(note);
  if (checkpoint === null || checkpoint.size < 1) {
    throw new RingfenceError(
      'RF_USAGE',
      'Cannot verify against the anchor as it is no checkpoint: give the note as it was written.',
    );
  }
  return checkpoint;
}
