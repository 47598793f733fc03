/** The figures of the README: made of results/, so that they are what was measured. */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Row, Stats } from './measure.ts';
import { RESULTS, type Results, readResults } from './results.ts';

const README = fileURLToPath(new URL('../README.md', import.meta.url));
const BEGIN = '<!-- figures of bench/results, by npm run bench -- --figures -->\n';
const END = '<!-- end of figures -->\n';

const OURS = 'ringfence';

/** Columns: the titles of the peers' measures, and what people read above them. */
const MEASURES = [
  ['start to end', 'start to end'],
  ['sustained', 'a second'],
  ['compute', 'compute'],
  ['programs', 'ten programs'],
  ['host call', 'host call'],
  ['memory of one', 'memory'],
] as const;

/** @throws {Error} where nothing was measured, or the README has no place for it */
export function withFigures(readme: string, all: readonly Results[]): string {
  const peers = all.find(({ part }) => part === 'peers');
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (peers === undefined) throw new Error('There are no results of the part peers: measure it.');
  if (from < 0 || to < from) throw new Error(`README.md has no line ${BEGIN.trim()}.`);
  return `${readme.slice(0, from + BEGIN.length)}\n${figuresOf(peers)}\n${readme.slice(to)}`;
}

/** Writes them into the README. */
export function writeFigures(): void {
  writeFileSync(README, withFigures(readFileSync(README, 'utf8'), readResults(RESULTS)));
}

function figuresOf({ rows, machine, commit }: Results): string {
  const found = rows.flatMap(({ name }) => afterTitle(name, 'start to end') ?? []);
  const names = [OURS, ...found.filter((name) => name !== OURS)];
  const lines = names.map((name) => {
    const cells = MEASURES.map(([title]) => {
      const row = rows.find((each) => each.name === `${title}: ${name}`);
      return row?.stats === undefined ? '' : shown(row.stats);
    });
    const lacks = rows.find((each) => each.name === `fences: ${name}`)?.value ?? '';
    return `| ${[name === OURS ? `**${name}**` : name, ...cells, lacks].join(' | ')} |`;
  });
  const head = ['', ...MEASURES.map(([, column]) => column), 'what it does not do'];
  return [
    `| ${head.join(' | ')} |`,
    `|---|${'---:|'.repeat(MEASURES.length)}---|`,
    ...lines,
    '',
    `Medians of one run, each in a process of its own and in turns (ten programs: times of plain V8), on ${machine.cores} cores with Node ${machine.node.slice(1)},`,
    `commit ${commit}. [All results](bench/results/index.html), [what they mean](docs/performance.md).`,
    '',
  ].join('\n');
}

function afterTitle(name: Row['name'], title: string): string | null {
  return name.startsWith(`${title}: `) ? name.slice(title.length + 2) : null;
}

const UNITS: Readonly<Record<string, readonly [number, string]>> = {
  µs: [1e-6, 's'],
  ms: [1e-3, 's'],
  ns: [1e-9, 's'],
  KiB: [1024, 'B'],
  'a second': [1, ''],
  '× plain V8': [1, '×'],
};
const STEPS = {
  s: [
    [1, 's'],
    [1e-3, 'ms'],
    [1e-6, 'µs'],
    [1e-9, 'ns'],
  ],
  B: [
    [1024 * 1024, 'MiB'],
    [1024, 'KiB'],
    [1, 'B'],
  ],
} as const;

/** Two digits that count, in the unit that fits. */
function shown({ unit, median }: Stats): string {
  const [factor, kind] = UNITS[unit] ?? [1, ''];
  const value = median * factor;
  if (kind === '×') return `${value.toFixed(2)}×`;
  if (kind === '') return Number(value.toPrecision(2)).toLocaleString('en');
  const steps = STEPS[kind as keyof typeof STEPS];
  const [size, name] = steps.find(([least]) => Math.abs(value) >= least) ?? steps.at(-1)!;
  return `${Number((value / size).toPrecision(2))} ${name}`;
}
