/** The lines that this part's measurements become. */

import { geometricMean, type Row } from '../measure.ts';

const PART = 'metering';

/** What one way of running a program took. */
export interface Timing {
  readonly subject: string;
  readonly ms: number;
  readonly unitsUsed: number | null;
}

/** A line for each way but the first, against the first. */
export function comparisonRows(name: string, timings: readonly Timing[]): Row[] {
  const [plain, ...others] = timings;
  return others.map(({ subject, ms, unitsUsed }) => ({
    part: PART,
    name: `${name}, ${subject}`,
    value: `${ms.toFixed(1)} of ${plain!.ms.toFixed(1)} ms${millions(unitsUsed)}`,
    ratio: ms / plain!.ms,
    against: plain!.subject,
  }));
}

/** The geometric mean of those rows that are of one way of running, and the worst of them. */
export function geometricMeanRow(what: string, subject: string, rows: readonly Row[]): Row {
  const measured = rows.flatMap(({ name, ratio }) =>
    name.endsWith(`, ${subject}`) && ratio !== null ? [ratio] : [],
  );
  return {
    part: PART,
    name: `${what}: geometric mean, ${subject}`,
    value: measured.length === 0 ? 'nothing' : `worst ${Math.max(...measured).toFixed(2)}`,
    ratio: measured.length === 0 ? null : geometricMean(measured),
    against: 'plain',
  };
}

/** A line that says why there is nothing to see. */
export function skippedRow(name: string, why: string): Row {
  return { part: PART, name, value: `skipped: ${why}`, ratio: null, against: '' };
}

function millions(units: number | null): string {
  return units === null ? '' : `, ${(units / 1e6).toFixed(0)} M units`;
}
