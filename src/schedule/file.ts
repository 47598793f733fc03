/** Jobs that outlive their kernel, in a file: read by a schema, and written whole or not at all. */

import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { MISSED_POLICIES } from './missed.ts';
import { EVERY_MS_MAX, EVERY_MS_MIN } from './timing.ts';

/** Jobs that one kernel has. */
export const JOBS_MAX = 1_000;
/** What a file of so many jobs can have in it, and some more. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

const count = z.int().nonnegative();
const moment = z.number().nonnegative().max(8.64e15);

const jobSchema = z.strictObject({
  id: z.uuid(),
  name: z.string().min(1).max(256).nullable(),
  when: z.union([
    z.strictObject({ every_ms: z.number().min(EVERY_MS_MIN).max(EVERY_MS_MAX) }),
    z.strictObject({ cron: z.string().min(1).max(256), timezone: z.string().min(1).max(64) }),
  ]),
  missed_policy: z.enum(MISSED_POLICIES),
  does: z.union([
    z.strictObject({ call: z.string().min(1).max(64) }),
    z.strictObject({ spawn: z.record(z.string(), z.json()), module: z.string().length(64) }),
  ]),
  created_at_ms: moment,
  /** When it is due next; null: it was under way. */
  next_ms: moment.nullable(),
  runs: count,
  failures: count,
  missed: count,
  last_run_ms: moment.nullable(),
});

const fileSchema = z.strictObject({
  version: z.literal(1),
  jobs: z.array(jobSchema).max(JOBS_MAX),
});

/** A job, as it is written. */
export type SavedJob = z.infer<typeof jobSchema>;

/**
 * Reads the jobs; none where there is no file yet.
 *
 * @throws {RingfenceError} `RF_FILE` where it can't be read or understood: nothing is overwritten then
 */
export async function readJobs(path: string): Promise<readonly SavedJob[]> {
  const parsed = fileSchema.safeParse(await readJson(path));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw unreadable(path, `${issue?.path.join('.') || 'the whole'}: ${issue?.message}`);
  }
  return parsed.data.jobs;
}

async function readJson(path: string): Promise<unknown> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > FILE_BYTES_MAX) {
        throw unreadable(path, `it has ${size} bytes, and ${FILE_BYTES_MAX} are the most`);
      }
      return JSON.parse(await file.readFile('utf8'));
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return { version: 1, jobs: [] };
    }
    throw error instanceof RingfenceError
      ? error
      : unreadable(path, error instanceof Error ? error.message : String(error));
  }
}

function unreadable(path: string, why: string): RingfenceError {
  return new RingfenceError(
    'RF_FILE',
    `Cannot read the schedule '${path}': ${why}; mend it, or take it away.`,
    { path },
  );
}

/** Writes jobs: one write at a time, and what has changed meanwhile with the next one. */
export class JobFile {
  readonly #path: string;
  readonly #jobs: () => readonly SavedJob[];
  #underWay: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  /** `jobs` is asked for what is to be written when that is done. */
  constructor(path: string, jobs: () => readonly SavedJob[]) {
    this.#path = path;
    this.#jobs = jobs;
  }

  /**
   * Resolves when everything that is so now was written.
   *
   * @throws {RingfenceError} `RF_FILE`
   */
  save(): Promise<void> {
    if (this.#underWay === null) {
      this.#underWay = this.#write().finally(() => {
        this.#underWay = null;
      });
      return this.#underWay;
    }
    this.#next ??= this.#underWay
      .catch(() => {})
      .then(() => {
        this.#next = null;
        return this.save();
      });
    return this.#next;
  }

  /** Beside the file, to the disk, and then in its place: whoever reads it finds one of both. */
  async #write(): Promise<void> {
    const text = `${JSON.stringify({ version: 1, jobs: this.#jobs() }, null, 2)}\n`;
    const beside = `${this.#path}.${randomUUID()}.tmp`;
    try {
      const file = await open(beside, 'wx', 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(beside, this.#path);
      await syncFolder(dirname(this.#path));
    } catch (error) {
      await rm(beside, { force: true });
      throw new RingfenceError(
        'RF_FILE',
        `Cannot write the schedule '${this.#path}': ${error instanceof Error ? error.message : String(error)}; jobs are not kept beyond this kernel until it can be.`,
        { path: this.#path },
        { cause: error },
      );
    }
  }
}

/** The name is in the folder: it is on the disk when that is. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') {
    return;
  }
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
