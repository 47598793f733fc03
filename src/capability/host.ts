/**
 * Hosts and addresses: their one spelling, and the patterns of a grant. An agent's own process needs this,
 * and has no packages.
 */

import { isIP } from 'node:net';

/**
 * The one spelling of an address: IPv4 with dots, IPv6 without brackets as RFC 5952 has it but with all
 * its groups in hexadecimal, and an IPv4-mapped IPv6 address as the IPv4 address that it is. Null: it is
 * none, has a zone, or is written in a form that programs read differently (`127.1`, `0x7f.0.0.1`).
 *
 * @example
 * ```ts
 * canonicalAddress('::ffff:127.0.0.1'); // '127.0.0.1'
 * ```
 */
export function canonicalAddress(text: string): string | null {
  switch (isIP(text)) {
    case 4:
      return text;
    case 6: {
      const hostname = URL.parse(`http://[${text}]/`)?.hostname;
      if (hostname === undefined) {
        return null;
      }
      const address = hostname.slice(1, -1);
      const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
      return mapped === null
        ? address
        : mapped
            .slice(1)
            .map((group) => Number.parseInt(group, 16))
            .flatMap((group) => [group >> 8, group & 0xff])
            .join('.');
    }
    default:
      return null;
  }
}

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

/** RFC 6761: names of this machine, whatever a name server says. */
export const isLocalName = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost');
