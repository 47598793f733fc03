/**
 * Goal: the algebra of scopes means what the gate does. Method: random scopes of every kind against all
 * single pids, names, paths, … that tell two of them apart, asked with the gate's own functions.
 */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inBoth, isSubset, reached, SCOPES, withoutChance } from '../../test/support/scopes.ts';
import { ALGEBRA } from './algebra.ts';
import { GRANT_KINDS, type GrantKind, type Scopes } from './grant.ts';
import { covers, intersect, isEmpty } from './scope.ts';

const RUNS = { numRuns: 2_000 };

describe.each(GRANT_KINDS)('%s', (kind: GrantKind) => {
  const scopes: fc.Arbitrary<Scopes[GrantKind]> = SCOPES[kind];

  test('one covers another if and only if it reaches all that the other does', () => {
    const seen = { covered: 0, not: 0 };
    fc.assert(
      fc.property(scopes, scopes, (wide, narrow) => {
        const means = isSubset(reached(kind, narrow), reached(kind, wide));
        seen[means ? 'covered' : 'not'] += 1;
        expect(covers(kind, wide, narrow)).toBe(means);
      }),
      RUNS,
    );
    // Neither answer is always right.
    expect(Math.min(seen.covered, seen.not)).toBeGreaterThan(0);
  });

  test('each covers itself, and what covers both ways reaches the same', () => {
    fc.assert(
      fc.property(scopes, scopes, (one, other) => {
        expect(covers(kind, one, one)).toBe(true);
        if (covers(kind, one, other) && covers(kind, other, one)) {
          expect(reached(kind, one)).toEqual(reached(kind, other));
        }
      }),
      RUNS,
    );
  });

  test('what is covered by what is covered is covered', () => {
    fc.assert(
      fc.property(scopes, scopes, scopes, (wide, middle, narrow) => {
        if (covers(kind, wide, middle) && covers(kind, middle, narrow)) {
          expect(covers(kind, wide, narrow)).toBe(true);
        }
      }),
      RUNS,
    );
  });

  test('an intersection is what both reach, and so the widest that both cover', () => {
    fc.assert(
      fc.property(scopes, scopes, scopes, (one, other, third) => {
        const both = intersect(kind, one, other);
        const common = inBoth(reached(kind, one), reached(kind, other));
        expect(isSubset(reached(kind, both), common)).toBe(true);
        expect(withoutChance(reached(kind, both))).toEqual(withoutChance(common));
        if (both !== null) {
          expect([covers(kind, one, both), covers(kind, other, both)]).toEqual([true, true]);
        }
        if (covers(kind, one, third) && covers(kind, other, third) && !isEmpty(kind, third)) {
          expect(both !== null && covers(kind, both, third)).toBe(true);
        }
      }),
      RUNS,
    );
  });

  test('what is empty reaches nothing, and nothing else does', () => {
    fc.assert(
      fc.property(scopes, (scope) => {
        expect(isEmpty(kind, scope)).toBe(reached(kind, scope).size === 0);
      }),
      RUNS,
    );
  });

  test('when a part is taken out, all that it did not reach is left', () => {
    const without = ALGEBRA[kind].without as
      | ((scope: Scopes[GrantKind], part: Scopes[GrantKind]) => Scopes[GrantKind])
      | undefined;
    fc.assert(
      fc.property(scopes, scopes, (scope, taken) => {
        const part = intersect(kind, scope, taken);
        if (without === undefined || part === null) {
          return;
        }
        const left = reached(kind, without(scope, part));
        expect(isSubset(left, reached(kind, scope))).toBe(true);
        const both = new Set([...left, ...reached(kind, part)]);
        expect(isSubset(withoutChance(reached(kind, scope)), both)).toBe(true);
      }),
      RUNS,
    );
  });
});
