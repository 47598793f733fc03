/** How the metering refuses: one sentence each for a broken module and for a feature that isn't run. */

import { RingfenceError } from '../../errors.ts';
import type { MeterCaps } from './caps.ts';
import {
  FEATURE_NAMES,
  FEATURE_WORDS,
  type Feature,
  type Features,
  firstMissing,
  notAllowedWords,
} from './features.ts';

/** The bytes aren't a WebAssembly module that can be decoded; `offset` counts from the module's start. */
export function invalid(problem: string, offset: number): RingfenceError {
  return new RingfenceError(
    'RF_MODULE_INVALID',
    `Cannot read the core module: ${problem} at byte ${offset}. Build it again, or check that the file is complete.`,
    { problem, offset },
  );
}

/** The module is well-formed but uses something that ringfence doesn't run. */
export function refusedFeature(feature: string, offset: number): RingfenceError {
  return new RingfenceError(
    'RF_MODULE_REFUSED',
    `The core module uses ${feature} at byte ${offset}, which ringfence does not run: build it without.`,
    { feature, offset },
  );
}

/** The module uses something that ringfence runs where it is allowed, and here it isn't. */
export function notAllowed(feature: Feature, what: string, offset: number): RingfenceError {
  return new RingfenceError(
    'RF_MODULE_REFUSED',
    `The core module uses ${FEATURE_WORDS[feature]} (${what}) at byte ${offset}, and ${notAllowedWords(feature)}.`,
    { feature: FEATURE_NAMES[feature], what, offset },
  );
}

/**
 * Refuses a module of which it is known what it uses.
 *
 * @throws {RingfenceError} `RF_MODULE_REFUSED` naming the feature
 */
export function requireAllowed(used: Features, allowed: Features): void {
  const missing = firstMissing(used, allowed);
  if (missing !== null) {
    throw new RingfenceError(
      'RF_MODULE_REFUSED',
      `The module uses ${FEATURE_WORDS[missing]}, and ${notAllowedWords(missing)}.`,
      { feature: FEATURE_NAMES[missing] },
    );
  }
}

/** The module is well-formed but larger than a cap; `cap` is the name in `MeterCaps` or an engine's limit. */
export function refusedSize(
  what: string,
  cap: string,
  value: number,
  limit: number,
  offset: number,
): RingfenceError {
  return new RingfenceError(
    'RF_MODULE_REFUSED',
    `The core module has ${value} ${what} at byte ${offset}, more than the ${limit} that ringfence compiles: split it up or build it smaller.`,
    { feature: what, cap, value, limit, offset },
  );
}

/** The module has `value` of something at `offset`, and passes the cap. */
export function beyondCap(
  caps: MeterCaps,
  cap: keyof MeterCaps,
  value: number,
  what: string,
  offset: number,
): RingfenceError {
  return refusedSize(what, cap, value, caps[cap], offset);
}
