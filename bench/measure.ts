/** How everything in bench/ is measured: in turns, in one run, the middle of many rounds. */

/** One line of the table. */
export interface Row {
  readonly part: string;
  readonly name: string;
  /** What was measured, with its unit. */
  readonly value: string;
  /** Against what stands in `against`, in the same run; null: there is nothing to compare with. */
  readonly ratio: number | null;
  readonly against: string;
}

/** A part of the suite. */
export interface Part {
  readonly name: string;
  readonly what: string;
  run(): Promise<Row[]>;
}

/** The middle of the values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The value below which a fraction of the values lies. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Milliseconds that `work` takes. */
export function time(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

/**
 * Runs two programs in turns, A B A B …, and answers the middle of the ratios A/B pair by pair, so
 * that it holds when the machine's speed drifts.
 */
export function pairedRatio(rounds: number, a: () => void, b: () => void): number {
  const ratios: number[] = [];
  a();
  b();
  for (let round = 0; round < rounds; round += 1) {
    ratios.push(time(a) / time(b));
  }
  return median(ratios);
}
