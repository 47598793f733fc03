/** How a kernel keeps its jobs, and what those that are kept can call. */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import type { JobRun } from '../schedule/job.ts';

/** What a job calls. What it throws, or rejects with, is a run that failed. */
export type JobHandler = (run: JobRun) => unknown;

/** How a kernel keeps its jobs. */
export interface ScheduleOptions {
  /** Where jobs with `persist` are kept; one kernel at a time may have it. @default nowhere */
  readonly file?: string;
  /** What jobs call by name: the only functions that a job which is kept can call. */
  readonly handlers?: Readonly<Record<string, JobHandler>>;
}

/** Reads a {@link JobHandler}. */
export const handlerSchema = z.custom<JobHandler>((value) => typeof value === 'function');

/** Reads {@link ScheduleOptions}. */
export const scheduleSchema = z.strictObject({
  file: z.string().min(1).optional(),
  handlers: z.record(z.string().min(1).max(64), handlerSchema).optional(),
});

/** @throws {RingfenceError} `RF_USAGE` where there is none of this name */
export function handlerOf(
  name: string,
  handlers: Readonly<Record<string, JobHandler>>,
): JobHandler {
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
  if (handler === undefined) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot schedule a job as the kernel has no handler '${name}': open it with one, in schedule.handlers.`,
      { name },
    );
  }
  return handler;
}
