/**
 * A counter that goes down is read as one that began anew. Fuel can be said to be a little more before an
 * agent's end than after it: docs/limits.md.
 */

/** What each series has ever been at the most. */
export class Highest {
  readonly #values = new Map<string, number>();

  /** The value of a series that is never less than one before. */
  of(series: string, value: number): number {
    const highest = Math.max(this.#values.get(series) ?? 0, value);
    this.#values.set(series, highest);
    return highest;
  }
}
