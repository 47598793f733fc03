/** How a program has values kept. */

import * as z from 'zod';
import { usageError } from '../usage-error.ts';
import { type KvQuota, kvQuotaShape } from './quota.ts';

/** Where values of agents are kept, and how much. */
export interface KvOptions extends Partial<KvQuota> {
  /**
   * A file of SQLite for what agents with an `owner` keep, which is made where there is none; one kernel has it
   * at a time. Absent: in memory, until the kernel is closed. What agents without an owner keep is always there.
   */
  readonly path?: string | undefined;
  /**
   * What agents without an owner keep is kept by the `agentId` of the one that the program has spawned, whatever
   * its descendants are called, and stays when they have exited. @default false: it is gone then
   */
  readonly byAgentId?: boolean | undefined;
}

/** {@link KvOptions} as callers give them, and their defaults. */
export const kvOptionsSchema = z.strictObject({
  path: z.string().min(1).max(4096).optional(),
  byAgentId: z.boolean().default(false),
  ...kvQuotaShape,
});

/** Options that were read. */
export type KvSettings = z.output<typeof kvOptionsSchema>;

/** @throws {RingfenceError} `RF_USAGE` */
export function readKvOptions(options: unknown): KvSettings {
  const parsed = kvOptionsSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('keep values of agents', parsed.error);
  }
  return parsed.data;
}
