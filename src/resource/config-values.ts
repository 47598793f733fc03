/** What an agent can be given to read as `wasi:config`: names with values, within bounds. */

import * as z from 'zod';

/** Values of one agent. */
const CONFIG_VALUES_MAX = 1_000;
/** Characters of a name. */
const CONFIG_NAME_CHARACTERS_MAX = 256;
/** Characters of all names and values: an agent that asks for all gets them in one list. */
const CONFIG_CHARACTERS_MAX = 1024 * 1024;

function characters(values: Readonly<Record<string, string>>): number {
  return Object.entries(values).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

/** Reads the values that an agent is given. */
export const configSchema = z
  .record(z.string().min(1).max(CONFIG_NAME_CHARACTERS_MAX), z.string().max(CONFIG_CHARACTERS_MAX))
  .refine((given) => Object.keys(given).length <= CONFIG_VALUES_MAX, {
    error: `${CONFIG_VALUES_MAX} values are the most`,
  })
  .refine((given) => characters(given) <= CONFIG_CHARACTERS_MAX, {
    error: `${CONFIG_CHARACTERS_MAX} characters of names and values are the most`,
  });
