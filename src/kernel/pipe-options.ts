/** How a pipe is opened, as callers write it. */

import * as z from 'zod';
import type { PipeSettings } from '../ipc/pipe.ts';
import { PIPE_CAPACITY_DEFAULT, PIPE_CAPACITY_MAX, PIPE_IDLE_MS_DEFAULT } from '../ipc/pipes.ts';
import type { Pid } from '../process/state.ts';
import { TIMER_MS_MAX } from '../timer.ts';
import { usageError } from '../usage-error.ts';

/** How a pipe is opened. */
export interface PipeOptions {
  /** The agent that it belongs to: it is gone when that exits. @default nobody */
  readonly owner?: Pid;
  /** Messages that it holds, up to 10,000. @default 256 */
  readonly capacity?: number;
  /** How long it stays while nobody reads or writes it, in milliseconds. @default 60000 */
  readonly idleMs?: number;
}

const optionsSchema = z.strictObject({
  owner: z.int().positive().optional(),
  capacity: z.int().min(1).max(PIPE_CAPACITY_MAX).optional(),
  idleMs: z.int().min(0).max(TIMER_MS_MAX).optional(),
});

/** @throws {RingfenceError} `RF_USAGE` */
export function readPipeOptions(options: PipeOptions): PipeSettings {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('open the pipe', parsed.error);
  }
  const { owner, capacity, idleMs } = parsed.data;
  return {
    owner: owner ?? null,
    capacity: capacity ?? PIPE_CAPACITY_DEFAULT,
    idleMs: idleMs ?? PIPE_IDLE_MS_DEFAULT,
  };
}
