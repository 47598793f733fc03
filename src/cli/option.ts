/** What the options of all commands are made of. */

import { Option } from 'commander';
import { RingfenceError } from '../index.ts';

const SHOWN = new WeakMap<Option, string>();

/** An option whose help shows it as it is written, such as `--allow-net[=HOST[:PORT],…]`. */
export function option(flag: string, shown: string, help: string, group: string): Option {
  const made = new Option(shown === '' ? flag : `${flag} <value>`, help);
  made.helpGroup(group);
  SHOWN.set(made, flag + shown);
  return made;
}

/** How the help shows an option. */
export const shownAs = (made: Option): string => SHOWN.get(made) ?? made.flags;

/** The name under which the library keeps an option's value. */
export const attributeName = (flag: string): string => new Option(flag).attributeName();

/** Reads each value of an option that may be given several times. */
export const collect =
  <Value>(read: (text: string) => Value) =>
  (text: string, previous: readonly Value[] | undefined): readonly Value[] => [
    ...(previous ?? []),
    read(text),
  ];

/** An error about the arguments. */
export function usage(message: string, fields: Record<string, string> = {}): RingfenceError {
  return new RingfenceError('RF_USAGE', message, fields);
}
