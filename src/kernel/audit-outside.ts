/** Which agents and grants reach outside of the kernel: that they may must be on disk before they can. */

import type { GrantSpec } from '../capability/grant.ts';
import type { Process } from '../supervisor/process.ts';

/** Whether a grant lets an agent reach outside of the kernel. */
export const isOutside = ({ kind }: Pick<GrantSpec, 'kind'>): boolean => kind === 'network';

/**
 * What such an agent does outside of the kernel, in directories and on the network, is not recorded call by
 * call: that it was let do it must be on disk before it begins.
 */
export const reachesOutside = ({ request }: Process): boolean =>
  request.module !== null && (request.roots.size > 0 || request.grants.some(isOutside));
