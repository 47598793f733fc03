/**
 * Runs the official WebAssembly test suite plain and metered, and compares:
 * `node scripts/test-suite.ts DIRECTORY_OF_WAST [--json] [--unmetered]`.
 *
 * The suite isn't a part of this repository: clone https://github.com/WebAssembly/testsuite and name that
 * directory. Each script runs in five worlds: plain, metered with plenty of fuel (twice), and metered
 * in slices of 7 and of 1,000 units. Values must be the same to the bit except where a script leaves
 * bits open, each end of the same kind, and fuel the same after each command in all metered worlds. What the
 * metering refuses by name isn't run, nor what needs it. Metering must not throw anything but a
 * RingfenceError, whatever bytes it gets.
 *
 * With `--unmetered` no module is metered and none refused, which shows what the script itself can run.
 *
 * Prints counts by directory, modules refused by feature, and what the engine does otherwise than the suite
 * says. Ends with 1 where metered and plain differ, with 2 where there is nothing to run.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { meter } from '../src/wasm/metering/meter.ts';
import { addCounts, type Counts, noCounts } from '../test/support/suite/counts.ts';
import type { Meter } from '../test/support/suite/prepare.ts';
import { compileHostModules, runScript } from '../test/support/suite/suite-run.ts';

const COLUMNS: readonly [string, (counts: Counts) => number | bigint][] = [
  ['scripts', ({ scripts }) => scripts],
  ['modules run', ({ modulesRun }) => modulesRun],
  ['refused', ({ refused }) => Object.values(refused).reduce((sum, count) => sum + count, 0)],
  ['behind', ({ modulesBehindUnavailable }) => modulesBehindUnavailable],
  ['not in V8', ({ modulesNotRunByEngine }) => modulesNotRunByEngine],
  ['not assembled', ({ modulesNotAssembled }) => modulesNotAssembled],
  ['compared', ({ assertionsCompared, actionsCompared }) => assertionsCompared + actionsCompared],
  ['skipped', ({ assertionsSkipped }) => assertionsSkipped],
  ['fuel', ({ fuel }) => fuel],
  ['differences', ({ differences }) => differences],
];

interface Report {
  readonly directories: ReadonlyMap<string, Counts>;
  readonly total: Counts;
  readonly differences: readonly string[];
  readonly plain: readonly string[];
}

const metered: Meter = (bytes, options) =>
  meter(bytes, {}, { ...options, features: { gc: true, relaxedSimd: true } });

const unmetered: Meter = (bytes) => ({ bytes, injected: 'ringfence', startExport: null });

function scriptsIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.wast'))
    .sort();
}

async function runAll(root: string, meter: Meter): Promise<Report> {
  const modules = await compileHostModules();
  const directories = new Map<string, Counts>();
  const [differences, plain]: [string[], string[]] = [[], []];
  for (const path of scriptsIn(root)) {
    const counts = directories.get(dirname(path)) ?? noCounts();
    directories.set(dirname(path), counts);
    const report = await runScript(readFileSync(join(root, path), 'utf8'), modules, counts, meter);
    const place = ({ line, problem }: { line: number; problem: string }) =>
      `${path}:${line}: ${problem}`;
    differences.push(...report.differences.map(place));
    plain.push(...report.plain.map(place));
  }
  const total = noCounts();
  for (const counts of directories.values()) addCounts(total, counts);
  return { directories, total, differences, plain };
}

function table({ directories, total }: Report): string {
  const rows = [
    ['directory', ...COLUMNS.map(([title]) => title)],
    ...[...directories, ['all', total] as const].map(([name, counts]) => [
      name,
      ...COLUMNS.map(([, of]) => of(counts).toLocaleString('en')),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column ? cell.padStart(widths[column]!) : cell.padEnd(widths[0]!)))
        .join('  '),
    )
    .join('\n');
}

function text(report: Report): string {
  const { total } = report;
  const refused = Object.entries(total.refused).sort(([, one], [, other]) => other - one);
  const assertions = `${total.plainAsTheScriptSays} of ${total.assertionsCompared} assertions`;
  return [
    table(report),
    '\nRefused by name:',
    ...refused.map(([feature, count]) => `  ${count} × ${feature}`),
    '\nModules that the suite says are wrong:',
    ...Object.entries(total.invalid).map(([kind, count]) => `  ${count} × ${kind}`),
    `\nThe plain run is as the suite says in ${assertions}; elsewhere (V8, or what needs a refused module):`,
    ...report.plain.map((line) => `  ${line}`),
    `\n${total.otherMessages} ends of the same kind in other words.`,
    `${total.scriptsOverflowed} metered scripts overflowed the engine's own stack.`,
    `${total.commandsUnknown} commands unknown.`,
    `\n${report.differences.length} differences between plain and metered:`,
    ...report.differences.map((line) => `  ${line}`),
  ].join('\n');
}

function json({ directories, ...rest }: Report): string {
  const report = { ...rest, directories: Object.fromEntries(directories) };
  const plainNumbers = (_: string, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value;
  return JSON.stringify(report, plainNumbers, 2);
}

if (process.argv[1] === import.meta.filename) {
  const { positionals, values: options } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      unmetered: { type: 'boolean', default: false },
    },
  });
  const [root] = positionals;
  if (!root || !existsSync(root) || scriptsIn(root).length === 0) {
    console.error('Name the directory of a clone of https://github.com/WebAssembly/testsuite.');
    process.exit(2);
  }
  const report = await runAll(root, options.unmetered ? unmetered : metered);
  console.log(options.json ? json(report) : text(report));
  process.exitCode = report.differences.length > 0 ? 1 : 0;
}
