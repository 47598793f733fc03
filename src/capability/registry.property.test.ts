/**
 * Goal: a grant is in force exactly until it or one above it is revoked, it expires, or its owner exits;
 * and nothing is kept for longer than it can matter. Method: random acts on a registry and on a plain
 * list of what was given, compared after each act.
 */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GrantSpec } from './grant.ts';
import { GrantRegistry } from './registry.ts';

interface Modelled {
  readonly id: number;
  readonly owner: number;
  readonly above: Modelled | null;
  readonly expiresAtMs: number;
  revoked: boolean;
}

const tool = (expiresAtMs: number | null): GrantSpec => ({
  kind: 'tools',
  scope: { allow: new Set(['add']), deny: new Set() },
  expiresAtMs,
});

const acts = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('grant' as const),
      owner: fc.nat(7),
      lasts: fc.option(fc.nat(5)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('spawn' as const),
      parent: fc.nat(7),
      lasts: fc.option(fc.nat(5)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('revoke' as const), grant: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('exit' as const), owner: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('wait' as const) }) },
);

/** The agents that live, and all that was ever given. */
class Model {
  now = 0;
  readonly living: number[] = [];
  readonly given: Modelled[] = [];
  nextPid = 1;

  spawn(): number {
    const pid = this.nextPid;
    this.nextPid += 1;
    this.living.push(pid);
    return pid;
  }

  isAlive = ({ owner }: Modelled): boolean => this.living.includes(owner);

  isInForce(grant: Modelled): boolean {
    return this.isAlive(grant) && !grant.revoked && this.now < grant.expiresAtMs;
  }

  below(grant: Modelled): Modelled[] {
    return this.given.filter((other) => {
      let above: Modelled | null = other;
      while (above !== null && above !== grant) {
        above = above.above;
      }
      return above === grant;
    });
  }
}

test('a registry does what its description says, whatever is done in whatever order', () => {
  const seen = { cascades: 0, orphansRevoked: 0, kept: 0 };
  fc.assert(
    fc.property(fc.array(acts, { minLength: 30, maxLength: 120 }), (sequence) => {
      const model = new Model();
      const registry = new GrantRegistry(() => model.now);
      const note = (issued: ReturnType<GrantRegistry['issue']>): void => {
        for (const { id, owner, parent, expiresAtMs } of issued) {
          const above = model.given.find((other) => other.id === parent) ?? null;
          const until = expiresAtMs ?? Number.POSITIVE_INFINITY;
          model.given.push({ id, owner, above, expiresAtMs: until, revoked: false });
        }
      };
      for (const step of sequence) {
        const pick = (index: number): number | undefined =>
          model.living[index % Math.max(1, model.living.length)];
        switch (step.act) {
          case 'grant': {
            const owner = pick(step.owner) ?? model.spawn();
            note(
              registry.issue(
                owner,
                [tool(step.lasts === null ? null : model.now + step.lasts)],
                null,
              ),
            );
            break;
          }
          case 'spawn': {
            const parent = pick(step.parent);
            const offers = model.given.filter(
              (grant) => grant.owner === parent && model.isInForce(grant),
            );
            const want = tool(step.lasts === null ? null : model.now + step.lasts);
            if (parent === undefined) {
              break;
            }
            if (offers.length === 0) {
              expect(() => registry.issue(99, [want], parent)).toThrow(/Cannot hand down/);
              break;
            }
            const issued = registry.issue(model.spawn(), [want], parent);
            expect(offers.map(({ id }) => id)).toContain(issued[0]?.parent);
            note(issued);
            break;
          }
          case 'revoke': {
            const grant = model.given[step.grant % Math.max(1, model.given.length)];
            if (grant === undefined) {
              break;
            }
            // Of one that nobody holds, and nothing from it, there is nothing left to revoke.
            const gone = model.below(grant).filter((each) => model.isAlive(each) && !each.revoked);
            expect(registry.revoke(grant.id).map(({ id }) => id)).toEqual(gone.map(({ id }) => id));
            seen.cascades += gone.length > 1 ? 1 : 0;
            seen.orphansRevoked += gone.length > 0 && !model.isAlive(grant) ? 1 : 0;
            for (const each of model.below(grant)) {
              each.revoked = true;
            }
            break;
          }
          case 'exit': {
            const owner = pick(step.owner);
            if (owner !== undefined) {
              model.living.splice(model.living.indexOf(owner), 1);
              registry.exited(owner);
            }
            break;
          }
          case 'wait':
            model.now += 2;
            break;
        }
        for (const grant of model.given) {
          expect(registry.isInForce(grant.id)).toBe(model.isInForce(grant));
        }
        for (const owner of model.living) {
          const held = model.given.filter((grant) => grant.owner === owner);
          expect(registry.of(owner).map(({ id }) => id)).toEqual(held.map(({ id }) => id));
        }
        const kept = model.given.filter((grant) => model.below(grant).some(model.isAlive));
        expect(registry.size).toBe(kept.length);
        seen.kept += kept.some((grant) => !model.isAlive(grant)) ? 1 : 0;
      }
    }),
    { numRuns: 300 },
  );
  // The sequences were such that it mattered.
  expect(Math.min(seen.cascades, seen.orphansRevoked, seen.kept)).toBeGreaterThan(0);
});
