/** Goal: the README's figures are those that were measured. Method: they are made anew of the committed results. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withFigures } from '../bench/figures.ts';
import { RESULTS, readResults } from '../bench/results.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const results = readResults(RESULTS);

test('the README has the figures of bench/results', () => {
  expect(withFigures(readme, results)).toBe(readme);
});

test('other results would be seen', () => {
  const faster = results.map((each) => ({
    ...each,
    rows: each.rows.map((row) =>
      row.stats === undefined
        ? row
        : { ...row, stats: { ...row.stats, median: row.stats.median / 2 } },
    ),
  }));
  expect(withFigures(readme, faster)).not.toBe(readme);
});

test('every committed result says which commit and which machine it is of', () => {
  expect(results.length).toBeGreaterThan(0);
  for (const { part, commit, machine, rows } of results) {
    expect(commit, part).toMatch(/^[0-9a-f]{12}$/);
    expect(machine.node, part).toMatch(/^v\d+/);
    expect(rows.length, part).toBeGreaterThan(0);
  }
});
