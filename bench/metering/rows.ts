/** The lines that this part's measurements become. */

import { geometricMean, type Row, statsOf } from '../measure.ts';

const PART = 'metering';

/** What one way of running a program took. */
export interface Timing {
  readonly subject: string;
  /** Milliseconds of each round; the least counts. */
  readonly rounds: readonly number[];
  readonly unitsUsed: number | null;
}

/** A line for each way but the first, against the first. */
export function comparisonRows(name: string, timings: readonly Timing[]): Row[] {
  const [plain, ...others] = timings;
  const plainMs = Math.min(...plain!.rounds);
  return others.map(({ subject, rounds, unitsUsed }) => {
    const ms = Math.min(...rounds);
    return {
      part: PART,
      name: `${name}, ${subject}`,
      value: `${ms.toFixed(1)} of ${plainMs.toFixed(1)} ms${millions(unitsUsed)}`,
      ratio: ms / plainMs,
      against: plain!.subject,
      stats: statsOf(rounds, 'ms'),
    };
  });
}

/** The geometric mean of those rows that are of one way of running, and the worst of them. */
export function geometricMeanRow(what: string, subject: string, rows: readonly Row[]): Row {
  const measured = rows.flatMap(({ name, ratio }) =>
    name.endsWith(`, ${subject}`) && ratio !== null ? [ratio] : [],
  );
  const name = `${what}: geometric mean, ${subject}`;
  if (measured.length === 0) return skippedRow(name, 'nothing was measured');
  const mean = geometricMean(measured);
  return {
    part: PART,
    name,
    value: `worst ${Math.max(...measured).toFixed(2)}`,
    ratio: mean,
    against: 'plain',
    stats: statsOf([mean], 'times plain'),
    plot: 'computing, geometric means',
  };
}

/** A line that says why there is nothing to see. */
export function skippedRow(name: string, why: string): Row {
  return { part: PART, name, value: `skipped: ${why}`, ratio: null, against: '' };
}

function millions(units: number | null): string {
  return units === null ? '' : `, ${(units / 1e6).toFixed(0)} M units`;
}
