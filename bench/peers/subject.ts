/** What is compared: ringfence, and what else runs code of others. */

import type { Job } from './job.ts';

/** What a subject does not do, so that a fast row isn't mistaken for an equal one. */
export interface Fences {
  /** Whether an endless loop can be ended, without ending what else runs in the same place. */
  readonly endsLoops: boolean;
  /** Whether all memory that the code takes is bounded. */
  readonly boundsMemory: boolean;
  /** Whether it measures and bounds the work that is done, the same each time. */
  readonly fuel: boolean;
  /** Whether code gets only the rights that it was given, by name and scope. */
  readonly capabilities: boolean;
  /** What its own documentation, or a look, says beside, in a few words. */
  readonly caveat?: string;
}

/** A subject that was set up in a process of its own. */
export interface Subject {
  /** Of a program that is no package. */
  readonly version?: string;
  /** One whole life: made, its job done and its answer checked, dropped. */
  run(job: Job): Promise<void>;
  /**
   * One whole life as above, with a program; absent: it does not run core WebAssembly, or as plain V8 does.
   *
   * @throws {Error} where the program answers something else
   */
  program?(program: Program): Promise<void>;
  /** Makes one that lives, ready for work, and answers what ends it; absent: see `notKept`. */
  keep?(): Promise<() => Promise<void> | void>;
}

/** A file of `subjects/`. */
export interface SubjectModule {
  readonly fences: Fences;
  /** The package whose version is told; null: it is a part of Node or of this project. */
  readonly packageName: string | null;
  /** How many questions its job `calls` has. @default CALLS */
  readonly calls?: number;
  /** How many are kept for the measure of memory, and how many lives there are in a round. */
  readonly kept: number;
  readonly lives: number;
  open(guests: Guests): Promise<Subject>;
}

/** A program of the benchmark of metering, by its place there. */
export interface Program {
  readonly name: string;
  readonly index: number;
  readonly argument: number;
  /** Of its answer as a double, in decimal. */
  readonly bits: string;
}

/** Files that were compiled for the subjects. */
export interface Guests {
  /** The module of ringfence as it is published. */
  readonly published: string;
  readonly programs: readonly Program[];
  /** A core module that imports `env.now`; the same for Extism; the same by wasip1. */
  readonly plain: string;
  readonly extism: string;
  readonly reactor: string;
  /** A wasip1 command that does what its arguments say. */
  readonly command: string;
  /** Components of `wasi:cli/run`: who does the jobs, and who sends messages. */
  readonly component: string;
  readonly talker: string;
}

/** Nothing of it. */
export const NO_FENCES: Fences = {
  endsLoops: false,
  boundsMemory: false,
  fuel: false,
  capabilities: false,
};
