/** The error of a value that a caller gave and a schema refuses. */

import type * as z from 'zod';
import { RingfenceError } from './errors.ts';

/** The error of a value that a schema refuses. */
export function usageError(what: string, error: z.ZodError): RingfenceError {
  const issue = error.issues[0];
  const where = issue?.path.join('.') || 'the options';
  return new RingfenceError(
    'RF_USAGE',
    `Cannot ${what} with '${where}': ${issue?.message ?? 'not understood'}.`,
    { name: where },
  );
}
