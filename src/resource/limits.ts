/** What an agent may use up: the limits, their defaults, and how they are parsed at the edge. */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';

/**
 * The limits of an agent. Every one is enforced where it is used up; 0 means unlimited, which only
 * a trusted caller can say.
 */
export interface Limits {
  /** Units of fuel (docs/fuel.md). @default 0 (unlimited, from a trusted caller) */
  readonly fuel: number;
  /** All memories and tables of the instance together, in bytes. @default 256 MiB */
  readonly memoryBytes: number;
  /** What the host holds for it: mail, streams, handles, in bytes. @default 16 MiB */
  readonly hostBytes: number;
  /** CPU time of the worker's thread in the agent's slices, in milliseconds. @default 300 s */
  readonly cpuTimeMs: number;
  /** Time since the spawn, in milliseconds. @default 0 (none) */
  readonly wallTimeMs: number;
  /** Messages sent. @default 5,000 */
  readonly messages: number;
  /** Tools called. @default 1,000 */
  readonly toolCalls: number;
  /** Bytes that it adds to the directories that are mounted for it. @default 100 MiB */
  readonly diskBytes: number;
}

const MEBIBYTE = 1024 * 1024;

/** The defaults of shared vocabulary and table: docs/limits.md. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  fuel: 0,
  memoryBytes: 256 * MEBIBYTE,
  hostBytes: 16 * MEBIBYTE,
  cpuTimeMs: 300_000,
  wallTimeMs: 0,
  messages: 5_000,
  toolCalls: 1_000,
  diskBytes: 100 * MEBIBYTE,
});

const amount = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).optional();

const limitsSchema = z.strictObject({
  fuel: amount,
  memoryBytes: amount,
  hostBytes: amount,
  cpuTimeMs: amount,
  wallTimeMs: amount,
  messages: amount,
  toolCalls: amount,
  diskBytes: amount,
});

/** Limits as a caller writes them: what is absent has its default. */
export type LimitsInput = z.input<typeof limitsSchema>;

/**
 * A record's own fields only: what something has put onto every object of the program limits nobody.
 * A map or a date has no fields, and would pass for a record with nothing in it.
 */
function ownFields(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return given;
  }
  const isRecord = Object.prototype.toString.call(given) === '[object Object]';
  return isRecord ? Object.assign(Object.create(null), given) : Symbol('no record');
}

/**
 * Reads limits that a caller wrote.
 *
 * @throws {RingfenceError} `RF_USAGE` for an unknown name or a value that is no whole number.
 */
export function parseLimits(input: unknown): Limits {
  // The same object for all: in one message to a worker it is written once, however many start with it.
  if (input === undefined) return DEFAULT_LIMITS;
  const parsed = limitsSchema.safeParse(ownFields(input ?? {}));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const name = issue?.path.join('.') || 'limits';
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot use the limit '${name}': ${issue?.message ?? 'not understood'}; limits are whole numbers, 0 is unlimited.`,
      { name },
    );
  }
  const set = Object.entries(parsed.data).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(set) };
}
