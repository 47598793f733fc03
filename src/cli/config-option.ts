/** `--config`: which values the guest reads as wasi:config. None but those that are named here. */

import { RingfenceError } from '../index.ts';
import { quoted } from './printable.ts';

/**
 * Adds what one `--config` says: `K=V`.
 *
 * @throws {RingfenceError} `RF_USAGE` for a value without a name, or a name without a value.
 */
export function parseConfigOption(
  text: string,
  previous: ReadonlyMap<string, string> | undefined,
): Map<string, string> {
  const separator = text.indexOf('=');
  if (separator < 1) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot use --config ${quoted(text)} as it is no name with a value: write --config NAME=VALUE.`,
    );
  }
  return new Map(previous).set(text.slice(0, separator), text.slice(separator + 1));
}
