/** The table that is printed. */

import type { Row, Stats } from './measure.ts';

/** Rows as Markdown, for people to read as it is. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ part, name, value, ratio, against, stats }) => [
    part,
    name,
    value,
    spreadOf(stats),
    ratio === null ? '' : ratio.toFixed(2),
    against,
  ]);
  const all = [['part', 'what', 'measured', 'min … median … max', 'ratio', 'against'], ...cells];
  // A column that nobody has something in is left out.
  const kept = (all[0] ?? []).map((_, column) => cells.some((line) => line[column] !== ''));
  const lines = all.map((line) => line.filter((_, column) => kept[column]));
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const format = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const [head = [], ...body] = lines;
  return [format(head), rule, ...body.map(format)].join('\n');
}

/** What the rounds were between; nothing, where there was one. */
export function spreadOf(stats: Stats | undefined): string {
  if (stats === undefined || stats.rounds < 2) return '';
  const { min, median, max, unit, rounds } = stats;
  return `${number(min)} … ${number(median)} … ${number(max)} ${unit} (${rounds})`;
}

/** Three digits that count. */
export function number(value: number): string {
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en')
    : String(Number(value.toPrecision(3)));
}
