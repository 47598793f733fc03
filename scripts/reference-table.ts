/**
 * Writes docs/reference.md, what became of each behaviour of the reference kernel and which test shows it,
 * out of test/reference/behaviours.ts: `node scripts/reference-table.ts`.
 */

import { writeFileSync } from 'node:fs';
import { AREAS, type Area, BEHAVIOURS } from '../test/reference/behaviours.ts';
import { cell, linkToTest } from './test-links.ts';

const PAGE = new URL('../docs/reference.md', import.meta.url);

function section(area: Area): string {
  const rows = BEHAVIOURS.filter((each) => each.area === area).map(
    ({ what, became, how, tests }) =>
      `| ${cell(what)} | ${became}${how === undefined ? '' : `: ${cell(how)}`} | ${tests.map(linkToTest).join('<br>') || '–'} |`,
  );
  const head = ['| what its tests are about | became | shown by |', '|---|---|---|'];
  return [`## ${area[0]?.toUpperCase()}${area.slice(1)}`, '', ...head, ...rows].join('\n');
}

/** The page. */
export const referencePage = (): string =>
  `${[
    '<!-- Written by scripts/reference-table.ts out of test/reference/behaviours.ts: do not edit. -->',
    '# What became of the reference',
    'Ringfence begins from a reference kernel. This page lists what the tests of that are about, area by area, in\n' +
      'our words, and which test of ours shows what became of it: `kept`; `fixed`, where it was promised and not\n' +
      'done, or done wrongly; `other`, where the same need is met in another way; `none`. A test looks for every\n' +
      'title that is named here.',
    ...AREAS.map(section),
  ].join('\n\n')}\n`;

if (process.argv[1] === import.meta.filename) {
  writeFileSync(PAGE, referencePage());
}
