/** What is to be granted, and what of it nobody asked for. */

import { GRANT_KINDS, type GrantKind, type GrantSpec, type Scopes } from './grant.ts';
import { isEmpty } from './scope.ts';

/** A grant that is wanted. */
export type WantedGrant = GrantSpec & {
  /**
   * What of it nobody asked for, so that a child gets what its parent has instead of being refused:
   * all of it, or how deep its children's generations go. Absent: it was asked for.
   */
  readonly implied?: 'scope' | 'depth';
};

/** How scopes are wanted. */
export interface Wanting {
  /** Of all that was asked for; what everybody has does not expire. */
  readonly expiresAtMs: number | null;
  readonly clocksImplied: boolean;
  readonly randomImplied: boolean;
  readonly depthImplied: boolean;
}

function impliedOf(kind: GrantKind, wanting: Wanting): WantedGrant['implied'] {
  switch (kind) {
    case 'clocks':
      return wanting.clocksImplied ? 'scope' : undefined;
    case 'random':
      return wanting.randomImplied ? 'scope' : undefined;
    case 'spawn':
      return wanting.depthImplied ? 'depth' : undefined;
    default:
      return undefined;
  }
}

/** Makes a list of scopes of each kind, leaving out those that are empty. */
export function wanted(
  scopes: { readonly [Kind in GrantKind]: readonly Scopes[Kind][] },
  wanting: Wanting,
): WantedGrant[] {
  return GRANT_KINDS.flatMap((kind) => {
    const implied = impliedOf(kind, wanting);
    return (scopes[kind] as readonly Scopes[typeof kind][])
      .filter((scope) => !isEmpty(kind, scope))
      .map(
        (scope) =>
          ({
            kind,
            // Its own sets: what a caller does to a preset's would be done to everybody's.
            scope: structuredClone(scope),
            expiresAtMs: implied === 'scope' ? null : wanting.expiresAtMs,
            ...(implied === undefined ? {} : { implied }),
          }) as WantedGrant,
      );
  });
}

/** Without those that nobody asked for: what a running agent is given more of. */
export function asked(grants: readonly WantedGrant[]): WantedGrant[] {
  return grants.filter(({ implied }) => implied !== 'scope');
}
