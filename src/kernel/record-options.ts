/** How a program asks for a recording. */

import * as z from 'zod';
import { RECORDING_BYTES_MAX } from '../recording/kept.ts';

/** How an agent is recorded. */
export interface RecordOptions {
  /** The most bytes that are kept, not compressed; at most 256 MiB. @default 64 MiB */
  readonly bytesMax?: number;
  /**
   * What happens at that: the recording stops there and says so, while the agent goes on; or the agent is
   * ended, as `killed`, so that it does nothing unseen. @default 'stop'
   */
  readonly whenFull?: 'stop' | 'end-agent';
}

/** Reads {@link RecordOptions}. */
export const recordSchema = z.union([
  z.boolean(),
  z.strictObject({
    bytesMax: z.int().min(1).max(RECORDING_BYTES_MAX).optional(),
    whenFull: z.enum(['stop', 'end-agent']).optional(),
  }),
]);
