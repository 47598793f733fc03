/**
 * What a run has used of the processor, by two clocks that both lie.
 *
 * The clock on the wall goes on while the system has stopped the thread. The count of CPU time is exact on
 * some kernels; on others (those that account by the tick) it stands still and then jumps by 4 ms, or 10:
 * of a run of microseconds it says nothing, and whoever stops just before each tick would run for free.
 * So a run has used what the wall clock says, as long as the sum of all runs of the thread is no more
 * than its CPU time, by as much as that may lag behind.
 */

/** The longest tick that a kernel accounts by: 100 a second. */
const LAG_MS_MAX = 10;

/** Tells for each run of a thread what it has used. */
export class UsedTime {
  /** How far the count of CPU time may lag behind; 0 until it has shown that it comes in lumps. */
  #lagMs = 0;
  /** CPU time that was counted and belongs to no run yet; below zero: the count lags behind. */
  #creditMs = 0;

  /**
   * Milliseconds that a run has used when it ends: by the wall clock it took `wallMs`, by the count of
   * CPU time `cpuMs`; since the run before it has ended that count went on by `sinceMs`.
   */
  of(wallMs: number, cpuMs: number, sinceMs: number): number {
    if (cpuMs > wallMs) {
      // No thread uses more than there is: what is counted here was used before.
      this.#lagMs = Math.min(LAG_MS_MAX, Math.max(this.#lagMs, cpuMs - wallMs));
    }
    const usedMs = this.soFar(wallMs, cpuMs, sinceMs);
    if (this.#lagMs > 0) {
      this.#creditMs = Math.min(this.#creditMs + sinceMs - usedMs, this.#lagMs);
    }
    return usedMs;
  }

  /** The same of a run that goes on. */
  soFar(wallMs: number, cpuMs: number, sinceMs: number): number {
    return this.#lagMs === 0
      ? Math.min(wallMs, cpuMs)
      : Math.min(wallMs, Math.max(0, this.#creditMs + sinceMs + this.#lagMs));
  }
}
