/**
 * What an agent's grants of the network reach with a socket, address by address.
 *
 * A socket names an address, a rule may name a host: such a rule reaches the addresses that the agent
 * itself was given when it looked the name up here, for a while. An address that it has from anywhere
 * else is reached only by a rule that names it, or any.
 */

import { addressClass } from '../../capability/address.ts';
import type {
  AddressClass,
  NetworkRule,
  NetworkScope,
  ReachableClass,
} from '../../capability/grant.ts';
import type { HeldGrant, HeldGrants } from '../../capability/held.ts';
import { bracketed, coversHost } from '../../capability/host.ts';
import { type NetworkTarget, reachedAddresses } from '../../capability/network.ts';
import { FOUND_MAX, FOUND_MS } from './caps.ts';
import type { Endpoint } from './request.ts';

/** What a socket speaks. */
export type SocketScheme = 'tcp' | 'udp';

const UNSPECIFIED: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

const isOfSockets = ({ listen, schemes }: NetworkRule): boolean =>
  !listen && (schemes.has('tcp') || schemes.has('udp'));

/** The grants of one agent, and the names that it has looked up. */
export class Reach {
  readonly #grants: HeldGrants;
  readonly #now: () => number;
  /** When each name was found to have an address. */
  readonly #found = new Map<string, Map<string, number>>();
  #foundCount = 0;

  constructor(grants: HeldGrants, now: () => number = Date.now) {
    this.#grants = grants;
    this.#now = now;
  }

  /** Sees what was revoked meanwhile. */
  look(): void {
    this.#grants.look();
  }

  isInForce(grant: HeldGrant): boolean {
    return this.#grants.inForce(grant);
  }

  /** The grant under which something may be sent there; null: there is none. */
  sending(scheme: SocketScheme, { address, port }: Endpoint): HeldGrant<'network'> | null {
    const found = addressClass(address);
    if (found === null) {
      return null;
    }
    return this.#reaching({ scheme, port, listen: false }, this.#hostsOf(address, found), found);
  }

  /** The grant under which an address of this machine may be listened at; null: there is none. */
  listening(scheme: SocketScheme, { address, port }: Endpoint): HeldGrant<'network'> | null {
    const found = UNSPECIFIED.has(address) ? 'unspecified' : addressClass(address);
    if (found === null) {
      return null;
    }
    const hosts = [bracketed(address), ...(found === 'loopback' ? ['localhost'] : [])];
    return this.#reaching({ scheme, port, listen: true }, hosts, found);
  }

  /** The grant under which somebody may be asked by datagrams; null: there is none. */
  asking(): HeldGrant<'network'> | null {
    return this.#first(({ rules }) =>
      rules.some((rule) => !rule.listen && rule.schemes.has('udp')),
    );
  }

  /** Any grant; null: there is none. */
  any(): HeldGrant<'network'> | null {
    return this.#first(() => true);
  }

  /** The grant under which a name may be looked up: one whose rule reaches it. Null: there is none. */
  lookingUp(name: string): HeldGrant<'network'> | null {
    return this.#first(({ rules }) =>
      rules.some((rule) => isOfSockets(rule) && coversHost(rule.host, name)),
    );
  }

  /** A name was looked up: answers those of its addresses that a rule reaches by it. */
  found(name: string, addresses: readonly string[]): string[] {
    const classes = this.#classesOf(name);
    return addresses.filter((address) => {
      const found = addressClass(address);
      const isReached = found !== null && classes.has(found);
      if (isReached) {
        this.#remember(address, name);
      }
      return isReached;
    });
  }

  #classesOf(name: string): Set<AddressClass> {
    const classes = new Set<AddressClass>();
    for (const grant of this.#grants.of.network) {
      for (const rule of this.isInForce(grant) ? grant.scope.rules : []) {
        if (isOfSockets(rule) && coversHost(rule.host, name)) {
          for (const found of rule.addresses) {
            if (found !== 'unspecified') {
              classes.add(found);
            }
          }
        }
      }
    }
    return classes;
  }

  /** The grant whose rules reach one of these hosts, at an address of this class. */
  #reaching(
    target: Pick<NetworkTarget, 'scheme' | 'port' | 'listen'>,
    hosts: readonly string[],
    found: ReachableClass,
  ): HeldGrant<'network'> | null {
    return this.#first((scope) =>
      hosts.some((host) =>
        reachedAddresses([scope], { ...target, host, method: null, path: null }).has(found),
      ),
    );
  }

  #first(reaches: (scope: NetworkScope) => boolean): HeldGrant<'network'> | null {
    for (const grant of this.#grants.of.network) {
      if (this.isInForce(grant) && reaches(grant.scope)) {
        return grant;
      }
    }
    return null;
  }

  /** What rules may call an address. */
  #hostsOf(address: string, found: AddressClass): string[] {
    const hosts = [bracketed(address)];
    if (found === 'loopback') {
      // RFC 6761: that name is of no other addresses, and is looked up nowhere.
      hosts.push('localhost');
    }
    for (const [name, foundAtMs] of this.#found.get(address) ?? []) {
      const ageMs = this.#now() - foundAtMs;
      if (ageMs >= 0 && ageMs < FOUND_MS) {
        hosts.push(name);
      }
    }
    return hosts;
  }

  #remember(address: string, name: string): void {
    const names = this.#found.get(address) ?? new Map<string, number>();
    // What was found last stands last.
    this.#found.delete(address);
    this.#found.set(address, names);
    this.#foundCount += names.delete(name) ? 0 : 1;
    names.set(name, this.#now());
    if (this.#foundCount > FOUND_MAX) {
      const [oldest] = this.#found.keys();
      this.#foundCount -= this.#found.get(oldest as string)?.size ?? 0;
      this.#found.delete(oldest as string);
    }
  }
}
