/** Where charges stand in one function: segments, each charged at once where it begins. */

import {
  SEGMENT_COST_AFTER_BRANCH_MAX,
  SEGMENT_COST_MAX,
  UNCHECKED_COST_MAX,
  UNCHECKED_COST_OF_SEGMENT,
} from './costs.ts';
import { CHARGE_CHECKED, EDIT, type EditList } from './edits.ts';

/** A segment that something stands in, to go on in it later. */
export interface SegmentPlace {
  readonly segment: number;
  readonly splitAt: number;
}

/**
 * The segment that instructions are added to. A segment goes on behind whatever comes out again; behind
 * a place that may leave it, for a little.
 */
export class Segments {
  readonly #edits: EditList;
  /** The edit that charges for the segment, and the cost at which it is split. */
  segment = 0;
  splitAt = 0;
  /** The cost of the segment so far. */
  #cost = 0;
  /**
   * The most that can have been charged since the last check on any path to here for what stands on it,
   * and something for each segment that was begun there.
   */
  unchecked = 0;
  /** Whether anything is charged: a leaf is, where it is called. */
  #charged = true;

  constructor(edits: EditList) {
    this.#edits = edits;
  }

  begin(charged: boolean): void {
    this.#charged = charged;
    this.unchecked = 0;
    this.segment = -1;
    this.#cost = 0;
    this.splitAt = Number.POSITIVE_INFINITY;
  }

  open(at: number, flags: number): void {
    if (!this.#charged) return;
    this.segment = this.#edits.add(EDIT.charge | flags, at, at, 0);
    if ((flags & CHARGE_CHECKED) !== 0) this.unchecked = 0;
    else this.unchecked += UNCHECKED_COST_OF_SEGMENT;
    this.splitAt = SEGMENT_COST_MAX;
    this.#cost = 0;
  }

  charge(cost: number): void {
    if (cost === 0 || !this.#charged) return;
    this.#cost += cost;
    this.unchecked += cost;
    this.#edits.increase(this.segment, cost);
  }

  /** Whether the next instruction, of this cost, needs a segment of its own with a check. */
  isFull(cost: number): boolean {
    return (
      (this.#cost + cost > this.splitAt && this.#cost > 0) ||
      (this.unchecked + cost > UNCHECKED_COST_MAX && this.#charged)
    );
  }

  place(): SegmentPlace {
    return { segment: this.segment, splitAt: this.splitAt };
  }

  /** What the segment at `place` costs by now. */
  costOf(place: SegmentPlace): number {
    return place.segment < 0 ? 0 : this.#edits.value(place.segment);
  }

  resume(place: SegmentPlace): void {
    this.segment = place.segment;
    this.splitAt = place.splitAt;
    this.#cost = this.costOf(place);
  }

  /** Control may leave from here: a little more is charged with the segment all the same. */
  mayLeave(): void {
    this.splitAt = Math.min(this.splitAt, this.#cost + SEGMENT_COST_AFTER_BRANCH_MAX);
  }

  /** Moves the charge of the segment `from` to the segment at `place`. */
  fold(from: number, place: SegmentPlace, cost: number): void {
    this.#edits.setValue(from, 0);
    this.#edits.increase(place.segment, cost);
  }
}
