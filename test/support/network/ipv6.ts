/** Whether this machine has the loopback address of IPv6. */

import { networkInterfaces } from 'node:os';

const hasIPv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

/** Why tests of IPv6 are skipped; null: they are not. */
export const WHY_NO_IPV6 = hasIPv6 ? null : 'this machine has no ::1';
