/**
 * Goal: what is handed down is never wider than what it comes from. Method: random grants of a parent and
 * random wishes of a child, compared by all single things that they reach; then whole chains of spawns.
 */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSubset, reached, SCOPES, withoutChance } from '../../test/support/scopes.ts';
import { attenuate, handedDown } from './attenuate.ts';
import { GRANT_KINDS, type Grant, type GrantKind, type GrantSpec, type Scopes } from './grant.ts';
import { GrantRegistry } from './registry.ts';
import { covers } from './scope.ts';

type AnyScope = Scopes[GrantKind];

const expiries = fc.constantFrom(null, 1_000, 2_000);

const specOf = (kind: GrantKind, scope: AnyScope, expiresAtMs: number | null): GrantSpec =>
  ({ kind, scope, expiresAtMs }) as GrantSpec;

const specs = (kind: GrantKind): fc.Arbitrary<GrantSpec> =>
  fc
    .tuple(SCOPES[kind] as fc.Arbitrary<AnyScope>, expiries)
    .map(([scope, expiresAtMs]) => specOf(kind, scope, expiresAtMs));

const asGrants = (given: readonly GrantSpec[]): Grant[] =>
  given.map((spec, index) => ({ ...spec, id: index + 1, owner: 1, parent: null }) as Grant);

/** Answers what was derived; null: it was refused. */
function tryAttenuate(held: readonly Grant[], want: GrantSpec) {
  try {
    return attenuate(held, [want]);
  } catch (error) {
    expect(error).toMatchObject({ code: 'RF_CAPABILITY_DENIED' });
    return null;
  }
}

const union = (sets: readonly ReadonlySet<string>[]): Set<string> =>
  new Set(sets.flatMap((set) => [...set]));

const until = (expiresAtMs: number | null): number => expiresAtMs ?? Number.POSITIVE_INFINITY;

describe.each(GRANT_KINDS)('%s', (kind: GrantKind) => {
  const held = fc.array(specs(kind), { maxLength: 4 }).map(asGrants);

  test('is given in full, within the grants it comes from, or refused', () => {
    const seen = { given: 0, refused: 0, divided: 0 };
    fc.assert(
      fc.property(held, specs(kind), (grants, want) => {
        const derived = tryAttenuate(grants, want);
        const offers = grants.map(({ scope }) => handedDown<GrantKind>(kind, scope));
        if (derived === null) {
          seen.refused += 1;
          const all = union(offers.map((offer) => reached(kind, offer)));
          // Of the modes of a directory, and of what is reached by chance, one grant can't have the half.
          expect(
            kind === 'files'
              ? offers.some((offer) => offer !== null && covers<GrantKind>(kind, offer, want.scope))
              : isSubset(reached<GrantKind>(kind, want.scope), withoutChance(all)),
          ).toBe(false);
          return;
        }
        seen.given += 1;
        seen.divided += derived.length > 1 ? 1 : 0;
        for (const { spec, parent } of derived) {
          const from = grants[parent - 1];
          const offer = offers[parent - 1] ?? null;
          expect(isSubset(reached(kind, spec.scope), reached(kind, offer))).toBe(true);
          expect(until(spec.expiresAtMs)).toBeLessThanOrEqual(until(from?.expiresAtMs ?? null));
          expect(until(spec.expiresAtMs)).toBeLessThanOrEqual(until(want.expiresAtMs));
        }
        const given = union(derived.map(({ spec }) => reached(kind, spec.scope)));
        expect(withoutChance(given)).toEqual(withoutChance(reached(kind, want.scope)));
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(seen.given, seen.refused)).toBeGreaterThan(0);
    // These are divided, too, but seldom: attenuate.test.ts has one of each.
    if (kind !== 'spawn' && kind !== 'network') {
      expect(seen.divided > 0).toBe(['ipc', 'tools', 'services'].includes(kind));
    }
  });

  test('is narrowed to what the parent has where nobody asked for it', () => {
    fc.assert(
      fc.property(held, specs(kind), (grants, want) => {
        const derived = attenuate(grants, [{ ...want, implied: 'scope' }]);
        expect(derived.length).toBeLessThanOrEqual(1);
        for (const { spec, parent } of derived) {
          const scope = grants[parent - 1]?.scope as AnyScope;
          const given = reached(kind, spec.scope);
          expect(isSubset(given, reached(kind, handedDown<GrantKind>(kind, scope)))).toBe(true);
          expect(isSubset(given, reached(kind, want.scope))).toBe(true);
        }
      }),
    );
  });
});

/** What agents reach of a kind, without their own parents: each has another. */
const reachedByAll = (kind: GrantKind, grants: readonly Grant[]): Set<string> =>
  union(
    grants
      .filter((grant) => grant.kind === kind)
      .map(({ scope }) =>
        reached(kind, kind === 'ipc' ? ({ ...scope, parent: false } as AnyScope) : scope),
      ),
  );

test('along a chain of spawns nobody reaches more, or for longer, than any above', () => {
  const wishes = fc.array(fc.constantFrom(...GRANT_KINDS).chain(specs), { maxLength: 6 });
  let spawned = 0;
  fc.assert(
    fc.property(fc.array(wishes, { minLength: 2, maxLength: 5 }), (generations) => {
      let now = 0;
      const registry = new GrantRegistry(() => now);
      generations.forEach((generation, index) => {
        // What is refused is left out, so that chains get long.
        for (const want of generation) {
          try {
            registry.issue(index + 1, [want], index === 0 ? null : index);
            spawned += index > 0 ? 1 : 0;
          } catch (error) {
            expect(error).toMatchObject({ code: 'RF_CAPABILITY_DENIED' });
          }
        }
      });
      for (now of [0, 1_500, 3_000]) {
        const inForce = generations.map((_, index) =>
          registry.of(index + 1).filter(({ id }) => registry.isInForce(id)),
        );
        inForce.slice(1).forEach((grants, above) => {
          for (const kind of GRANT_KINDS) {
            const most = reachedByAll(kind, inForce[above] ?? []);
            expect(isSubset(reachedByAll(kind, grants), most)).toBe(true);
          }
        });
      }
    }),
    { numRuns: 500 },
  );
  expect(spawned).toBeGreaterThan(100);
});
