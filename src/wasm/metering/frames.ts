/** The blocks that a walk over a body stands in, each with what is known of it so far. */

import { type FunctionType, NO_TYPE } from './module.ts';
import type { Segments } from './segments.ts';

/** What a block is; the handlers of a legacy `try` and the second arm of an `if` are kinds of their own. */
export const FRAME = {
  function: 0,
  block: 1,
  loop: 2,
  if: 3,
  else: 4,
  try: 5,
  catch: 6,
  tryTable: 7,
} as const;

/** The place of what branches out of the function go to. */
export const OUT_OF_FUNCTION = -1;

/** A block, and where charges stand in it. */
export class Frame {
  kind = 0;
  type: FunctionType = NO_TYPE;
  /** Operands below the block's own. */
  base = 0;
  /** Whether a branch goes to the label. */
  targeted = false;
  /** Whether an exception handler of a `try_table` goes to the label. */
  caught = false;
  /** The place of the outermost block that a branch inside goes to; -1: out of the function. */
  outermost = 0;
  /** The segment that the block stands in, and the cost at which that one is to be split. */
  segment = 0;
  splitAt = 0;
  /** A loop's own charge, at its header; the charge of an if's arm that is walked over. */
  header = 0;
  /** The charge of an if's first arm. */
  firstArm = 0;
  /** Whether both arms of an if, as far as they were walked over, can be charged with it. */
  foldable = false;
  /** Whether an arm came out at its end. */
  fellThrough = false;
  /** The most that can have been charged without a check, at the beginning and on a way to the end. */
  uncheckedBefore = 0;
  uncheckedAtEnd = 0;
  /** A loop: the edit of its opcode, where it can suspend outside of itself; else -1. */
  opening = -1;
  /** Edits that keep the fuel on the ways to the label, for where a handler leads to it too. */
  readonly saves: number[] = [];
  /** Branches to the label. */
  branches = 0;
  /** In a try: calls that may lead to its handlers. */
  throws = 0;
  /** Handlers of a legacy try so far. */
  handlers = 0;

  /** From here on it is another block, which begins where `segments` stand. */
  begin(kind: number, type: FunctionType, base: number, place: number, segments: Segments): void {
    this.kind = kind;
    this.type = type;
    this.base = base;
    this.targeted = false;
    this.caught = false;
    this.outermost = place;
    this.segment = segments.segment;
    this.splitAt = segments.splitAt;
    this.header = segments.segment;
    this.firstArm = segments.segment;
    this.foldable = false;
    this.fellThrough = false;
    this.uncheckedBefore = segments.unchecked;
    this.uncheckedAtEnd = 0;
    this.opening = -1;
    if (this.saves.length > 0) this.saves.length = 0;
    this.branches = 0;
    this.throws = 0;
    this.handlers = 0;
  }
}

/**
 * The blocks around a place, the innermost last. A frame is used again for the next block at its depth:
 * one that has ended is nobody's any more.
 */
export class FrameStack {
  readonly #frames: Frame[] = [];
  height = 0;

  clear(): void {
    this.height = 0;
  }

  push(kind: number, type: FunctionType, base: number, segments: Segments): Frame {
    const place = this.height++;
    let frame = this.#frames[place];
    if (frame === undefined) {
      frame = new Frame();
      this.#frames.push(frame);
    }
    frame.begin(kind, type, base, place, segments);
    return frame;
  }

  pop(): void {
    this.height--;
  }

  /** The innermost one. */
  get top(): Frame {
    return this.#frames[this.height - 1]!;
  }

  /** The one at `place`, counted from outside; undefined: there is none. */
  at(place: number): Frame | undefined {
    return place < this.height ? this.#frames[place] : undefined;
  }
}
