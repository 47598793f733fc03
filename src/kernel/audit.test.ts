import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonical, digestOf } from '../audit/canonical.ts';
import { scopeText } from './audit.ts';

it('a scope is written as canonical JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      fc.pre(!JSON.stringify(value).includes('"seed"'));
      expect(scopeText(value)).toBe(canonical(value));
    }),
  );
});

it('sets are lists in order, a seed is its hash, and what JSON has no word for is not there', () => {
  const scope = { pids: new Set([3, 1]), topics: 'all', rest: undefined, max: Infinity, seed: 's' };
  expect(scopeText(scope)).toBe(
    `{"max":null,"pids":[1,3],"seed_sha256":"${digestOf('s')}","topics":"all"}`,
  );
  expect(scopeText({ seed: null })).toBe('{"seed":null}');
});
