/** Amounts as a policy file writes them: a text that a reader of the command line takes, or the plain number. */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { parseCount, parseDuration, parseSize } from '../resource/units.ts';

/** The texts that each reader takes, for the JSON Schema: editors then see what is wrong. */
const FORMS = new Map<(text: string) => number, { pattern: string; examples: string[] }>([
  [parseCount, { pattern: '^[0-9][0-9_]{0,19}$', examples: ['1_000_000'] }],
  [
    parseSize,
    {
      pattern: '^[0-9]{1,15}(\\.[0-9]{1,6})?([bB]|[kKmMgG]([iI]?[bB])?)?$',
      examples: ['64MiB', '512KiB'],
    },
  ],
  [
    parseDuration,
    {
      pattern: '^(0|[0-9]{1,15}(\\.[0-9]{1,6})?([mM]?[sS]|[mM]([iI][nN])?|[hH]))$',
      examples: ['500ms', '10s', '5m', '1h'],
    },
  ],
]);

const whole = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

/** A text that one of the readers of the command line takes, or the plain number. */
export function quantity(read: (text: string) => number) {
  // A number of seconds can be taken for one of milliseconds: durations have a unit.
  const plain = read === parseDuration ? z.literal(0) : whole;
  const { examples = [], pattern = '' } = FORMS.get(read) ?? {};
  const error =
    read === parseDuration
      ? `write a duration such as ${examples.map((text) => `"${text}"`).join(' or ')}`
      : `write a whole number, or a text such as "${examples[0]}"`;
  return z
    .union([plain, z.string().meta({ pattern, examples })], { error })
    .superRefine((value, context) => {
      try {
        if (typeof value === 'string') {
          read(value);
        }
      } catch (problem) {
        const message = problem instanceof RingfenceError ? problem.message : error;
        context.addIssue({ code: 'custom', message: message.replace(/\.$/, '') });
      }
    });
}
