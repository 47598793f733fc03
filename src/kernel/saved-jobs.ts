/** Jobs on their way into a file and out of it: what of them means the same in another process. */

import { isDeepStrictEqual } from 'node:util';
import { RingfenceError } from '../errors.ts';
import type { Pid } from '../process/state.ts';
import type { SavedJob } from '../schedule/file.ts';
import type { Job } from '../schedule/job.ts';
import { type Now, timingOf } from '../schedule/timing.ts';
import { handlerOf, type JobHandler } from './schedule-handlers.ts';
import type { Does } from './schedule-options.ts';
import { isWork, type Spawnable } from './spawn-request.ts';

/** A spawn, as it is written: it names its module by the digest. */
export type SavedSpawn = Extract<SavedJob['does'], { spawn: unknown }>;

/** What a job does, with what is kept of it. A spawn that was read has no module before it is due. */
export interface Task {
  readonly does: Does | { readonly kind: 'spawn-later'; readonly saved: SavedSpawn };
  readonly owner: Pid | null;
  readonly persist: boolean;
}

/** When a job is due next, in milliseconds since 1970; null: never. */
export function nextMs({ timing }: Job<Task>, now: Now): number | null {
  const untilMs = timing.untilNext(now);
  return untilMs === null ? null : Math.round(now.wallMs + untilMs);
}

/** A job, as it is written. */
export function saved(job: Job<Task>, now: Now): SavedJob {
  const { history } = job;
  const { when } = job.timing;
  return {
    id: job.id,
    name: job.name,
    when: 'everyMs' in when ? { every_ms: when.everyMs } : when,
    missed_policy: job.policy,
    does: savedDoes(job.does.does),
    created_at_ms: job.createdAtMs,
    next_ms: nextMs(job, now),
    runs: history.runs,
    failures: history.failures,
    missed: history.missed,
    last_run_ms: history.lastRunMs,
  };
}

function savedDoes(does: Task['does']): SavedJob['does'] {
  switch (does.kind) {
    case 'spawn-later':
      return does.saved;
    case 'spawn':
      return savedSpawn(does.options);
    case 'call':
      return { call: does.handlerName ?? '' };
    case 'send':
      throw new Error('a job that sends to a pid is not kept');
  }
}

/** @throws {RingfenceError} `RF_USAGE` where something in it would not be the same in another process */
export function savedSpawn(spawnable: Spawnable): SavedSpawn {
  if (isWork(spawnable)) {
    throw new RingfenceError(
      'RF_USAGE',
      "Cannot keep the job as it spawns a function: call one of the kernel's handlers instead.",
    );
  }
  const { module, ...options } = spawnable;
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const spawn = JSON.parse(JSON.stringify(Object.fromEntries(given))) as SavedSpawn['spawn'];
  for (const [name, value] of given) {
    if (!isDeepStrictEqual(value, spawn[name])) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot keep the job as 'spawn.${name}' can't be written as JSON: leave it out, or call a handler that spawns.`,
        { name },
      );
    }
  }
  return { spawn, module: module.digest };
}

/** A job that was read. @throws {RingfenceError} `RF_USAGE` for a handler that there is not */
export function restored(
  job: SavedJob,
  handlers: Readonly<Record<string, JobHandler>>,
  now: Now,
): Job<Task> {
  const { does, when } = job;
  return {
    id: job.id,
    name: job.name,
    timing: timingOf('every_ms' in when ? { everyMs: when.every_ms } : when, now, job.next_ms),
    policy: job.missed_policy,
    createdAtMs: job.created_at_ms,
    does: {
      does:
        'call' in does
          ? { kind: 'call', handler: handlerOf(does.call, handlers), handlerName: does.call }
          : { kind: 'spawn-later', saved: does },
      owner: null,
      persist: true,
    },
    history: {
      runs: job.runs,
      failures: job.failures,
      missed: job.missed,
      lastRunMs: job.last_run_ms,
      lastError: null,
    },
    cancellation: new AbortController(),
    isRunning: false,
  };
}
