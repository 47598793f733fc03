/** How a function of the program is spawned as an agent, as callers write it. */

import * as z from 'zod';
import type { Work } from '../backend/native/context.ts';
import { RingfenceError } from '../errors.ts';
import { type Limits, type LimitsInput, parseLimits } from '../resource/limits.ts';
import { providesSchema, type SpawnOptions } from './spawn-options.ts';

/** Limits that a function can have: what it uses up otherwise, nobody can measure in the program's thread. */
const ENFORCED = ['hostBytes', 'wallTimeMs', 'messages', 'toolCalls'] as const;

/** Why the others can't be. */
const NOT_ENFORCED = {
  fuel: 'its code counts no fuel',
  memoryBytes: 'it shares the memory of the program',
  cpuTimeMs: 'it shares the thread of the program',
  diskBytes: 'it opens files as the program does',
} as const;

/** Limits of a function, as a caller writes them. */
export type WorkLimitsInput = Pick<LimitsInput, (typeof ENFORCED)[number]>;

/** A function that is spawned, with what it may and how much: docs/library.md. */
export interface WorkOptions<Value = unknown>
  extends Pick<SpawnOptions, 'grants' | 'parent' | 'owner' | 'provides'> {
  /** Runs in the thread of the program, which must trust it: nothing of the program is kept from it. */
  readonly work: Work<Value>;
  /** A name for logs and reports, 1 to 256 characters. @default the function's name, or `work` */
  readonly agentId?: string;
  /** @default 'native' */
  readonly backend?: 'native' | undefined;
  /** What is absent has its default: {@link DEFAULT_LIMITS}. Fuel, memory, CPU time and disk have none. */
  readonly limits?: WorkLimitsInput;
}

const onlyModules = (what: string) =>
  z
    .undefined({ error: `only modules have ${what}: a function has what it closes over` })
    .optional();

/** Reads {@link WorkOptions}; grants and limits have readers of their own. */
export const workSchema = z.strictObject({
  work: z.custom<Work>((value) => typeof value === 'function', 'give a function'),
  backend: z.literal('native').optional(),
  agentId: z.string().min(1).max(256).optional(),
  grants: z.unknown().optional(),
  parent: z.custom<unknown>((value) => typeof value === 'object' && value !== null).optional(),
  owner: z.string().min(1).max(256).optional(),
  provides: providesSchema,
  limits: z.unknown().optional(),
  isolation: z
    .undefined({ error: 'a function runs in the program itself: only modules can be kept apart' })
    .optional(),
  arguments: onlyModules('arguments'),
  environment: onlyModules('variables'),
  config: onlyModules('values of wasi:config'),
  stdin: onlyModules('streams'),
  stdout: onlyModules('streams'),
  stderr: onlyModules('streams'),
  terminal: onlyModules('terminals'),
});

/**
 * Reads the limits of a function: those that can't be enforced are unlimited, and say so in the report.
 *
 * @throws {RingfenceError} `RF_USAGE`, also for one that can't be enforced
 */
export function parseWorkLimits(input: unknown): Limits {
  // First: what is no limit at all is told as such.
  const limits = parseLimits(input);
  const given = (input ?? {}) as LimitsInput;
  for (const [name, why] of Object.entries(NOT_ENFORCED)) {
    const value = Object.hasOwn(given, name) ? given[name as keyof LimitsInput] : undefined;
    if (value !== undefined && value !== 0) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot use the limit '${name}' for a function of the program, as ${why}: leave it out, or run a module.`,
        { name },
      );
    }
  }
  return { ...limits, fuel: 0, memoryBytes: 0, cpuTimeMs: 0, diskBytes: 0 };
}

/** The name of an agent that was given none. */
export function nameOfWork(work: Work): string {
  // A class can have a static member of this name.
  const { name } = work as { readonly name: unknown };
  return typeof name === 'string' && name !== '' ? name.slice(0, 256) : 'work';
}
