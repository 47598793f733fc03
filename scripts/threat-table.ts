/**
 * Writes the table of hostile acts and their tests into docs/threat-model.md, out of
 * test/threats/families.ts: `node scripts/threat-table.ts`.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { ELSEWHERE, FAMILIES } from '../test/threats/families.ts';
import { cell, linkToTest } from './test-links.ts';

const PAGE = new URL('../docs/threat-model.md', import.meta.url);
const BEGIN = '<!-- the table of families: written by scripts/threat-table.ts -->';
const END = '<!-- its end -->';

/** The table: a row an act. */
export function familiesTable(): string {
  const rows = FAMILIES.toSorted((one, other) => one.family - other.family).map(
    ({ family, act, tests }) =>
      `| ${family} | ${cell(act)} | ${tests.map(linkToTest).join('<br>')} |`,
  );
  const later = [...ELSEWHERE].map(([family, where]) => `${family} (${where})`).join(', ');
  const left = later === '' ? [] : ['', `Not in this table yet: ${later}.`];
  return [
    '| family | what a hostile guest does | shown by |',
    '|---|---|---|',
    ...rows,
    ...left,
  ].join('\n');
}

/** The page with the table as it is now. */
export function pageWithTable(page: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new Error('docs/threat-model.md has no place for the table');
  }
  return `${page.slice(0, begin + BEGIN.length)}\n\n${familiesTable()}\n\n${page.slice(end)}`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(PAGE, pageWithTable(readFileSync(PAGE, 'utf8')));
}
