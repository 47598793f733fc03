/** Makes a part's rows of numbers. */

import { type Row, type Stats, statsOf } from './measure.ts';
import { number } from './table.ts';

/** What stands in a row beside its numbers. */
export interface Beside {
  readonly better?: Stats['better'];
  /** In words, after the numbers. */
  readonly note?: string;
  /** Shows the 99th percentile, too: where each operation was timed. */
  readonly p99?: boolean;
  readonly plot?: string;
  readonly ratio?: number | null;
  readonly against?: string;
}

/** Rows of one part. */
export class Rows {
  readonly #part: string;
  readonly all: Row[] = [];

  constructor(part: string) {
    this.#part = part;
  }

  /** One of many rounds, or of one. */
  add(name: string, values: readonly number[], unit: string, beside: Beside = {}): Stats {
    const { better = 'less', note = '', p99 = false, plot, ratio = null, against = '' } = beside;
    const stats = statsOf(values, unit, better);
    const middle = `${number(stats.median)} ${unit}`;
    const shown = p99 ? `p50 ${middle}, p99 ${number(stats.p99)} ${unit}` : middle;
    this.all.push({
      part: this.#part,
      name,
      value: note === '' ? shown : `${shown}, ${note}`,
      ratio,
      against,
      stats,
      ...(plot === undefined ? {} : { plot }),
    });
    return stats;
  }

  /** One that shows how something grows. Its numbers are in rows of their own. */
  grows(name: string, points: readonly (readonly [number, number])[], unit: string): void {
    const shown = points.map(([x, y]) => `${x.toLocaleString('en')}: ${number(y)}`).join(', ');
    const value = `${shown} ${unit}`;
    this.all.push({ part: this.#part, name, value, ratio: null, against: '', points });
  }
}
