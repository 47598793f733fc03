/**
 * The grants of one agent where its host functions are: what the gate looks at.
 *
 * Whether a grant was revoked stands in memory that the kernel shares: once it has written there,
 * every check that begins later sees it, in whatever thread. A check begins with one look at the
 * control block's state; only when that has changed are the bits read.
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
  /** Whether it was revoked, when {@link HeldGrants.look} looked last. */
  revoked?: boolean;
}

/** Where the kernel writes that a grant was revoked; a control block. */
export interface RevocationBits {
  /** Changes with each revocation. */
  readonly state: number;
  isGrantRevoked(index: number): boolean;
}

/** Why a grant of a kind does not allow a call. */
export type Missing = 'not granted' | 'out of scope' | 'revoked' | 'expired';

type ByKind = { [Kind in GrantKind]: readonly HeldGrant<Kind>[] };

/** Most kinds are granted to few. */
const NONE: readonly never[] = [];

/** The grants of one agent. */
export class HeldGrants {
  /** By kind, in the order of their granting; those that are no longer in force included. */
  readonly of: Readonly<ByKind> = {
    ipc: NONE,
    network: NONE,
    tools: NONE,
    services: NONE,
    spawn: NONE,
    files: NONE,
    clocks: NONE,
    random: NONE,
  };
  readonly #bits: RevocationBits;
  #seen: number;

  constructor(bits: RevocationBits, grants: readonly HeldGrant[] = []) {
    this.#bits = bits;
    this.#seen = bits.state;
    for (const grant of grants) {
      this.add(grant);
    }
  }

  /** Sees what was revoked meanwhile; the gate does it first. Answers whether anything has changed. */
  look(): boolean {
    const { state } = this.#bits;
    return state !== this.#seen && this.#lookAgain(state);
  }

  #lookAgain(state: number): true {
    this.#seen = state;
    for (const grants of Object.values(this.of) as (readonly HeldGrant[])[]) {
      for (const grant of grants) {
        grant.revoked = this.#bits.isGrantRevoked(grant.index);
      }
    }
    return true;
  }

  /** Adds a grant that was given to the running agent. */
  add<Kind extends GrantKind>(grant: HeldGrant<Kind>): void {
    grant.revoked = this.#bits.isGrantRevoked(grant.index);
    // Seldom, and so that whoever goes through the others is not disturbed. The first stands
    // in a list of one: one that has grown has room for 16 more.
    const grants: readonly HeldGrant[] = this.of[grant.kind];
    (this.of as Record<GrantKind, readonly HeldGrant[]>)[grant.kind] =
      grants.length === 0 ? [grant] : [...grants, grant];
  }

  /** Whether a grant is not expired now, and was not revoked at the last {@link look}. */
  inForce(grant: HeldGrant): boolean {
    return (
      grant.revoked !== true &&
      // The system's clock, as an expiry is a date: others stop while the machine sleeps.
      (grant.expiresAtMs === Number.POSITIVE_INFINITY || Date.now() < grant.expiresAtMs)
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
    return grants.some(({ revoked }) => revoked !== true) ? 'expired' : 'revoked';
  }
}
