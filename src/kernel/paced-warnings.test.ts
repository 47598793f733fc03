import { expect, test } from 'vitest';
import { PacedWarnings, WARNINGS_EACH_MS } from './paced-warnings.ts';

test('one of many warnings is told in ten seconds, and how many were not', () => {
  const told: string[] = [];
  let nowMs = 5;
  const warnings = new PacedWarnings(
    (text) => told.push(text),
    () => nowMs,
  );
  for (let each = 0; each < 1_000; each += 1) {
    warnings.tell(`warning ${each}`);
  }
  expect(told).toEqual(['warning 0']);
  nowMs += WARNINGS_EACH_MS;
  warnings.tell('a later one');
  expect(told.slice(1)).toEqual(['999 more warnings were left out', 'a later one']);
  warnings.tell('another');
  warnings.end();
  warnings.end();
  expect(told.slice(3)).toEqual(['1 more warnings were left out']);
  nowMs += WARNINGS_EACH_MS;
  warnings.tell('the last');
  expect(told.at(-1)).toBe('the last');
});
