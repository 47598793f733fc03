/** The options of `run` by which it writes where fuel went. */

import type { Option } from 'commander';
import { PROFILE_EVERY_MIN, parseCount } from '../index.ts';
import { between } from './number-option.ts';
import { option, usage } from './option.ts';

/** What is to be written, and where. */
export interface ProfileChoice {
  /** A file, or `-` for standard output. */
  readonly path: string;
  /** Units of fuel between two looks. */
  readonly every: number;
}

/** The options as the command line has read them. */
export interface ProfileOptions {
  readonly profile?: string;
  readonly profileInterval?: number;
}

/** A tenth of a millisecond of computing, about: a look takes a tenth of that. */
const DEFAULT_EVERY = 100_000;

/** `--profile` and how often is looked. */
export function profileOptions(group: string): Option[] {
  return [
    option(
      '--profile',
      ' FILE',
      'write where fuel went, as a .cpuprofile that Chrome and speedscope open',
      group,
    ).argParser((value: string) => {
      if (value === '') {
        throw usage("Cannot use --profile with an empty name: name a file, or '-'.");
      }
      return value;
    }),
    option(
      '--profile-interval',
      ' N',
      'units of fuel between two looks (default: 100,000)',
      group,
    ).argParser(
      between('--profile-interval', parseCount, PROFILE_EVERY_MIN, Number.MAX_SAFE_INTEGER),
    ),
  ];
}

/** @throws {RingfenceError} `RF_USAGE` for an interval without a profile */
export function readProfileChoice({
  profile,
  profileInterval,
}: ProfileOptions): ProfileChoice | null {
  if (profile === undefined) {
    if (profileInterval !== undefined) {
      throw usage('Cannot use --profile-interval without --profile: name a file for the profile.');
    }
    return null;
  }
  return { path: profile, every: profileInterval ?? DEFAULT_EVERY };
}
