/**
 * The fuel of one agent: one counter for all its core modules, filled piece by piece.
 *
 * The guest's code counts down, in a local while it computes and in the global where it leaves its
 * module, and asks when it is below zero. What has been used is what was filled in less what is left,
 * so it does not depend on how long the slices are.
 *
 * A trap in the middle of a computation leaves no count behind. What is told of it then is what was
 * used at the last place that no slice decides: where the guest left its module, or at the first
 * question behind each multiple of FUEL_STRIDE. Nothing is filled in past the next of those.
 */

import { FUEL_ENDED, FUEL_STRIDE } from '../metering/costs.ts';
import { AgentSpeed, Speed } from './speed.ts';

/** The first slice of a module: what its code is like is not known yet. */
const FIRST_SLICE = 1_000_000;
/** No slice is shorter. */
const SLICE_MIN = 10_000;
/** How long a slice should take, in milliseconds; its length follows from its speed (speed.ts). */
export const SLICE_MS = 1;
/** In so many pieces a slice is handed out: between two of them the time is looked at. */
const PIECES = 4;
/** The counter is 32 bits wide: what would take it below this is counted as filled in and used up. */
const COUNTER_MIN = -(2 ** 29);

/** The fuel of one agent. */
/** Where the count stands: the global of a guest, or nowhere that a guest could see. */
export interface FuelCounter {
  value: number;
}

/** Where an agent's count has come to, as another one's may begin. */
export interface FuelMark {
  readonly units: number;
  /** The next multiple of the stride that a question is noted behind. */
  readonly boundary: number;
}

/** One agent's count, and what it may still use. */
export class FuelTank {
  #counter: FuelCounter = { value: 0 };
  readonly #limit: number;
  readonly #sliceMax: number;
  /** Where it is stopped, in units used: nothing is filled in that would let it go past. */
  #stopAt: number;
  /** What it is told to have used at its stop. */
  readonly #stopUsed: number;
  #slice: number;
  /** Where the slice under way began, in units used. */
  #sliceStart = 0;
  readonly #speed: AgentSpeed;
  /** Where the slice under way ends, in units used. */
  #sliceEnd: number;
  #filled = 0;
  /** The next multiple of the stride that was not passed yet, and what was used where one last was. */
  #boundary = FUEL_STRIDE;
  #noted = 0;
  /** What was used at the last question, wherever that was. */
  #seen = 0;
  /** Nothing is filled in past this, in units used. */
  #pause: number;
  #finalUsed: number | null = null;

  /**
   * `limit` 0 is unlimited; no slice is longer than `sliceMax`; `module` is the speed of its module here;
   * `pause` as {@link FuelTank.pauseAt} sets it; at the first question at or behind `stopAt` units it is at
   * its stop.
   */
  constructor(
    limit: number,
    sliceMax: number,
    module = new Speed(),
    {
      pause = Number.POSITIVE_INFINITY,
      stopAt = Number.POSITIVE_INFINITY,
    }: { readonly pause?: number | undefined; readonly stopAt?: number | undefined } = {},
  ) {
    this.#pause = pause;
    this.#stopAt = stopAt;
    this.#stopUsed = stopAt;
    this.#limit = limit === 0 ? Number.MAX_SAFE_INTEGER : limit;
    this.#sliceMax = sliceMax;
    this.#speed = new AgentSpeed(module);
    this.#slice = this.#sliceLength();
    this.#sliceEnd = this.#slice;
    this.take(0);
  }

  /** What is left, where the guest is not computing; below zero, it has to ask. */
  get left(): number {
    return this.#counter.value;
  }

  /** From here on the count stands in `counter`; whatever stood there before is nobody's. */
  moveTo(counter: FuelCounter): void {
    counter.value = this.#counter.value;
    this.#counter = counter;
  }

  /** Units used so far where the guest is not computing; at most the limit. */
  get used(): number {
    return this.usedAt(this.#counter.value);
  }

  /** Units used where the counter holds `fuel`; at most the limit. */
  usedAt(fuel: number): number {
    return this.#finalUsed ?? Math.min(this.#limit, this.#filled - fuel);
  }

  /** Whether more than the limit was used where the counter holds `fuel`. */
  isOverdrawn(fuel = this.#counter.value): boolean {
    return this.#finalUsed === null && this.#filled - fuel > this.#limit;
  }

  /** It goes on from its stop by one unit: what is left to do there comes behind this question. */
  delayStop(): void {
    this.#stopAt += 1;
  }

  /** Whether it is at its stop, or behind it, where the counter holds `fuel`. */
  isAtStop(fuel: number): boolean {
    return this.#filled - fuel >= this.#stopAt;
  }

  /**
   * The guest's counter holds `fuel`, below zero: answers how much more it gets of the slice under way,
   * 0 where that one, or the limit, is used up. The global has as much more then.
   */
  take(fuel: number): number {
    const used = this.#filled - fuel;
    this.#seen = used;
    if (used > this.#boundary) {
      this.#noted = used;
      this.#boundary = Math.ceil(used / FUEL_STRIDE) * FUEL_STRIDE;
    }
    const piece = this.#filled - Math.min(0, fuel) + Math.max(SLICE_MIN, this.#slice / PIECES);
    const granted =
      Math.min(
        this.#sliceEnd,
        this.#boundary,
        this.#limit,
        this.#pause,
        this.#stopAt - 1,
        Math.floor(piece),
      ) - this.#filled;
    if (granted <= 0) {
      return 0;
    }
    this.#filled += granted;
    this.#counter.value += granted;
    return granted;
  }

  /** It asks again when it has used so much, whatever slices there are meanwhile. */
  pauseAt(used: number): void {
    this.#pause = used;
  }

  /** Begins another slice where the counter holds `fuel`; false when the limit doesn't allow it. */
  openSlice(fuel: number): boolean {
    if (this.#filled >= this.#limit) {
      return false;
    }
    this.#sliceStart = this.#filled - fuel;
    this.#sliceEnd = this.#sliceStart + this.#slice;
    return true;
  }

  /**
   * The slice took `sliceMs`, and the counter holds `fuel`: the next one is made so long that it takes
   * about a millisecond. What is used does not depend on it.
   */
  adapt(fuel: number, sliceMs: number): void {
    this.#speed.add(Math.max(1, this.#filled - fuel - this.#sliceStart), sliceMs);
    this.#slice = this.#sliceLength();
  }

  /** A slice begins where the agent goes on behind a host call that has waited. */
  renewSlice(): void {
    if (this.#finalUsed === null) {
      this.#sliceStart = this.#filled - this.#counter.value;
      this.#sliceEnd = this.#sliceStart + this.#slice;
    }
  }

  #sliceLength(): number {
    const { perMs } = this.#speed;
    const wanted = perMs === null ? FIRST_SLICE : Math.floor(SLICE_MS * perMs);
    return Math.min(this.#sliceMax, Math.max(SLICE_MIN, wanted));
  }

  /** The slice takes far too long: it ends at this question. */
  cutSlice(): void {
    this.#sliceEnd = this.#filled;
  }

  /** Ends the slice early: what is left of it is taken back, so that what was used stays the same. */
  endSlice(): void {
    const left = this.#counter.value;
    if (this.#finalUsed === null && left >= 0) {
      this.#filled -= left + 1;
      this.#counter.value = -1;
      this.#sliceEnd = this.#filled;
    }
  }

  /** Where the count is, the guest not computing. */
  mark(): FuelMark {
    return { units: this.used, boundary: this.#boundary };
  }

  /** Begins where another agent's count had come to by the same work. */
  beginAt({ units, boundary }: FuelMark): void {
    this.charge(units);
    this.#boundary = boundary;
  }

  /** Takes units for what the host does on the guest's behalf. */
  charge(units: number): void {
    if (this.#finalUsed !== null) {
      return;
    }
    const left = this.#counter.value - units;
    if (left >= COUNTER_MIN) {
      this.#counter.value = left;
    } else {
      this.#filled += units;
    }
  }

  /**
   * Fixes what was used, and lets no check pass any more.
   *
   * @param where `here`: at a place of the agent's own, which no slice decides; `anywhere`: where it
   * just is, and what it had used at its last question counts; `limit`: it has used all that it had;
   * `stop`: it is at its stop, wherever the question behind that was
   */
  end(where: 'here' | 'anywhere' | 'limit' | 'stop' = 'here'): void {
    if (this.#finalUsed === null) {
      const told = { here: this.#noted, anywhere: this.#seen, limit: this.#limit, stop: 0 }[where];
      const used = where === 'stop' ? this.#stopUsed : Math.max(this.used, told);
      this.#finalUsed = Math.min(this.#limit, used);
      this.#counter.value = FUEL_ENDED;
    }
  }

  /**
   * Runs a call back into the guest that can't be suspended, within an allowance out of the same
   * budget. Whether the allowance holds does not depend on what is left of the slice.
   */
  withAllowance<Result>(units: number, run: () => Result): Result {
    const before = this.#counter.value;
    const filledBefore = this.#filled;
    const used = filledBefore - before;
    const allowance = Math.max(0, Math.min(units, this.#limit - used, -COUNTER_MIN));
    // What has been used stays the same while the counter holds the allowance instead of the slice.
    this.#filled = used + allowance;
    this.#counter.value = allowance;
    try {
      return run();
    } finally {
      if (this.#finalUsed === null) {
        this.#counter.value = before - (allowance - this.#counter.value);
        this.#filled = filledBefore;
      }
    }
  }
}
