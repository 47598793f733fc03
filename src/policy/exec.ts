/** Commands that a policy offers as tools: `[exec.NAME]`, in the words of the policy file. */

import type * as z from 'zod';
import { parseDuration, parseSize } from '../resource/units.ts';
import { commandSchema, type ExecInput, execOf } from '../tools/catalogue/exec-command.ts';
import { quantity } from './quantity.ts';

const policyCommandSchema = commandSchema.omit({ timeoutMs: true, maxOutputBytes: true }).extend({
  timeout: quantity(parseDuration).optional(),
  max_output: quantity(parseSize).optional(),
});

/** The commands of a policy. */
export const policyExecSchema = execOf(policyCommandSchema);

const read = (value: number | string, reader: (text: string) => number): number =>
  typeof value === 'string' ? reader(value) : value;

/** The commands as a kernel is opened with them. They have passed the schema. */
export function toExec(given: z.output<typeof policyExecSchema>): ExecInput {
  return Object.fromEntries(
    Object.entries(given).map(([name, { timeout, max_output, ...rest }]) => [
      name,
      {
        ...rest,
        ...(timeout === undefined ? {} : { timeoutMs: read(timeout, parseDuration) }),
        ...(max_output === undefined ? {} : { maxOutputBytes: read(max_output, parseSize) }),
      },
    ]),
  );
}
