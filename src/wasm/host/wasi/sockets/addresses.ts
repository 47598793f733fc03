/** Addresses of sockets, as WIT has them and as texts. */

import { canonicalAddress } from '../../../../capability/host.ts';
import type { Endpoint, Family, SocketErrorCode } from '../../../../network/sockets/request.ts';
import type {
  IpAddress,
  IpSocketAddress,
  Ipv4Address,
  Ipv6Address,
} from '../../generated/wasi-sockets-network.ts';

/** The groups of an IPv4-mapped address, before the two that are the IPv4 address. */
const MAPPED = [0, 0, 0, 0, 0, 0xffff];

const textOfIPv6 = (groups: Ipv6Address): string =>
  groups.map((group) => group.toString(16)).join(':');

/** Addresses of many, or of everybody: no socket is of one of those. */
function isUnicast({ tag, val }: IpSocketAddress): boolean {
  if (tag === 'ipv6') {
    return val.address[0] >> 8 !== 0xff;
  }
  const [first] = val.address;
  return (first & 0xf0) !== 0xe0 && val.address.some((byte) => byte !== 0xff);
}

/**
 * The text of an address of a family; a code where no socket of it can have to do with that: it is of the
 * other family (also as one that is mapped: there are no sockets of both), of many hosts, or of a zone.
 */
export function endpointOf(family: Family, address: IpSocketAddress): Endpoint | SocketErrorCode {
  if (address.tag !== family || !isUnicast(address)) {
    return 'invalid-argument';
  }
  const { port } = address.val;
  if (address.tag === 'ipv4') {
    return { address: address.val.address.join('.'), port };
  }
  const { address: groups, scopeId } = address.val;
  if (MAPPED.every((group, index) => group === groups[index])) {
    return 'invalid-argument';
  }
  if (scopeId !== 0) {
    return 'not-supported';
  }
  return { address: canonicalAddress(textOfIPv6(groups)) ?? '::', port };
}

/** As {@link endpointOf}, of somebody who can be reached: neither port nor address is left open. */
export function remoteOf(family: Family, address: IpSocketAddress): Endpoint | SocketErrorCode {
  const { val } = address;
  const isOpen = val.port === 0 || val.address.every((part) => part === 0);
  return isOpen ? 'invalid-argument' : endpointOf(family, address);
}

/** The groups of an address as `canonicalAddress` spells it. */
function groupsOf(address: string): Ipv6Address {
  const [head = '', tail] = address.split('::');
  const numbers = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const front = numbers(head);
  const back = numbers(tail ?? '');
  const between = new Array<number>(Math.max(0, 8 - front.length - back.length)).fill(0);
  // Eight, as `::` stands for what lacks: TypeScript does not count them.
  return [...front, ...between, ...back] as unknown as Ipv6Address;
}

/** An address for a guest. */
export function ipAddress(address: string): IpAddress {
  return address.includes(':')
    ? { tag: 'ipv6', val: groupsOf(address) }
    : // Four, of a canonical address: TypeScript does not count them.
      { tag: 'ipv4', val: address.split('.').map(Number) as unknown as Ipv4Address };
}

/** An address with its port for a guest. */
export function ipSocketAddress({ address, port }: Endpoint): IpSocketAddress {
  const ip = ipAddress(address);
  return ip.tag === 'ipv4'
    ? { tag: 'ipv4', val: { port, address: ip.val } }
    : { tag: 'ipv6', val: { port, flowInfo: 0, address: ip.val, scopeId: 0 } };
}
