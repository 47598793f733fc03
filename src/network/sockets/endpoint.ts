/** Which addresses and ports are taken: as the gate would have made them, whoever sends them. */

import { isIP } from 'node:net';
import { canonicalAddress } from '../../capability/host.ts';
import type { Endpoint, Family } from './request.ts';

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 65_535;

/** Of the family, spelt in the one way. */
export function isEndpoint({ address, port }: Endpoint, family: Family): boolean {
  return (
    isPort(port) &&
    isIP(address) === (family === 'ipv4' ? 4 : 6) &&
    canonicalAddress(address) === address
  );
}

/** Somewhere that a socket can send to. */
export const isRemote = (remote: Endpoint, family: Family): boolean =>
  isEndpoint(remote, family) && remote.port !== 0;
