/** Whether this machine has the loopback address of IPv6: tests of it are skipped where it has none. */

import { networkInterfaces } from 'node:os';

export const HAS_IPV6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);
