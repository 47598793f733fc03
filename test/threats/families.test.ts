/**
 * Goal: what is said of the families of hostile acts is so. Method: every test that is named is looked
 * for in its file, and every family of the sixty has its tests or says where they are.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { pageWithTable } from '../../scripts/threat-table.ts';
import { ELSEWHERE, FAMILIES } from './families.ts';

const ROOT = new URL('../../', import.meta.url);
const FAMILY_COUNT = 60;

describe.each(FAMILIES)('family $family: $act', ({ tests }) => {
  test.each(tests)('%s', (named) => {
    const [path = '', title = ''] = named.split(/: (.*)/s);
    expect(existsSync(new URL(path, ROOT)), `there is no ${path}`).toBe(true);
    expect(title.length).toBeGreaterThan(3);
    expect(readFileSync(new URL(path, ROOT), 'utf8')).toContain(title);
  });
});

test('every family has tests, or says where they are', () => {
  const here = new Set(FAMILIES.map(({ family }) => family));
  const all = Array.from({ length: FAMILY_COUNT }, (_, at) => at + 1);
  expect(all.filter((family) => !here.has(family) && !ELSEWHERE.has(family))).toEqual([]);
  expect(all.filter((family) => here.has(family) && ELSEWHERE.has(family))).toEqual([]);
  expect(FAMILIES.every(({ tests }) => tests.length > 0)).toBe(true);
});

test('docs/threat-model.md has the table as it is: node scripts/threat-table.ts writes it', () => {
  const page = readFileSync(new URL('docs/threat-model.md', ROOT), 'utf8');
  expect(pageWithTable(page)).toBe(page);
});

test('the tests of this folder begin with the numbers of their families', () => {
  const folder = new URL('./', import.meta.url);
  const files = readdirSync(folder).filter((name) => /\.test\.ts$/.test(name));
  const others = new Set(['families.test.ts']);
  for (const name of files.filter((each) => !others.has(each))) {
    const source = readFileSync(new URL(name, folder), 'utf8');
    const titles = [...source.matchAll(/^\s*(?:it\(\s*|\][^\n]*\)\(\s*)(['"])(.*?)\1/gms)];
    for (const [, , title = ''] of titles) {
      expect(title, name).toMatch(/^(?:\d\d|%s)/);
    }
  }
});
