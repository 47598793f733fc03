/**
 * The benchmark suite: one command, one table.
 *
 *     npm run bench               all parts
 *     npm run bench -- metering   one part
 *     npm run bench -- --json     the rows as JSON
 *
 * Absolute times depend on the machine; the ratios are taken in one run, in turns.
 */

import { audit } from './audit.ts';
import { ends } from './ends.ts';
import { gate } from './gate.ts';
import { kernel } from './kernel.ts';
import type { Part, Row } from './measure.ts';
import { metering } from './metering/part.ts';
import { network } from './network.ts';
import { peers } from './peers/part.ts';
import { scheduler } from './scheduler.ts';
import { start } from './start.ts';

const PARTS: readonly Part[] = [
  metering,
  start,
  gate,
  ends,
  scheduler,
  kernel,
  network,
  audit,
  peers,
];

function table(rows: readonly Row[]): string {
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

async function main(args: readonly string[]): Promise<void> {
  const names = args.filter((arg) => !arg.startsWith('--'));
  const unknown = names.find((name) => !PARTS.some((part) => part.name === name));
  if (unknown !== undefined) {
    process.stderr.write(
      `There is no part '${unknown}': choose among ${PARTS.map(({ name }) => name).join(', ')}.\n`,
    );
    process.exitCode = 2;
    return;
  }
  const rows: Row[] = [];
  for (const part of PARTS) {
    if (names.length === 0 || names.includes(part.name)) {
      if (process.stderr.isTTY) {
        process.stderr.write(`${part.name}: ${part.what}\n`);
      }
      rows.push(...(await part.run()));
    }
  }
  console.log(args.includes('--json') ? JSON.stringify(rows) : table(rows));
}

await main(process.argv.slice(2));
