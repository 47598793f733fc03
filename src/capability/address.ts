/** The class of an internet address, by which grants tell addresses apart. */

import ipaddr from 'ipaddr.js';
import type { AddressClass } from './grant.ts';
import { canonicalAddress } from './host.ts';

/** The classes of a range of ipaddr.js, which knows IANA's special-purpose registries; others: none. */
const CLASS_OF_RANGE: ReadonlyMap<string, AddressClass> = new Map([
  ['unicast', 'public'],
  ['private', 'private'],
  // RFC 6598: of the provider's own network, and where some clouds have their metadata.
  ['carrierGradeNat', 'private'],
  ['uniqueLocal', 'private'],
  ['loopback', 'loopback'],
  ['linkLocal', 'link-local'],
]);

/** Where a translator hides an IPv4 address in an IPv6 one: RFC 6052's well-known prefix and RFC 3056. */
function embeddedIPv4(bytes: readonly number[]): number[] | null {
  const at = (start: number) => bytes.slice(start, start + 4);
  if (bytes[0] === 0x20 && bytes[1] === 0x02) {
    return at(2);
  }
  const wellKnown = [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
  return wellKnown.every((byte, index) => byte === bytes[index]) ? at(12) : null;
}

/** RFC 4291: all that is unicast and of everybody begins with the bits 001. */
const isGlobalUnicast = (bytes: readonly number[]): boolean => ((bytes[0] ?? 0) & 0xe0) === 0x20;

/**
 * The class of an address. An address that leads to an IPv4 one through a translator (NAT64, 6to4) is of
 * that one's class. Null: nobody may be sent anything there: unspecified, multicast, broadcast,
 * reserved, documentation, tunnels of which the other end is not known, or no address at all.
 */
export function addressClass(text: string): AddressClass | null {
  const address = canonicalAddress(text);
  if (address === null) {
    return null;
  }
  const parsed = ipaddr.parse(address);
  const bytes = parsed.toByteArray();
  const inner = bytes.length === 16 ? embeddedIPv4(bytes) : null;
  if (inner !== null) {
    return addressClass(inner.join('.'));
  }
  const found = CLASS_OF_RANGE.get(parsed.range()) ?? null;
  return found === 'public' && bytes.length === 16 && !isGlobalUnicast(bytes) ? null : found;
}
