/** Strategies under the names that the reference gives them. */

import type { RestartType } from './restart.ts';
import type { Strategy } from './strategy.ts';

/** The reference's strategies, which stand for a restart type too: there each supervisor has only one. */
export const REFERENCE_STRATEGIES = {
  OneForOne: { strategy: 'one_for_one', restart: 'permanent' },
  OneForAll: { strategy: 'one_for_all', restart: 'permanent' },
  RestForOne: { strategy: 'rest_for_one', restart: 'permanent' },
  // Its `Permanent` means that nothing is ever restarted: the opposite of what OTP means by it.
  Permanent: { strategy: 'one_for_one', restart: 'temporary' },
  Transient: { strategy: 'one_for_one', restart: 'transient' },
} as const satisfies Record<string, { readonly strategy: Strategy; readonly restart: RestartType }>;

/** A strategy as the reference names it. */
export type ReferenceStrategy = keyof typeof REFERENCE_STRATEGIES;
