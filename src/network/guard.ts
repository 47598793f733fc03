/**
 * The guard: whether a grant reaches a target, and each address that its name leads to. Whoever connects
 * connects to an address that it has answered, and looks up no name.
 */

import { addressClass } from '../capability/address.ts';
import type { HeldGrant } from '../capability/held.ts';
import { addressOfHost, isLocalName } from '../capability/host.ts';
import { type NetworkTarget, reachedAddresses, reachedSecrets } from '../capability/network.ts';
import type { NetworkFailure } from './exchange.ts';
import type { Resolved, Resolver } from './resolver.ts';

/** The grants of whoever wants something of the network. */
export interface NetworkAccess {
  /** Those in force now, in the order of their granting. */
  grants(): readonly HeldGrant<'network'>[];
}

/** A target that may be reached: by which grant, and where. */
export interface Allowed {
  readonly grant: HeldGrant<'network'>;
  /** Of each address, the grant reaches its class. */
  readonly addresses: readonly string[];
  /** All classes at which the grant reaches the target: who may reuse the connection must have the same. */
  readonly classes: string;
  /** Secrets that the grant adds to the request, as `NAME:header`. */
  readonly secrets: ReadonlySet<string>;
}

/** What the guard says: `denied` is a refusal by what was granted, and counts as one. */
export type Verdict =
  | { readonly allowed: Allowed }
  | { readonly failure: NetworkFailure; readonly denied: boolean };

const DENIED: Verdict = { failure: { tag: 'HTTP-request-denied' }, denied: true };
const PROHIBITED: Verdict = { failure: { tag: 'destination-IP-prohibited' }, denied: true };

/** RFC 6761: what leads to this machine itself, whatever a server says. */
const LOCAL_ADDRESSES = ['127.0.0.1', '::1'];

/** Looks at targets before anybody connects to them. */
export class NetworkGuard {
  readonly #resolver: Resolver;

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  /**
   * Whether a target may be reached, and at which addresses. One address that no grant reaches refuses the
   * target: a name that leads to the inside as well is one that is no longer trusted.
   */
  async check(access: NetworkAccess, target: NetworkTarget, signal: AbortSignal): Promise<Verdict> {
    if (!this.#reaches(access, target)) {
      return DENIED;
    }
    const resolved = await this.resolve(target.host, signal);
    if ('failure' in resolved) {
      return { failure: resolved.failure, denied: false };
    }
    const { addresses } = resolved;
    // Again: a grant may be gone meanwhile.
    const found = new Set(addresses.map(addressClass));
    const reaching = access.grants().flatMap((grant): Allowed[] => {
      const classes = reachedAddresses([grant.scope], target);
      const [...wanted] = found;
      const reached = wanted.filter((each) => each !== null && classes.has(each));
      if (reached.length < wanted.length) {
        return [];
      }
      const secrets = reachedSecrets(
        grant.scope,
        target,
        reached.filter((each) => each !== null),
      );
      return [{ grant, addresses, classes: [...classes].sort().join(' '), secrets }];
    });
    const allowed = reaching.find(({ secrets }) => secrets.size > 0) ?? reaching[0];
    if (allowed !== undefined) {
      return { allowed };
    }
    return this.#reaches(access, target) ? PROHIBITED : DENIED;
  }

  #reaches(access: NetworkAccess, target: NetworkTarget): boolean {
    return access.grants().some(({ scope }) => reachedAddresses([scope], target).size > 0);
  }

  /** The addresses of a canonical host; nobody is asked for those of an address, or of this machine. */
  resolve(host: string, signal: AbortSignal): Promise<Resolved> {
    const address = addressOfHost(host);
    if (address !== null) {
      return Promise.resolve({ addresses: [address] });
    }
    if (isLocalName(host)) {
      return Promise.resolve({ addresses: LOCAL_ADDRESSES });
    }
    return this.#resolver.resolve(host, signal);
  }
}
