/** `--secret`: where the value of a secret comes from. It never stands on the command line itself. */

import { readFileSync, statSync } from 'node:fs';
import { RingfenceError } from '../index.ts';
import { quoted } from './printable.ts';

/** A file that is longer holds something else. */
const FILE_BYTES_MAX = 64 * 1024;

const refusal = (name: string, why: string): RingfenceError =>
  new RingfenceError('RF_USAGE', `Cannot use --secret ${quoted(name)}: ${why}.`);

/** A path is the caller's own; nothing of the file is ever told. */
function readSecretFile(name: string, path: string): string {
  try {
    if (statSync(path).size <= FILE_BYTES_MAX) {
      return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    }
  } catch {
    throw refusal(name, `the file ${quoted(path)} can't be read`);
  }
  throw refusal(name, `the file ${quoted(path)} has more than ${FILE_BYTES_MAX} bytes`);
}

/**
 * Adds what one `--secret` says: `NAME=env:VARIABLE` or `NAME=file:PATH`.
 *
 * @throws {RingfenceError} `RF_USAGE`; its message holds no value.
 */
export function parseSecretOption(
  text: string,
  previous: ReadonlyMap<string, string> | undefined,
  variables: Readonly<Record<string, string | undefined>>,
): Map<string, string> {
  const [, name, source, rest = ''] = /^([A-Za-z0-9_.-]{1,64})=(env|file):(.+)$/s.exec(text) ?? [];
  if (name === undefined) {
    // What was written may be the value.
    throw new RingfenceError(
      'RF_USAGE',
      'Cannot use --secret: write NAME=env:VARIABLE or NAME=file:PATH, never the value itself.',
    );
  }
  if (source === 'file') {
    return new Map(previous).set(name, readSecretFile(name, rest));
  }
  const value = Object.hasOwn(variables, rest) ? variables[rest] : undefined;
  if (value === undefined) {
    throw refusal(name, `your environment has no variable ${quoted(rest)}`);
  }
  return new Map(previous).set(name, value);
}
