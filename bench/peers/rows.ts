/** The lines that what was measured becomes. */

import type { Row, Stats } from '../measure.ts';

/** Rounds that a quantile says something of. */
const MANY = 100;

/** Of many lives the middle; of few rounds the best, as others use the machine at times. */
function typical({ rounds, median: middle, better, min, max }: Stats): number {
  if (rounds > MANY) return middle;
  return better === 'less' ? min : max;
}

/** How people write a number of a unit. */
function shown(stats: Stats): string {
  const { unit, p99, min, median: middle, max, rounds } = stats;
  const number = (value: number): string =>
    value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
  const first = `${number(typical(stats))} ${unit}`;
  if (rounds === 1) return first;
  return rounds > MANY
    ? `${first}, ${number(min)} to ${number(p99)} (p99)`
    : `${first}, ${number(min)} to ${number(max)}, median ${number(middle)}`;
}

/** One measure of all who have it, each against one of them. */
export function rowsOf<Measured extends { readonly name: string }>(
  title: string,
  all: readonly Measured[],
  stats: (measured: Measured) => Stats | null,
  base: string,
): Row[] {
  const found = all.flatMap((measured) => {
    const of = stats(measured);
    return of === null ? [] : [{ name: measured.name, of }];
  });
  const against = found.find(({ name }) => name === base)?.of ?? null;
  return found.map(({ name, of }) => ({
    part: 'peers',
    name: `${title}: ${name}`,
    value: shown(of),
    ratio: against === null ? null : typical(of) / typical(against),
    against: base,
    stats: of,
    plot: title,
  }));
}
