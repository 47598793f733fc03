/** Goal: what is said of peers follows from what was measured or published. Method: numbers that are made up. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { statsOf } from '../bench/measure.ts';
import { bitsOf, HASH, requireAnswer, requireBits } from '../bench/peers/job.ts';
import { publishedRows } from '../bench/peers/not-measured.ts';
import { programRows } from '../bench/peers/programs.ts';
import { rowsOf } from '../bench/peers/rows.ts';
import { type Measured, workOf } from '../bench/peers/running.ts';
import { NO_FENCES } from '../bench/peers/subject.ts';

function measured(lives: number[]): Measured {
  const none = { rates: [], computes: [], calls: [], callsInJob: 1, bytes: null };
  return { name: 'peer', fences: NO_FENCES, lives, ...none };
}

test('of what a job takes the shortest life that does nothing is left out', () => {
  expect(workOf(measured([3, 2, 9]), [12, 22])).toEqual([10, 20]);
});

test('a few rounds are told by the best of them, many by their middle and their 99th percentile', () => {
  const few = rowsOf('t', [{ name: 'peer' }], () => statsOf([3, 1, 2], 'ms'), 'peer');
  expect(few[0]?.value).toBe('1.00 ms, 1.00 to 3.00, median 2.00');
  const many = Array.from({ length: 200 }, (_, index) => index + 1);
  const rows = rowsOf('t', [{ name: 'peer' }], () => statsOf(many, 'ms'), 'peer');
  expect(rows[0]?.value).toBe('101 ms, 1.00 to 199 (p99)');
});

test('programs are a geometric mean of the least of their rounds against plain V8', () => {
  const times = (name: string, program: string, ms: number[]) => ({ name, program, ms });
  const [plain, peer] = programRows(
    [
      times('plain-v8', 'sieve', [10, 12]),
      times('peer', 'sieve', [80, 20]),
      times('plain-v8', 'sort', [10]),
      times('peer', 'sort', [80]),
    ],
    'plain-v8',
  );
  expect(plain?.ratio).toBe(1);
  expect(peer?.ratio).toBeCloseTo(4);
  expect(peer?.value).toBe('4.00, geometric mean of 2; worst 8.00 (sort)');
});

test('a subject that answers something else is no measure', () => {
  const program = { name: 'sieve', index: 1, argument: 10, bits: bitsOf(4) };
  expect(() => requireBits(program, bitsOf(4))).not.toThrow();
  expect(() => requireBits(program, bitsOf(5))).toThrow(/sieve answered/);
  expect(() => requireAnswer('compute', HASH)).not.toThrow();
  expect(() => requireAnswer('compute', HASH + 1)).toThrow(/compute answered/);
});

test('what is published and not measured says so, with its source, and docs/performance.md has it', () => {
  const doc = readFileSync(new URL('../docs/performance.md', import.meta.url), 'utf8');
  const rows = publishedRows();
  expect(rows.length).toBeGreaterThan(0);
  for (const { name, value, against, ratio } of rows) {
    expect(value).toContain('not measured here');
    expect(against).toMatch(/^https:\/\//);
    expect(ratio).toBeNull();
    const [, figure, date] = /^(.*) \(published (\S+), /.exec(value) ?? [];
    if (figure === undefined) continue;
    expect(doc).toContain(`| ${name.replace('published: ', '')} | ${figure} | ${date} |`);
    expect(doc).toContain(against);
  }
});
