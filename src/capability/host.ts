/** Names of hosts: their one spelling, and the patterns of a grant. */

import { isIP } from 'node:net';
import { canonicalAddress } from './address.ts';

/** RFC 1035, without the dot at the end. */
const HOST_CHARACTERS_MAX = 253;

/** What ends the host of a URL, or stands before it: none of it can be in a host. */
const NO_HOST = /[\s/?#@\\%|^<>]|^\.|\.\./;

/**
 * The one spelling of a host as the WHATWG's URL standard makes it: lower case, punycode, IPv4 addresses
 * with four decimals, IPv6 addresses in brackets; and without a dot at the end, IPv4-mapped addresses as
 * the IPv4 address that they are. Null: it is no host.
 *
 * @example
 * ```ts
 * canonicalHost('EXAMPLE.org.'); // 'example.org'
 * canonicalHost('0x7f.1');       // '127.0.0.1'
 * ```
 */
export function canonicalHost(text: string): string | null {
  const isBracketed = text.startsWith('[');
  if (
    text === '' ||
    NO_HOST.test(text) ||
    (isBracketed ? !text.endsWith(']') : text.includes(':'))
  ) {
    return null;
  }
  const url = URL.parse(`http://${text}/`);
  if (url === null || url.port !== '') {
    return null;
  }
  const { hostname } = url;
  if (hostname.startsWith('[')) {
    const address = canonicalAddress(hostname.slice(1, -1));
    return address === null ? null : bracketed(address);
  }
  const name = hostname.replace(/\.$/, '');
  return name === '' || name.length > HOST_CHARACTERS_MAX || NO_HOST.test(name) ? null : name;
}

/** An address as it stands for a host: IPv6 in brackets. */
export const bracketed = (address: string): string =>
  address.includes(':') ? `[${address}]` : address;

/** The address that a canonical host is; null: it is a name. */
export function addressOfHost(host: string): string | null {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  return isIP(bare) === 0 ? null : bare;
}

/** Any host. */
export const ANY_HOST = '*';

/** Whether a pattern reaches all that another does: `*`, `*.suffix`, or a canonical host. */
export function coversHost(wide: string, narrow: string): boolean {
  return (
    wide === ANY_HOST ||
    wide === narrow ||
    // `*.a` reaches `x.a` and `*.x.a`, not `a`; no address has a name at its end.
    (wide.startsWith('*.') && narrow.endsWith(wide.slice(1)))
  );
}
