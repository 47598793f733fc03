/** Loops without calls: they suspend outside of themselves, so that the compiler unrolls them. */

import { CHARGE_LOOP, EDIT, type EditList } from './edits.ts';
import type { Frame, FrameStack } from './frames.ts';
import type { ByteReader } from './reader.ts';

/** Labels around a loop that suspends outside of itself. */
const LOOP_LABELS = 3;

/** Those of one body after another. */
export class SuspendingLoops {
  readonly #edits: EditList;
  /** The innermost loop, as long as it can suspend outside of itself, and the labels that leave it. */
  #candidate: Frame | null = null;
  #place = 0;
  readonly #exits: number[] = [];

  constructor(edits: EditList) {
    this.#edits = edits;
  }

  /** A loop begins, the innermost of `frames`. */
  begin(frame: Frame, frames: FrameStack): void {
    this.#candidate = frame.opening >= 0 ? frame : null;
    this.#place = frames.height - 1;
    this.#exits.length = 0;
  }

  /** Something is here that no such loop may hold: a call, another way in, or the end of the body before. */
  forbid(): void {
    this.#candidate = null;
  }

  /** The label `depth`, written at `at`, moves where it is outside of such a loop. */
  noteLabel(
    at: number,
    { frames, reader }: { readonly frames: FrameStack; readonly reader: ByteReader },
    depth: number,
  ): void {
    const place = frames.height - 1 - depth;
    if (this.#candidate === null || place >= this.#place) return;
    this.#exits.push(this.#edits.add(EDIT.label, at, reader.position, depth));
  }

  /** The loop has ended at `after`; answers whether it suspends outside of itself. */
  end(frame: Frame, after: number): boolean {
    if (this.#candidate !== frame) return false;
    this.#candidate = null;
    this.#edits.setValue(frame.opening, 1);
    this.#edits.flag(frame.header, CHARGE_LOOP);
    this.#edits.add(EDIT.loopEnd, after, after, frame.header);
    for (const exit of this.#exits) this.#edits.increase(exit, LOOP_LABELS);
    return true;
  }
}
