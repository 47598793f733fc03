/** What is scheduled, as callers write it, and what they see of it. */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import type { Payload } from '../ipc/message.ts';
import { type MessageInput, readMessage } from '../ipc/payload.ts';
import type { Pid } from '../process/state.ts';
import { MISSED_POLICIES, type MissedPolicy } from '../schedule/missed.ts';
import { EVERY_MS_MAX, EVERY_MS_MIN, type When } from '../schedule/timing.ts';
import { usageError } from '../usage-error.ts';
import { handlerOf, handlerSchema, type JobHandler } from './schedule-handlers.ts';
import type { Spawnable } from './spawn-request.ts';

/** What is scheduled: give one of `every` and `cron`, and one of `call`, `send` and `spawn`. */
export interface JobOptions {
  /** For people, 1 to 256 characters. */
  readonly name?: string;
  /** Milliseconds from run to run, from 100 on; the first is after as many. The wall clock is no matter. */
  readonly every?: number;
  /** A cron expression of 5 fields, of 6 with seconds, of 7 with years, or `@daily` and the like. */
  readonly cron?: string;
  /** The time zone that the expression means, by its IANA name. @default 'UTC' */
  readonly timezone?: string;
  /** What is made of runs that were not made in time. @default 'once' */
  readonly missed?: MissedPolicy;
  /** The agent that it belongs to: it is removed when that exits. @default nobody */
  readonly owner?: Pid;
  /** Whether it is kept in the kernel's file, and goes on in the next kernel. @default false */
  readonly persist?: boolean;
  /** Calls a function, or one of the kernel's `handlers` by name. A run lasts until it has settled. */
  readonly call?: JobHandler | string;
  /** Sends a message, as the kernel (pid 0). The job is removed when the agent exits. */
  readonly send?: { readonly to: Pid; readonly message: MessageInput };
  /** Spawns an agent. A run lasts until that has exited. */
  readonly spawn?: Spawnable;
}

/** A job, as it is listed. */
export interface ScheduledJob {
  readonly id: string;
  readonly name: string | null;
  readonly when: When;
  readonly missedPolicy: MissedPolicy;
  readonly does: 'call' | 'send' | 'spawn';
  readonly owner: Pid | null;
  readonly persist: boolean;
  /** In milliseconds since 1970, as all times here. */
  readonly createdAtMs: number;
  readonly nextMs: number | null;
  readonly lastRunMs: number | null;
  readonly isRunning: boolean;
  readonly runs: number;
  readonly failures: number;
  /** Runs that were due and were not made. */
  readonly missed: number;
  /** Why the last run failed; null: it did not. */
  readonly lastError: string | null;
}

const pid = z.int().positive();

const jobSchema = z.strictObject({
  name: z.string().min(1).max(256).optional(),
  every: z.number().min(EVERY_MS_MIN).max(EVERY_MS_MAX).optional(),
  cron: z.string().min(1).max(256).optional(),
  timezone: z.string().min(1).max(64).optional(),
  missed: z.enum(MISSED_POLICIES).optional(),
  owner: pid.optional(),
  persist: z.boolean().optional(),
  call: z.union([z.string().min(1).max(64), handlerSchema]).optional(),
  // Who sends and who spawns read these again, by their own schemas.
  send: z.strictObject({ to: pid, message: z.unknown() }).optional(),
  spawn: z.custom<Spawnable>((value) => typeof value === 'object' && value !== null).optional(),
});

/** A job whose options have been read. */
export interface ReadJob {
  readonly name: string | null;
  readonly when: When;
  readonly policy: MissedPolicy;
  readonly owner: Pid | null;
  readonly persist: boolean;
  readonly does: Does;
}

/** What a job does. */
export type Does =
  | { readonly kind: 'call'; readonly handler: JobHandler; readonly handlerName: string | null }
  | { readonly kind: 'send'; readonly to: Pid; readonly message: Payload }
  | { readonly kind: 'spawn'; readonly options: Spawnable };

const wrong = (why: string): RingfenceError =>
  new RingfenceError('RF_USAGE', `Cannot schedule the job as ${why}.`);

/** @throws {RingfenceError} `RF_USAGE` */
export function readJob(
  options: JobOptions,
  handlers: Readonly<Record<string, JobHandler>>,
): ReadJob {
  const parsed = jobSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('schedule the job', parsed.error);
  }
  const { name = null, missed = 'once', owner = null, persist = false } = parsed.data;
  const does = readDoes(options, handlers);
  if (persist) {
    requireLasting(does, owner);
  }
  return { name, when: readWhen(parsed.data), policy: missed, owner, persist, does };
}

function readWhen({ every, cron, timezone }: z.infer<typeof jobSchema>): When {
  if ((every === undefined) === (cron === undefined)) {
    throw wrong("it needs one of 'every' and 'cron': give one");
  }
  if (every !== undefined) {
    if (timezone !== undefined) {
      throw wrong(
        "'timezone' is given with 'every', which no clock of people matters to: leave it out",
      );
    }
    return { everyMs: every };
  }
  return { cron: cron as string, timezone: timezone ?? 'UTC' };
}

function readDoes(
  { call, send, spawn }: JobOptions,
  handlers: Readonly<Record<string, JobHandler>>,
): Does {
  if ([call, send, spawn].filter((each) => each !== undefined).length !== 1) {
    throw wrong("it needs one of 'call', 'send' and 'spawn': give one");
  }
  if (send !== undefined) {
    return { kind: 'send', to: send.to, message: readMessage(send.message) };
  }
  if (spawn !== undefined) {
    return { kind: 'spawn', options: spawn };
  }
  if (typeof call !== 'string') {
    return { kind: 'call', handler: call as JobHandler, handlerName: null };
  }
  return { kind: 'call', handler: handlerOf(call, handlers), handlerName: call };
}

/** What a job is made of must mean the same in another process. */
function requireLasting(does: Does, owner: Pid | null): void {
  if (owner !== null) {
    throw wrong('it is to be kept and has an owner: after a restart, the pid is somebody else');
  }
  if (does.kind === 'send') {
    throw wrong(
      'it is to be kept and sends to a pid: after a restart, that is somebody else; call a handler',
    );
  }
  if (does.kind === 'call' && does.handlerName === null) {
    throw wrong("it is to be kept and calls a function: name one of the kernel's handlers instead");
  }
}
