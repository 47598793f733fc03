/**
 * The fuel of one agent: one counter for all its core modules, filled a slice at a time.
 *
 * The guest's code counts the global down and asks when it is below zero. What has been used is what
 * was filled in less what is left, so it does not depend on how long the slices are.
 */

/** Where the counter is set to end a guest at its next check; no refill reaches back from there. */
const ENDED = -(2n ** 62n);

/** An agent's first slice: what its code is like is not known yet. */
const FIRST_SLICE = 100_000;
/** No slice is shorter: the largest segment is charged at once (metering/costs.ts). */
const SLICE_MIN = 10_000;
/** A slice that took longer is followed by a shorter one, in milliseconds… */
const SLICE_MS_MAX = 4;
/** …and one that took less by a longer one. */
const SLICE_MS_MIN = 1;

/** The fuel of one agent. */
export class FuelTank {
  readonly global: WebAssembly.Global<'i64'>;
  readonly #limit: number;
  readonly #sliceMax: number;
  #slice: number;
  #filled = 0;
  #finalUsed: number | null = null;

  /** `limit` 0 is unlimited; no slice is longer than `sliceMax`. */
  constructor(limit: number, sliceMax: number) {
    this.#limit = limit === 0 ? Number.MAX_SAFE_INTEGER : limit;
    this.#sliceMax = sliceMax;
    this.#slice = Math.min(sliceMax, FIRST_SLICE);
    this.global = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n);
    this.refill();
  }

  /** Units used so far; at most the limit. */
  get used(): number {
    return this.#finalUsed ?? Math.min(this.#limit, this.#filled - Number(this.global.value));
  }

  /** Whether more than the limit was used: a charge that no refill has covered. */
  get overdrawn(): boolean {
    return this.#finalUsed === null && this.#filled - Number(this.global.value) > this.#limit;
  }

  /** Fills in slices until the counter is not below zero; false when the limit doesn't allow it. */
  refill(): boolean {
    let left = Number(this.global.value);
    do {
      const slice = Math.min(this.#slice, this.#limit - this.#filled);
      if (slice <= 0) {
        return false;
      }
      this.#filled += slice;
      left += slice;
    } while (left < 0);
    this.global.value = BigInt(left);
    return true;
  }

  /**
   * Makes the next slices longer or shorter by how long the last one took: fuel sees little of what a
   * load from far memory costs. What is used does not depend on it.
   */
  adapt(sliceMs: number): void {
    if (sliceMs > SLICE_MS_MAX) {
      const shorter = Math.floor((this.#slice * SLICE_MS_MAX) / sliceMs);
      this.#slice = Math.max(Math.min(SLICE_MIN, this.#sliceMax), shorter);
    } else if (sliceMs < SLICE_MS_MIN) {
      this.#slice = Math.min(this.#sliceMax, this.#slice * 2);
    }
  }

  /** Ends the slice early: what is left of it is taken back, so that what was used stays the same. */
  endSlice(): void {
    const left = Number(this.global.value);
    if (this.#finalUsed === null && left >= 0) {
      this.#filled -= left + 1;
      this.global.value = -1n;
    }
  }

  /** Takes units for what the host does on the guest's behalf. */
  charge(units: number): void {
    if (this.#finalUsed === null) {
      this.global.value -= BigInt(units);
    }
  }

  /** Fixes what was used, and lets no check pass any more. */
  end(): void {
    if (this.#finalUsed === null) {
      this.#finalUsed = this.used;
      this.global.value = ENDED;
    }
  }

  /**
   * Runs a call back into the guest that can't be suspended, within an allowance out of the same
   * budget. Whether the allowance holds does not depend on what is left of the slice.
   */
  withAllowance<Result>(units: number, run: () => Result): Result {
    const before = this.global.value;
    const filledBefore = this.#filled;
    const used = filledBefore - Number(before);
    const allowance = Math.max(0, Math.min(units, this.#limit - used));
    // What has been used stays the same while the counter holds the allowance instead of the slice.
    this.#filled = used + allowance;
    this.global.value = BigInt(allowance);
    try {
      return run();
    } finally {
      if (this.#finalUsed === null) {
        this.global.value = before - (BigInt(allowance) - this.global.value);
        this.#filled = filledBefore;
      }
    }
  }
}
