/**
 * Goal: what docs/reference.md says of the reference's behaviours is so. Method: every test that is named
 * is looked for in its file, as a title, and the page must be what the table makes.
 */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { referencePage } from '../../scripts/reference-table.ts';
import { splitTest } from '../../scripts/test-links.ts';
import { AREAS, BEHAVIOURS } from './behaviours.ts';

const ROOT = new URL('../../', import.meta.url);

/** Whether a source has a text as a whole string, as titles are written. */
const hasTitle = (source: string, title: string): boolean =>
  [`'${title}'`, `"${title}"`, `\`${title}\``].some((quoted) => source.includes(quoted));

describe.each(BEHAVIOURS.filter(({ tests }) => tests.length > 0))('$area: $what', ({ tests }) => {
  test.each(tests)('%s', (named) => {
    const { path, title } = splitTest(named);
    expect(existsSync(new URL(path, ROOT)), `there is no ${path}`).toBe(true);
    expect(hasTitle(readFileSync(new URL(path, ROOT), 'utf8'), title)).toBe(true);
  });
});

test('a title that nobody has is not found, nor is a part of one', () => {
  expect(hasTitle("test('is kept', () => {})", 'is kept')).toBe(true);
  expect(hasTitle("test('is kept', () => {})", 'kept')).toBe(false);
});

test('each area has behaviours, and each behaviour a test, or why there is none', () => {
  expect(new Set(BEHAVIOURS.map(({ area }) => area))).toEqual(new Set(AREAS));
  for (const { what, became, how, tests } of BEHAVIOURS) {
    expect(tests.length > 0, what).toBe(became !== 'none');
    expect(became === 'kept' || how !== undefined, what).toBe(true);
  }
});

test('docs/reference.md is the table as it is: node scripts/reference-table.ts writes it', () => {
  expect(readFileSync(new URL('docs/reference.md', ROOT), 'utf8')).toBe(referencePage());
});
