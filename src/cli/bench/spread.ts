/** Numbers of many rounds in short: the least is what the work takes, the rest is what the machine adds. */

/** Of one measurement; a line of the table. */
export interface Spread {
  readonly rounds: number;
  readonly min: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** Null where there are no values. */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) {
    return null;
  }
  const sorted = values.toSorted((one, other) => one - other);
  const at = (fraction: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))]!;
  return { rounds: sorted.length, min: at(0), median: at(0.5), p99: at(0.99), max: at(1) };
}
