/** Which dead letters are asked for, as callers write it. */

import * as z from 'zod';
import { DEAD_LETTER_REASONS, type DeadLetterFilter } from '../ipc/dead-letters.ts';
import { usageError } from '../usage-error.ts';

const pid = z.int().nonnegative().optional();
const moment = z.number().optional();

const filterSchema = z.strictObject({
  to: pid,
  from: pid,
  reason: z.enum(DEAD_LETTER_REASONS).optional(),
  sinceMs: moment,
  untilMs: moment,
});

/** @throws {RingfenceError} `RF_USAGE` */
export function readDeadLetterFilter(filter: DeadLetterFilter): DeadLetterFilter {
  const parsed = filterSchema.safeParse(filter);
  if (!parsed.success) {
    throw usageError('look for dead letters', parsed.error);
  }
  return parsed.data;
}
