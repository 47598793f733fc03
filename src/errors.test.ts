import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('docs/library.md says of every code what it means, and of no other', () => {
  const codes = [...read('./errors.ts').matchAll(/^ {2}\| '(RF_[A-Z_]+)'/gm)].map(
    ([, code]) => code,
  );
  const table = read('../docs/library.md')
    .split('\n')
    .filter((line) => line.startsWith('| `RF_'))
    .map((line) => line.split(' | ')[0]!)
    .join();
  const documented = [...table.matchAll(/`(RF_[A-Z_]+)`/g)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(0);
  expect(documented.toSorted()).toEqual(codes.toSorted());
});
