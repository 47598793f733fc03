/**
 * Goal: nobody takes a skipped program for one that passed. Method: say which are skipped and why, and
 * compare what was built with what is tested.
 */

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { STATUS_FILE, whyNot } from './pair.ts';
import { ALL_PROGRAMS } from './programs.ts';

const skipped = ALL_PROGRAMS.flatMap((program) => {
  const why = whyNot(program);
  return why === null ? [] : [`${program.name}: ${why}`];
});

test(`says what is skipped: ${skipped.length === 0 ? 'nothing' : skipped.join('; ')}`, () => {
  const compared = ALL_PROGRAMS.length - skipped.length;
  console.log(
    [`programs: ${compared} compared, ${skipped.length} skipped`, ...skipped].join('\n  '),
  );
  if (existsSync(STATUS_FILE)) {
    const built = Object.keys(JSON.parse(readFileSync(STATUS_FILE, 'utf8'))).sort();
    expect(built).toEqual(ALL_PROGRAMS.map(({ name }) => name).sort());
  } else {
    expect(compared).toBe(0);
  }
});
