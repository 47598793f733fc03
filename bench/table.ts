/** The table that is printed. */

import type { Row } from './measure.ts';

/** Rows as Markdown, for people to read as it is. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ part, name, value, ratio, against }) => [
    part,
    name,
    value,
    ratio === null ? '' : ratio.toFixed(2),
    against,
  ]);
  const lines = [['part', 'what', 'measured', 'ratio', 'against'], ...cells];
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const format = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const [head = [], ...body] = lines;
  return [format(head), rule, ...body.map(format)].join('\n');
}
