/** Goal: what the benchmark suite says of numbers follows from them. Method: numbers that are made up. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { changesOf, tableOfChanges } from '../bench/against.ts';
import { type Row, statsOf } from '../bench/measure.ts';
import { machineNow, type Results, readResults, writeResults } from '../bench/results.ts';
import { table } from '../bench/table.ts';

const MAIN = fileURLToPath(new URL('../bench/main.ts', import.meta.url));

function rowOf(name: string, values: readonly number[], better: 'less' | 'more' = 'less'): Row {
  const stats = statsOf(values, 'ms', better);
  return { part: 'made', name, value: `${stats.median} ms`, ratio: null, against: '', stats };
}

/** What is said of one row whose three rounds had these medians. */
function verdictOf(now: number[], before: number[], better: 'less' | 'more' = 'less'): string {
  const rounds = (values: number[]) => values.map((value) => [rowOf('row', [value], better)]);
  return changesOf('made', 'abc', rounds(now), rounds(before))[0]?.verdict ?? 'none';
}

describe('two commits', () => {
  test('are told to differ only where all rounds of one lie apart from all of the other', () => {
    expect(verdictOf([20, 21, 22], [10, 11, 12])).toBe('worse');
    expect(verdictOf([10, 11, 12], [20, 21, 22])).toBe('better');
    expect(verdictOf([20, 21, 11], [10, 11, 12])).toBe('same');
    expect(verdictOf([12.5, 13, 13], [10, 11, 12])).toBe('same');
  });

  test('more is better where it is a rate', () => {
    expect(verdictOf([20, 21, 22], [10, 11, 12], 'more')).toBe('better');
    expect(verdictOf([10, 11, 12], [20, 21, 22], 'more')).toBe('worse');
  });

  test('a row that only one of them has is left out, and so is one without numbers', () => {
    const both = rowOf('both', [1]);
    const { stats: _, ...text } = rowOf('text', [1]);
    const rows = [both, rowOf('new', [1]), text];
    const changes = changesOf('made', 'abc', [rows], [[both, rowOf('gone', [1]), text]]);
    expect(changes.map(({ name }) => name)).toEqual(['both']);
    expect(tableOfChanges(changes)).toContain('0 worse, 0 better, 1 the same.');
  });
});

test('the table has the least, the middle and the most of the rounds', () => {
  const text = table([rowOf('many', [3, 1, 2, 1_000]), rowOf('one', [7])]);
  expect(text).toContain('| 1 … 3 … 1,000 ms (4) |');
  expect(text).not.toContain('7 … 7');
});

describe('results', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringfence-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('of a part take the place of what was measured before, and others stay', () => {
    const machine = machineNow(0);
    const resultsOf = (part: string, values: number[]): Results => ({
      part,
      commit: 'abc',
      date: '2026-01-01T00:00:00.000Z',
      machine,
      rows: [rowOf('row', values)],
    });
    writeResults(folder, [resultsOf('b', [1]), resultsOf('a', [1])]);
    writeResults(folder, [resultsOf('b', [2])]);
    const found = readResults(folder).map(({ part, rows }) => [part, rows[0]?.stats?.median]);
    expect(found).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  test('that are no JSON are an error, and are not written over', () => {
    writeFileSync(join(folder, 'results.json'), '[');
    expect(() => writeResults(folder, [])).toThrow(SyntaxError);
  });
});

test.each([
  [['nothing'], "There is no part 'nothing': choose among metering, "],
  [['--fast'], "Unknown option '--fast'"],
])('%j is told, with status 2', (args, expected) => {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr).toContain(expected);
});
