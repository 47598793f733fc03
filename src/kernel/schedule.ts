/** The jobs of a kernel: does what is due, and takes away what belonged to who has exited. */

import { randomUUID } from 'node:crypto';
import { RingfenceError } from '../errors.ts';
import type { HealthPart } from '../health/health.ts';
import type { Pid } from '../process/state.ts';
import { Agenda, type Clock } from '../schedule/agenda.ts';
import { JOBS_MAX, JobFile, readJobs, type SavedJob } from '../schedule/file.ts';
import type { Job, JobHistory, JobRun } from '../schedule/job.ts';
import { timingOf } from '../schedule/timing.ts';
import type { Agent } from './agent.ts';
import { nextMs, restored, type SavedSpawn, saved, savedSpawn, type Task } from './saved-jobs.ts';
import { handlerOf, type ScheduleOptions } from './schedule-handlers.ts';
import { type JobOptions, type ReadJob, readJob, type ScheduledJob } from './schedule-options.ts';
import type { LoadedModule } from './spawn-options.ts';
import type { Spawnable } from './spawn-request.ts';

/** Jobs that belong to one agent. */
const JOBS_PER_OWNER_MAX = 64;
/** What has become of jobs is written this long after it, all at once. */
const SAVE_MS = 1_000;

/** What jobs need of their kernel. */
export interface KernelScheduleOptions {
  readonly schedule: ScheduleOptions | undefined;
  /** What was read of the file. */
  readonly saved: readonly SavedJob[];
  readonly clock: Clock;
  /** @throws {RingfenceError} `RF_PROCESS_NOT_FOUND` for one that does not run */
  agent(pid: Pid): Agent;
  module(digest: string): LoadedModule | undefined;
  /** @throws {RingfenceError} as `Kernel.spawn` does for what can't be understood. */
  check(options: Spawnable): void;
  spawn(options: Spawnable): Promise<Agent>;
  warn(text: string): void;
}

const NEW: JobHistory = { runs: 0, failures: 0, missed: 0, lastRunMs: null, lastError: null };

/** Reads the jobs that a kernel goes on with. @throws {RingfenceError} `RF_FILE`, `RF_USAGE` */
export async function readSchedule(
  schedule: ScheduleOptions | undefined,
): Promise<readonly SavedJob[]> {
  const jobs = schedule?.file === undefined ? [] : await readJobs(schedule.file);
  for (const { does } of jobs) {
    if ('call' in does) {
      handlerOf(does.call, schedule?.handlers ?? {});
    }
  }
  return jobs;
}

/** The wall clock, and one that nobody sets. */
export const SYSTEM_CLOCK: Clock = {
  now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }),
  wake: (inMs, ring) => {
    const timer = setTimeout(ring, inMs);
    return { clear: () => clearTimeout(timer) };
  },
};

/** All jobs of a kernel. */
export class KernelSchedule {
  readonly #options: KernelScheduleOptions;
  readonly #agenda: Agenda<Task>;
  readonly #file: JobFile | null;
  /** Jobs that end with an agent: ids by its pid. */
  readonly #tied = new Map<Pid, Set<string>>();
  #saving: { clear(): void } | null = null;
  /** What was there when it was closed. */
  #last: readonly SavedJob[] | null = null;

  constructor(options: KernelScheduleOptions) {
    this.#options = options;
    const path = options.schedule?.file;
    this.#file = path === undefined ? null : new JobFile(path, () => this.#last ?? this.#save());
    this.#agenda = new Agenda({
      clock: options.clock,
      perform: (job, run) => this.#perform(job.does, run),
      failed: (job, error) => {
        const what = job.name === null ? job.id : `'${job.name}'`;
        options.warn(`the job ${what} failed: ${messageOf(error)}`);
      },
      changed: (job) => job.does.persist && this.#saveSoon(),
    });
    for (const job of options.saved) {
      this.#agenda.add(restored(job, options.schedule?.handlers ?? {}, options.clock.now()));
    }
  }

  /** @throws {RingfenceError} see {@link Kernel.schedule} */
  async add(given: JobOptions): Promise<ScheduledJob> {
    const read = this.#read(given);
    const { clock } = this.#options;
    const now = clock.now();
    const job: Job<Task> = {
      id: randomUUID(),
      name: read.name,
      timing: timingOf(read.when, now),
      policy: read.policy,
      createdAtMs: now.wallMs,
      does: read,
      history: { ...NEW },
      cancellation: new AbortController(),
      isRunning: false,
    };
    this.#agenda.add(job);
    for (const pid of tiedTo(read)) {
      this.#tied.set(pid, (this.#tied.get(pid) ?? new Set()).add(job.id));
    }
    if (read.persist) {
      try {
        await this.#file?.save();
      } catch (error) {
        this.#remove(job.id);
        throw error;
      }
    }
    return this.#view(job);
  }

  #read(given: JobOptions): ReadJob {
    if (this.#last !== null) {
      throw new RingfenceError(
        'RF_CLOSED',
        'Cannot schedule the job as the kernel is closed: open another.',
      );
    }
    const { schedule, agent, check } = this.#options;
    const read = readJob(given, schedule?.handlers ?? {});
    if (read.owner !== null) {
      agent(read.owner);
    }
    if (read.does.kind === 'send') {
      agent(read.does.to);
    }
    if (read.does.kind === 'spawn') {
      check(read.does.options);
    }
    if (read.persist && this.#file === null) {
      throw new RingfenceError(
        'RF_USAGE',
        "Cannot keep the job as the kernel has no file for it: open it with one, as 'schedule.file'.",
      );
    }
    if (read.persist && read.does.kind === 'spawn') {
      savedSpawn(read.does.options);
    }
    this.#requireRoom(read.owner);
    return read;
  }

  #requireRoom(owner: Pid | null): void {
    const jobs = this.#agenda.list();
    if (jobs.length >= JOBS_MAX) {
      throw tooMany('the kernel', JOBS_MAX);
    }
    const owned = jobs.filter((job) => job.does.owner === owner).length;
    if (owner !== null && owned >= JOBS_PER_OWNER_MAX) {
      throw tooMany(`pid ${owner}`, JOBS_PER_OWNER_MAX);
    }
  }

  list(): ScheduledJob[] {
    return this.#agenda.list().map((job) => this.#view(job));
  }

  /** @throws {RingfenceError} `RF_FILE` where the file still has it */
  async cancel(id: string): Promise<boolean> {
    const job = this.#remove(id);
    if (job?.does.persist) {
      await this.#file?.save();
    }
    return job !== null;
  }

  /** An agent has exited: what belonged to it, and what was sent to it, is no more. */
  exited(pid: Pid): void {
    for (const id of this.#tied.get(pid) ?? []) {
      this.#remove(id);
    }
  }

  #remove(id: string): Job<Task> | null {
    const job = this.#agenda.remove(id);
    for (const pid of job === null ? [] : tiedTo(job.does)) {
      const ids = this.#tied.get(pid);
      ids?.delete(id);
      if (ids?.size === 0) {
        this.#tied.delete(pid);
      }
    }
    return job;
  }

  /** What has become of all jobs that there were. */
  get totals(): { readonly runs: number; readonly failures: number; readonly missed: number } {
    return this.#agenda.totals;
  }

  /** How the jobs are: those whose last run failed are told. */
  health(): HealthPart {
    const failing = this.#agenda.list().filter(({ history }) => history.lastError !== null);
    const names = failing.slice(0, 10).map(({ id, name }) => `'${name ?? id}'`);
    return failing.length === 0
      ? { name: 'schedule', status: 'healthy', message: null }
      : {
          name: 'schedule',
          status: 'degraded',
          message: `the last run of ${failing.length} jobs failed: ${names.join(', ')}`,
        };
  }

  /** No job runs any more, and no timer is left. Resolves when the file says what has become of them. */
  async close(): Promise<void> {
    if (this.#last !== null) {
      return;
    }
    this.#last = this.#save();
    const isBehind = this.#saving !== null || this.#last.length > 0;
    this.#saving?.clear();
    this.#agenda.close();
    this.#tied.clear();
    if (isBehind) {
      await this.#file?.save().catch((error: unknown) => this.#options.warn(messageOf(error)));
    }
  }

  #saveSoon(): void {
    if (this.#last !== null || this.#saving !== null) {
      return;
    }
    this.#saving = this.#options.clock.wake(SAVE_MS, () => {
      this.#saving = null;
      this.#file?.save().catch((error: unknown) => this.#options.warn(messageOf(error)));
    });
  }

  async #perform(task: Task, run: JobRun): Promise<void> {
    const { does } = task;
    switch (does.kind) {
      case 'call':
        await does.handler(run);
        return;
      case 'send':
        await this.#options.agent(does.to).send(does.message);
        return;
      case 'spawn':
        await this.#live(does.options);
        return;
      case 'spawn-later':
        await this.#live(this.#spawnOf(does.saved));
        return;
    }
  }

  /** A run lasts as long as its agent: two of one job never live at a time. */
  async #live(options: Spawnable): Promise<void> {
    const agent = await this.#options.spawn(options);
    const { exit, pid } = await agent.exited;
    if (exit.reason !== 'normal') {
      throw new Error(`its agent, pid ${pid}, ended by ${exit.reason}`);
    }
  }

  #spawnOf({ spawn, module: digest }: SavedSpawn): Spawnable {
    const module = this.#options.module(digest);
    if (module === undefined) {
      throw new RingfenceError(
        'RF_USAGE',
        `its module ${digest} is not loaded: load it before the job is due`,
      );
    }
    return { ...spawn, module } as Spawnable;
  }

  #save(): SavedJob[] {
    const now = this.#options.clock.now();
    return this.#agenda
      .list()
      .filter(({ does }) => does.persist)
      .map((job) => saved(job, now));
  }

  #view(job: Job<Task>): ScheduledJob {
    const { history, does } = job;
    return {
      id: job.id,
      name: job.name,
      when: job.timing.when,
      missedPolicy: job.policy,
      does: does.does.kind === 'spawn-later' ? 'spawn' : does.does.kind,
      owner: does.owner,
      persist: does.persist,
      createdAtMs: job.createdAtMs,
      nextMs: nextMs(job, this.#options.clock.now()),
      isRunning: job.isRunning,
      ...history,
    };
  }
}

/** Whose exits end a job. */
function tiedTo({ does, owner }: Task): Set<Pid> {
  return new Set([...(owner === null ? [] : [owner]), ...(does.kind === 'send' ? [does.to] : [])]);
}

function tooMany(whose: string, limit: number): RingfenceError {
  return new RingfenceError(
    'RF_LIMIT_EXCEEDED',
    `Cannot schedule the job as ${whose} has ${limit} jobs, which are the most: cancel one.`,
    { limit },
  );
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
