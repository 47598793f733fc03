/** A subject in a process of its own: `child.ts SUBJECT GUESTS`. Measures what it is asked, when it is. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CALLS, JOBS, type Job } from './job.ts';
import { proportionalBytes } from './memory.ts';
import type { Fences, Guests, Program, Subject, SubjectModule } from './subject.ts';

/** Lives that go on at a time, where rates are measured. */
const AT_A_TIME = 64;
const WARM_UP = 20;
/** For collections of what is not used any more, before memory is looked at. */
const SETTLE_MS = 300;

/** What the parent asks for. */
export type Question =
  | { readonly kind: 'lives'; readonly count: number }
  | { readonly kind: 'rate'; readonly count: number }
  | { readonly kind: 'job'; readonly job: Job }
  | { readonly kind: 'program'; readonly program: Program }
  | { readonly kind: 'kept'; readonly count: number };

/** The first message: what the subject is. */
export interface Introduction {
  readonly fences: Fences;
  readonly version: string | null;
  readonly calls: number;
  readonly kept: number;
  readonly lives: number;
  /** Whether it is asked for programs. */
  readonly programs: boolean;
}

/** Milliseconds of each life; lives a second; milliseconds of a job or program; bytes of each that is kept, or null. */
export type Answer = readonly number[] | null;

const settle = async (): Promise<void> => {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }
};

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function answer(subject: Subject, question: Question): Promise<Answer> {
  if (question.kind === 'job') return [await timed(() => subject.run(question.job))];
  if (question.kind === 'program') {
    return [await timed(async () => subject.program?.(question.program))];
  }
  if (question.kind === 'lives') {
    const times: number[] = [];
    for (let life = 0; life < question.count; life += 1) {
      times.push(await timed(() => subject.run('nothing')));
    }
    return times;
  }
  if (question.kind === 'rate') {
    let left = question.count;
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await subject.run('nothing');
      }
    };
    const ms = await timed(async () => {
      await Promise.all(Array.from({ length: Math.min(AT_A_TIME, question.count) }, lane));
    });
    return [(question.count / ms) * 1000];
  }
  return await bytesOfEach(subject, question.count);
}

async function bytesOfEach(subject: Subject, count: number): Promise<Answer> {
  if (subject.keep === undefined) return null;
  const { keep } = subject;
  const ends: (() => Promise<void> | void)[] = [];
  const keepMore = async (): Promise<number | null> => {
    for (let index = 0; index < count; index += 1) ends.push(await keep());
    await settle();
    return proportionalBytes(process.pid);
  };
  // The first of them fill what those before have left free.
  const before = await keepMore();
  const after = await keepMore();
  for (const end of ends) await end();
  return before === null || after === null ? null : [(after - before) / count];
}

function versionOf(packageName: string | null): string | null {
  if (packageName === null) return null;
  // Not every package exports its package.json.
  let folder = dirname(createRequire(import.meta.url).resolve(packageName));
  for (;;) {
    const text = readIfThere(join(folder, 'package.json'));
    const found = text === null ? null : (JSON.parse(text) as { version?: string });
    // Packages have a second one, without a version, beside modules of another kind.
    if (found?.version !== undefined) return found.version;
    if (dirname(folder) === folder) return null;
    folder = dirname(folder);
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

async function main([name = '', guests = '']: readonly string[]): Promise<void> {
  const { subject: module } = (await import(`./subjects/${name}.ts`)) as { subject: SubjectModule };
  const subject = await module.open(JSON.parse(guests) as Guests);
  for (let life = 0; life < Math.min(WARM_UP, module.lives); life += 1) {
    await subject.run('nothing');
  }
  for (const job of JOBS) await subject.run(job);
  const { fences, kept, lives, calls = CALLS } = module;
  const version = subject.version ?? versionOf(module.packageName);
  // Nobody asks any more.
  process.on('disconnect', () => process.exit());
  process.on('message', (question: Question) => {
    answer(subject, question).then(
      (found) => process.send?.(found),
      (error: unknown) => {
        process.stderr.write(`${name}: ${String(error)}\n`);
        process.exit(1);
      },
    );
  });
  const programs = subject.program !== undefined;
  const introduction: Introduction = { fences, version, calls, kept, lives, programs };
  process.send?.(introduction);
}

await main(process.argv.slice(2));
