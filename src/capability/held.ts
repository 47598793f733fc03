/**
 * The grants of one agent where its host functions are: what the gate looks at.
 *
 * Whether a grant was revoked stands in memory that the kernel shares: once it has written there,
 * every check that begins later sees it, in whatever thread.
 */

import type { GrantKind, Scopes } from './grant.ts';

/** A grant as the agent's worker holds it; it crosses threads and processes as it is. */
export interface HeldGrant<Kind extends GrantKind = GrantKind> {
  readonly id: number;
  readonly kind: Kind;
  /** Which of the agent's bits says that it was revoked. */
  readonly index: number;
  readonly scope: Scopes[Kind];
  /** Milliseconds since 1970; Infinity: never. */
  readonly expiresAtMs: number;
}

/** Where the kernel writes that a grant was revoked; a control block. */
export interface RevocationBits {
  isGrantRevoked(index: number): boolean;
}

/** Why a grant of a kind does not allow a call. */
export type Missing = 'not granted' | 'out of scope' | 'revoked' | 'expired';

type ByKind = { readonly [Kind in GrantKind]: HeldGrant<Kind>[] };

/** The grants of one agent. */
export class HeldGrants {
  /** By kind, in the order of their granting; those that are no longer in force included. */
  readonly of: ByKind = {
    ipc: [],
    network: [],
    tools: [],
    services: [],
    spawn: [],
    files: [],
    clocks: [],
    random: [],
  };
  readonly #bits: RevocationBits;

  constructor(bits: RevocationBits, grants: readonly HeldGrant[] = []) {
    this.#bits = bits;
    for (const grant of grants) {
      this.add(grant);
    }
  }

  /** Adds a grant that was given to the running agent. */
  add<Kind extends GrantKind>(grant: HeldGrant<Kind>): void {
    (this.of[grant.kind] as HeldGrant<Kind>[]).push(grant);
  }

  /** Whether a grant is neither revoked nor expired, now. */
  inForce(grant: HeldGrant): boolean {
    return (
      !this.#bits.isGrantRevoked(grant.index) &&
      (grant.expiresAtMs === Number.POSITIVE_INFINITY ||
        performance.timeOrigin + performance.now() < grant.expiresAtMs)
    );
  }

  /** The first grant of a kind that is in force; null: there is none. */
  first<Kind extends GrantKind>(kind: Kind): HeldGrant<Kind> | null {
    const grants = this.of[kind];
    for (let index = 0; index < grants.length; index += 1) {
      const grant = grants[index] as HeldGrant<Kind>;
      if (this.inForce(grant)) {
        return grant;
      }
    }
    return null;
  }

  /** Why no grant of a kind allowed a call, for the message about it. */
  missing(kind: GrantKind): Missing {
    const grants: readonly HeldGrant[] = this.of[kind];
    if (grants.length === 0) {
      return 'not granted';
    }
    if (grants.some((grant) => this.inForce(grant))) {
      return 'out of scope';
    }
    return grants.some(({ index }) => !this.#bits.isGrantRevoked(index)) ? 'expired' : 'revoked';
  }
}
