/** `--kv`: the file that values of agents are kept in. */

import type { Option } from 'commander';
import type { KvOptions, Policy } from '../index.ts';
import { RUN_GROUPS } from './help-text.ts';
import { option, usage } from './option.ts';

function readPath(value: string): string {
  if (value === '') {
    throw usage('Cannot use --kv without a file: name one, which is made where there is none.');
  }
  return value;
}

/** `--kv`. */
export const kvOption = (): Option =>
  option(
    '--kv',
    ' FILE',
    'keep what it keeps by kv.* and wasi:keyvalue in this file, by its name',
    RUN_GROUPS.run,
  ).argParser(readPath);

/** Where values are kept: the file of the option stands instead of the policy's, whose quotas stay. */
export function kvOf(path: string | null, policy: Policy | null): { kv?: KvOptions } {
  const given = policy?.kv ?? null;
  if (path === null && given === null) {
    return {};
  }
  return { kv: { byAgentId: true, ...given, ...(path !== null && { path }) } };
}
