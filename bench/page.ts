/** The page of results: a table and plots for each part, without a script or anything from elsewhere. */

import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Row } from './measure.ts';
import { describeMachine, type Results } from './results.ts';
import { spreadOf } from './table.ts';

const WIDTH = 560;

/** The whole page, as HTML. */
export async function pageOf(all: readonly Results[]): Promise<string> {
  const sections: string[] = [];
  for (const results of all) sections.push(await sectionOf(results));
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ringfence: what it costs</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
  table { border-collapse: collapse; display: block; overflow-x: auto; font-variant-numeric: tabular-nums; }
  td, th { padding: 0.15rem 0.8rem 0.15rem 0; text-align: left; border-bottom: 1px solid #ddd; white-space: nowrap; }
  td.number { text-align: right; }
  svg { max-width: 100%; height: auto; }
  .of { color: #666; }
</style>
<h1>What it costs</h1>
<p>Ratios are taken in one run, in turns; times depend on the machine. Plots of times and rates have
logarithmic scales.</p>
${sections.join('\n')}
</html>
`;
}

async function sectionOf({ part, commit, date, machine, rows }: Results): Promise<string> {
  const plots: string[] = [];
  for (const title of new Set(rows.flatMap(({ plot }) => plot ?? []))) {
    const bars = rows.filter((row) => row.plot === title && row.stats !== undefined);
    if (bars.length > 0) plots.push(await svgOf(barsOf(title, bars)));
  }
  for (const row of rows) {
    if (row.points !== undefined) plots.push(await svgOf(lineOf(row)));
  }
  const of = `${commit}, ${date}; ${describeMachine(machine)}`;
  return `<h2>${escaped(part)}</h2>
<p class="of">${escaped(of)}</p>
${plots.join('\n')}
<table>
<tr><th>what<th>measured<th>min … median … max (rounds)<th>ratio<th>against</tr>
${rows.map(lineOfTable).join('\n')}
</table>`;
}

function lineOfTable({ name, value, ratio, against, stats }: Row): string {
  const shown = ratio === null ? '' : ratio.toFixed(2);
  return `<tr><td>${escaped(name)}<td>${escaped(value)}<td>${escaped(spreadOf(stats))}<td class="number">${shown}<td>${escaped(against)}</tr>`;
}

/** Bars from the least to the middle of what was measured. */
function barsOf(title: string, rows: readonly Row[]): TopLevelSpec {
  const values = rows.flatMap(({ name, stats }) =>
    stats === undefined || stats.median <= 0
      ? []
      : [{ name: name.replace(`${title}: `, ''), median: stats.median }],
  );
  const [first] = rows;
  const axis = `${title}, ${first?.stats?.unit ?? ''} (${first?.stats?.better ?? ''} is better)`;
  return {
    width: WIDTH,
    title: axis,
    data: { values },
    encoding: {
      y: {
        field: 'name',
        type: 'nominal',
        title: null,
        axis: { labelLimit: 300 },
        sort: {
          field: 'median',
          order: first?.stats?.better === 'more' ? 'descending' : 'ascending',
        },
      },
      x: { field: 'median', type: 'quantitative', scale: { type: 'log' }, title: null },
    },
    layer: [
      {
        mark: { type: 'point', filled: true, size: 70 },
        encoding: {
          color: {
            condition: { test: "datum.name == 'ringfence'", value: '#c2410c' },
            value: '#64748b',
          },
        },
      },
    ],
  };
}

/** How something grows. */
function lineOf({ name, points = [], stats, value }: Row): TopLevelSpec {
  return {
    width: WIDTH,
    title: `${name}: ${value}`,
    data: { values: points.map(([x, y]) => ({ x, y })) },
    mark: { type: 'line', point: true, color: '#c2410c' },
    encoding: {
      x: { field: 'x', type: 'quantitative', scale: { type: 'log' }, title: null },
      y: {
        field: 'y',
        type: 'quantitative',
        scale: { type: 'log' },
        title: stats?.unit ?? null,
      },
    },
  };
}

async function svgOf(spec: TopLevelSpec): Promise<string> {
  const { spec: compiled } = compile({ ...spec, background: 'white' });
  return await new View(parse(compiled), { renderer: 'none' }).toSVG();
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
