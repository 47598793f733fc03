/** How everything in bench/ is measured: in turns, in one run, the middle or the best of many rounds. */

/** One line of the table. */
export interface Row {
  readonly part: string;
  readonly name: string;
  /** What was measured, with its unit. */
  readonly value: string;
  /** Against what stands in `against`, in the same run; null: there is nothing to compare with. */
  readonly ratio: number | null;
  readonly against: string;
  /** The numbers behind `value`, where they are of many rounds. */
  readonly stats?: Stats;
  /** Under which title its bar stands with others in the page; absent: in none. */
  readonly plot?: string;
  /** How it grows: pairs of a count and what was measured. */
  readonly points?: readonly (readonly [number, number])[];
}

/** Numbers of many rounds, in one unit. */
export interface Stats {
  readonly unit: string;
  readonly better: 'less' | 'more';
  readonly rounds: number;
  readonly min: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** @throws {Error} where there is no value */
export function statsOf(
  values: readonly number[],
  unit: string,
  better: 'less' | 'more' = 'less',
): Stats {
  if (values.length === 0) throw new Error('nothing was measured');
  return {
    unit,
    better,
    rounds: values.length,
    min: Math.min(...values),
    median: median(values),
    p99: quantile(values, 0.99),
    max: Math.max(...values),
  };
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

/** As `time`, for work that answers a promise. */
export async function timeAsync(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Nobody wakes who waits for it. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/**
 * This thread's CPU time until now. Linux counts a running thread's time every 4 ms only, and exactly
 * when it stops running: so it waits for a moment first.
 */
function threadCpuMs(): number {
  Atomics.wait(NEVER, 0, 0, 0.1);
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds of this thread's CPU time that `work` takes: what else the machine does is left out. */
export async function cpuTime(work: () => unknown): Promise<number> {
  const started = threadCpuMs();
  await work();
  return threadCpuMs() - started;
}

/**
 * Runs programs in turns, A B C B C A C A B …, and answers the least of the milliseconds that each says
 * it took: that holds when the machine's speed drifts and when others use it at times.
 */
export async function leastInTurns(
  rounds: number,
  programs: readonly (() => Promise<number>)[],
): Promise<number[]> {
  const least = programs.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < programs.length; turn += 1) {
      const index = (round + turn) % programs.length;
      least[index] = Math.min(least[index]!, await programs[index]!());
    }
  }
  return least;
}
