/**
 * The arguments before the command-line library sees them: what is ringfence's and what is the
 * guest's, and options whose value may be left out.
 *
 * Everything before the first `--` is ringfence's, everything after it the guest's. So no argument
 * that somebody hands on to a guest can become a grant, and none of ringfence's limits can get lost
 * because it was written behind the module.
 */

import { EVERYTHING } from './grants.ts';

/** Options whose value may be left out; where there is one it stands behind `=`. */
const OPTIONAL_VALUES: ReadonlySet<string> = new Set([
  '--allow-ipc',
  '--allow-net',
  '--allow-tools',
  '--allow-spawn',
]);

/** The arguments of one call. */
export interface SplitArguments {
  readonly own: readonly string[];
  /** null where there was no `--`. */
  readonly guest: readonly string[] | null;
}

/** Splits at the first `--`. */
export function splitArguments(argv: readonly string[]): SplitArguments {
  const separator = argv.indexOf('--');
  return separator === -1
    ? { own: argv, guest: null }
    : { own: argv.slice(0, separator), guest: argv.slice(separator + 1) };
}

/**
 * Writes the value out where an option has none, so that `--allow-ipc MODULE` never takes the module
 * for a scope.
 *
 * @param valued options whose value may stand in the next argument, which is then not looked at
 */
export function spellOutOptionalValues(
  own: readonly string[],
  valued: ReadonlySet<string>,
): string[] {
  let isValue = false;
  return own.map((argument) => {
    if (isValue) {
      isValue = false;
      return argument;
    }
    isValue = valued.has(argument);
    return OPTIONAL_VALUES.has(argument) ? `${argument}=${EVERYTHING}` : argument;
  });
}
