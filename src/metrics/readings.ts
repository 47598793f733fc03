/** The values of all metrics at one moment, for who counts nothing himself. */

import { DEFINITIONS, type Definition, type Sample } from './definitions.ts';
import { Highest } from './highest.ts';

/** A metric with its values by its label's; one that has no label has the value ''. */
export interface MetricReading extends Omit<Definition, 'read'> {
  readonly values: readonly (readonly [label: string, value: number])[];
}

/** Reads the metrics of one kernel: its counters never go down. */
export class Readings {
  readonly #highest = new Highest();

  of(sample: Sample): MetricReading[] {
    return DEFINITIONS.map(({ kind, name, help, label, read }) => {
      const reading = read(sample);
      const values = typeof reading === 'number' ? [['', reading] as const] : [...reading];
      return {
        kind,
        name,
        help,
        label,
        values:
          kind === 'gauge'
            ? values
            : values.map(([of, value]) => [of, this.#highest.of(`${name} ${of}`, value)] as const),
      };
    });
  }
}
