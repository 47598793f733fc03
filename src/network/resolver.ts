/** What a name leads to: its addresses, within time and number. */

import dns, { Resolver as NameServers } from 'node:dns/promises';
import { canonicalAddress } from '../capability/host.ts';
import type { NetworkFailure } from './exchange.ts';
import { ADDRESSES_MAX, type NetworkSettings } from './settings.ts';

/** The addresses of a name, or why there are none. */
export type Resolved =
  | { readonly addresses: readonly string[] }
  | { readonly failure: NetworkFailure };

/** Asks what a name leads to. Answers each time anew: what was checked once may lead elsewhere later. */
export interface Resolver {
  resolve(name: string, signal: AbortSignal): Promise<Resolved>;
}

/** Lookups by the system's resolver at a time: each takes a thread of the four that Node has for files, too. */
const SYSTEM_LOOKUPS_MAX = 2;
/** Lookups that wait for those. */
const SYSTEM_LOOKUPS_WAITING_MAX = 256;

const failed = (tag: 'DNS-timeout' | 'destination-not-found'): Resolved => ({ failure: { tag } });

/** What an error of c-ares or getaddrinfo says: Node's dns.html lists them. */
function failureOf(error: unknown): Resolved {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOTFOUND':
    case 'ENODATA':
    case 'NOTFOUND':
    case 'EBADNAME':
      return failed('destination-not-found');
    case 'ETIMEOUT':
    case 'ECANCELLED':
    case 'EAI_AGAIN':
      return failed('DNS-timeout');
    default:
      return {
        failure: { tag: 'DNS-error', val: { rcode: RCODES.get(code), infoCode: undefined } },
      };
  }
}

/** RFC 6895's names of what a server answered. */
const RCODES: ReadonlyMap<string, string> = new Map([
  ['EFORMERR', 'FORMERR'],
  ['ESERVFAIL', 'SERVFAIL'],
  ['ENOTIMP', 'NOTIMP'],
  ['EREFUSED', 'REFUSED'],
]);

function addressesOf(found: readonly string[]): Resolved {
  const addresses = [...new Set(found.slice(0, ADDRESSES_MAX).map(canonicalAddress))];
  return addresses.length === 0 || addresses.includes(null)
    ? failed('destination-not-found')
    : { addresses: addresses as string[] };
}

/** Resolves with what `late` says when the time is over or nobody waits any more. */
async function within(
  ms: number,
  signal: AbortSignal,
  work: Promise<Resolved>,
  stop: () => void,
): Promise<Resolved> {
  const { promise, resolve } = Promise.withResolvers<Resolved>();
  const late = (): void => {
    stop();
    resolve(failed('DNS-timeout'));
  };
  const timer = setTimeout(late, ms);
  signal.addEventListener('abort', late, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', late);
  }
}

/** Asks name servers: of each name both kinds of addresses, at the same time. */
class DnsResolver implements Resolver {
  readonly #settings: NetworkSettings;

  constructor(settings: NetworkSettings) {
    this.#settings = settings;
  }

  resolve(name: string, signal: AbortSignal): Promise<Resolved> {
    const { nameServers, limits } = this.#settings;
    // One for each lookup: cancelling it ends no other.
    const servers = new NameServers({ timeout: Math.ceil(limits.lookupMs / 2), tries: 2 });
    if (nameServers !== null) {
      servers.setServers(nameServers);
    }
    return within(limits.lookupMs, signal, this.#both(servers, name), () => servers.cancel());
  }

  async #both(servers: NameServers, name: string): Promise<Resolved> {
    const [four, six] = await Promise.allSettled([servers.resolve4(name), servers.resolve6(name)]);
    const found = [four, six].flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    if (found.length > 0) {
      return addressesOf(found);
    }
    // A name that has addresses of one kind only has no data of the other: what IPv4 says, says more.
    return failureOf(four.status === 'rejected' ? four.reason : null);
  }
}

/** Asks the system's own resolver, few names at a time. */
class SystemResolver implements Resolver {
  readonly #settings: NetworkSettings;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(settings: NetworkSettings) {
    this.#settings = settings;
  }

  resolve(name: string, signal: AbortSignal): Promise<Resolved> {
    if (this.#waiting.length >= SYSTEM_LOOKUPS_WAITING_MAX) {
      return Promise.resolve(failed('DNS-timeout'));
    }
    return within(this.#settings.limits.lookupMs, signal, this.#lookup(name, signal), () => {});
  }

  async #lookup(name: string, signal: AbortSignal): Promise<Resolved> {
    if (this.#underWay >= SYSTEM_LOOKUPS_MAX) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#underWay += 1;
    }
    try {
      if (signal.aborted) {
        return failed('DNS-timeout');
      }
      const found = await dns.lookup(name, { all: true, order: 'verbatim' });
      return addressesOf(found.map(({ address }) => address));
    } catch (error) {
      return failureOf(error);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#underWay -= 1;
      } else {
        next();
      }
    }
  }
}

/** The resolver that the settings name. */
export const openResolver = (settings: NetworkSettings): Resolver =>
  settings.resolver === 'dns' ? new DnsResolver(settings) : new SystemResolver(settings);
