/** `--env`: which environment variables the guest sees. None but those that are named here. */

import { RingfenceError } from '../index.ts';
import { quoted } from './printable.ts';

/**
 * Adds what one `--env` says: `K=V`, or `K` for the value it has in the caller's own environment.
 *
 * @throws {RingfenceError} `RF_USAGE` for a variable without a name, or one that isn't set.
 */
export function parseEnvironmentOption(
  text: string,
  previous: ReadonlyMap<string, string> | undefined,
  variables: Readonly<Record<string, string | undefined>>,
): Map<string, string> {
  const separator = text.indexOf('=');
  const name = separator === -1 ? text : text.slice(0, separator);
  if (name === '') {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot use --env ${quoted(text)} as the variable has no name: write --env NAME=VALUE.`,
    );
  }
  const own = Object.hasOwn(variables, name) ? variables[name] : undefined;
  const value = separator === -1 ? own : text.slice(separator + 1);
  if (value === undefined) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot use --env ${quoted(name)} as your environment has no such variable: write --env NAME=VALUE.`,
    );
  }
  return new Map(previous).set(name, value);
}
