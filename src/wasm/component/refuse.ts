/**
 * The two ways in which a component is turned away: broken, or valid but not offered.
 */

import { type ErrorFields, RingfenceError } from '../../errors.ts';

/** The bytes are not a valid component; says where and why. Never returns. */
export function invalid(problem: string, offset: number): never {
  throw new RingfenceError(
    'RF_MODULE_INVALID',
    `The component is broken at byte ${offset}: ${problem}; build it again with its tools.`,
    { offset },
  );
}

/** Valid, but uses what isn't offered; names it and says what to do. Never returns. */
export function refused(problem: string, advice: string, fields: ErrorFields = {}): never {
  throw new RingfenceError('RF_MODULE_REFUSED', `The component ${problem}; ${advice}.`, fields);
}

/** Uses a feature of the component model that isn't offered. Never returns. */
export function refusedFeature(feature: string, offset: number): never {
  refused(`uses ${feature} (at byte ${offset}), which is not offered`, 'build it without', {
    feature,
    offset,
  });
}

/** Uses something of the 0.3 async ABI. Never returns. */
export function refusedAsync(feature: string, offset: number): never {
  refused(
    `uses ${feature} of the 0.3 async ABI (at byte ${offset}), which is not offered`,
    'build it for WASI 0.2',
    { feature, offset },
  );
}

/** Has more of something than the cap allows. Never returns. */
export function refusedCap(what: string, found: number, cap: number, offset: number): never {
  refused(
    `has more ${what} than is allowed: ${found} at byte ${offset}, at most ${cap}`,
    'make it smaller',
    { cap: what, found, most: cap, offset },
  );
}
