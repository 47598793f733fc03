/**
 * How much fuel a millisecond takes, as slices are made by it.
 *
 * Milliseconds are noisy: the system stops a thread, a neighbour takes the caches. So what counts is an
 * average, and one for all agents of a module in a worker: where each had its own, agents that do the
 * same would get very different slices. One that is really faster or slower than the others of its
 * module gets longer or shorter slices, by powers of two, once that is clear.
 */

/** Slices that the speed of a module is the average of; older ones count ever less. */
const MODULE_SLICES = 256;
const KEPT = 1 - 1 / MODULE_SLICES;
/** So many slices of an agent in a row are clearly off before its own are made longer or shorter. */
const STREAK = 8;
/** No slice counts as longer: the thread was stopped in the meantime. */
const SLICE_COUNTED_MS = 4;

/** A moving average of units a millisecond; each slice counts by its time. */
export class Speed {
  #units = 0;
  #ms = 0;

  /** A slice of so many units has taken so long. */
  add(units: number, sliceMs: number): void {
    this.#units = this.#units * KEPT + units;
    this.#ms = this.#ms * KEPT + Math.min(sliceMs, SLICE_COUNTED_MS);
  }

  /** Units a millisecond; null: nothing is known yet. */
  get perMs(): number | null {
    return this.#ms > 0 && this.#units > 0 ? this.#units / this.#ms : null;
  }
}

/** The speed that the slices of one agent are made by. */
export class AgentSpeed {
  readonly #module: Speed;
  /** Its speed is taken to be the module's times two to the power of this. */
  #power = 0;
  /** Slices in a row that say that this is too high, below zero, or too low, and by how much at least. */
  #streak = 0;
  #least = 0;

  constructor(module: Speed) {
    this.#module = module;
  }

  add(units: number, sliceMs: number): void {
    this.#module.add(units, sliceMs);
    const { perMs } = this.#module;
    if (perMs === null || sliceMs <= 0) {
      return;
    }
    // Towards zero: what is within a factor of two of the module's speed is the module's speed.
    const off = Math.trunc(Math.log2(units / sliceMs / perMs)) - this.#power;
    if (off === 0 || Math.sign(off) !== Math.sign(this.#streak)) {
      this.#streak = 0;
      this.#least = Number.POSITIVE_INFINITY;
    }
    this.#streak += Math.sign(off);
    this.#least = Math.min(this.#least, Math.abs(off));
    if (Math.abs(this.#streak) >= STREAK) {
      this.#power += Math.sign(off) * this.#least;
      this.#streak = 0;
    }
  }

  get perMs(): number | null {
    const { perMs } = this.#module;
    return perMs === null ? null : perMs * 2 ** this.#power;
  }
}
