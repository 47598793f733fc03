// Addresses of sockets, as texts and as WIT has them. Of IPv6: eight groups, `::1`, `::`.

import {
  IpAddress,
  IpAddressTag,
  IpSocketAddress,
  IpSocketAddressTag,
  Ipv4SocketAddress,
  Ipv6SocketAddress,
} from 'wasi/sockets/network';
import { Tuple4, Tuple8 } from 'wit/tuples';

export function addressOf(text: string, port: string): IpSocketAddress {
  const number = <u16>U32.parseInt(port);
  if (!text.includes(':')) {
    const parts = text.split('.');
    return IpSocketAddress.ipv4(
      new Ipv4SocketAddress(
        number,
        new Tuple4<u8, u8, u8, u8>(byte(parts[0]), byte(parts[1]), byte(parts[2]), byte(parts[3])),
      ),
    );
  }
  let groups = text.split(':');
  if (text == '::') groups = ['0', '0', '0', '0', '0', '0', '0', '0'];
  if (text == '::1') groups = ['0', '0', '0', '0', '0', '0', '0', '1'];
  const zoned = groups[7].split('%');
  const zone = zoned.length > 1 ? U32.parseInt(zoned[1]) : 0;
  return IpSocketAddress.ipv6(
    new Ipv6SocketAddress(
      number,
      0,
      new Tuple8<u16, u16, u16, u16, u16, u16, u16, u16>(
        group(groups[0]),
        group(groups[1]),
        group(groups[2]),
        group(groups[3]),
        group(groups[4]),
        group(groups[5]),
        group(groups[6]),
        group(zoned[0]),
      ),
      zone,
    ),
  );
}

function byte(text: string): u8 {
  return <u8>U32.parseInt(text);
}

function group(text: string): u16 {
  return <u16>U32.parseInt(text, 16);
}

export function textOfAddress(address: IpAddress): string {
  return address.tag == IpAddressTag.Ipv4 ? textOfV4(address.ipv4) : textOfV6(address.ipv6);
}

export function textOfSocketAddress(address: IpSocketAddress): string {
  if (address.tag == IpSocketAddressTag.Ipv4) {
    return `${textOfV4(address.ipv4.address)} ${address.ipv4.port}`;
  }
  return `${textOfV6(address.ipv6.address)} ${address.ipv6.port}`;
}

function textOfV4(address: Tuple4<u8, u8, u8, u8>): string {
  return `${address.item0}.${address.item1}.${address.item2}.${address.item3}`;
}

function textOfV6(address: Tuple8<u16, u16, u16, u16, u16, u16, u16, u16>): string {
  const front = `${hex(address.item0)}:${hex(address.item1)}:${hex(address.item2)}:${hex(address.item3)}`;
  return `${front}:${hex(address.item4)}:${hex(address.item5)}:${hex(address.item6)}:${hex(address.item7)}`;
}

function hex(group: u16): string {
  return group.toString(16);
}
