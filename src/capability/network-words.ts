/** Writes rules of the network as texts, with what goes without saying left out. Workers need no more than this. */

import {
  type AddressClass,
  NETWORK_SCHEMES,
  type NetworkRule,
  type NetworkScheme,
  type ReachableClass,
} from './grant.ts';
import { addressOfHost, isLocalName } from './host.ts';

/** The ports of URLs that name none. */
export const DEFAULT_PORTS: Readonly<Partial<Record<NetworkScheme, number>>> = {
  http: 80,
  https: 443,
};

/** The schemes of a rule that names none. */
export function usualSchemes(listen: boolean, isOfRequests: boolean): readonly NetworkScheme[] {
  return listen ? ['tcp', 'udp'] : isOfRequests ? ['http', 'https'] : NETWORK_SCHEMES;
}

/** The addresses of a rule that names none, where its host does not say them. */
export const usualClass = (listen: boolean): AddressClass => (listen ? 'loopback' : 'public');

const isSame = <Item>(items: ReadonlySet<Item>, others: readonly Item[]): boolean =>
  items.size === others.length && others.every((item) => items.has(item));

function wordOf(rule: NetworkRule, port: number | null): string {
  const { host, schemes, methods, path, addresses, secrets, listen } = rule;
  const [scheme] = schemes;
  const asUrl =
    schemes.size === 1 &&
    port !== null &&
    scheme !== undefined &&
    DEFAULT_PORTS[scheme] !== undefined;
  const usual = usualSchemes(listen, methods !== 'all' || path !== '/' || secrets.size > 0);
  const isFixed = addressOfHost(host) !== null || isLocalName(host);
  const target = [
    asUrl ? `${scheme}://` : '',
    host,
    port === null || (asUrl && DEFAULT_PORTS[scheme] === port) ? '' : `:${port}`,
    path === '/' ? '' : path,
  ].join('');
  return [
    target,
    ...(asUrl || isSame(schemes, usual) ? [] : schemes),
    ...(methods === 'all' ? [] : methods),
    ...(isFixed || isSame<ReachableClass>(addresses, [usualClass(listen)]) ? [] : addresses),
    ...[...secrets].map((secret) => `secret:${secret}`),
    ...(listen ? ['listen'] : []),
  ].join(' ');
}

/** A rule as texts that `ruleOfText` reads: one for each port. */
export function wordsOfRule(rule: NetworkRule): string[] {
  return rule.ports === 'all'
    ? [wordOf(rule, null)]
    : [...rule.ports].map((port) => wordOf(rule, port));
}
