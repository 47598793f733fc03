/** How a module that handles HTTP requests is served, as callers write it. */

import * as z from 'zod';
import { TIMER_MS_MAX } from '../timer.ts';
import { usageError } from '../usage-error.ts';
import type { SpawnOptions } from './spawn-options.ts';

/** Requests that are handled at a time, if nothing else is said. */
const CONCURRENT_DEFAULT = 256;
const CONCURRENT_MAX = 10_000;
/** How long a request may take, if nothing else is said: from its head to the end of its response. */
const TIMEOUT_MS_DEFAULT = 30_000;
const MEBIBYTE = 1024 * 1024;

/** What was handled, and how: told when it is over. */
export interface ServedRequest {
  readonly method: string;
  /** With its query, as the client has sent it. */
  readonly path: string;
  /** Of the response that the client has got; null: it left before. */
  readonly status: number | null;
  /** Bytes of the response's body. */
  readonly bytes: number;
  readonly durationMs: number;
  /** The agent that handled it; null: none did. */
  readonly pid: number | null;
  /** What went wrong, in a few words for the operator; null: nothing. */
  readonly problem: string | null;
}

/** What is served, with what each instance of it may and how much. */
export interface ServeOptions
  extends Omit<SpawnOptions, 'parent' | 'stdin' | 'terminal' | 'provides' | 'backend' | 'record'> {
  /**
   * Instances that are kept for the requests after the one that they were made for; each handles one at a
   * time, and sees what it has left in its memory. Limits are those of an instance, from its start to its
   * end. @default 0, each request has an instance of its own
   */
  readonly keepWarm?: number;
  /** Requests that are handled at a time, at most 10,000: others are answered by 503. @default 256 */
  readonly maxConcurrent?: number;
  /** From a request's head to the end of its response, in milliseconds: then 504. @default 30,000 */
  readonly timeoutMs?: number;
  /** Bytes of a request's body: then 413. @default 16 MiB */
  readonly maxRequestBytes?: number;
  /** Bytes of a response's body: then it is broken off. @default 1 GiB */
  readonly maxResponseBytes?: number;
  /** Is told of each request, when it is over. */
  readonly onRequest?: (request: ServedRequest) => void;
}

const bytes = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

const serveSchema = z.object({
  // Nobody is there whose child it is, or who would write to it.
  parent: z.undefined().optional(),
  stdin: z.undefined().optional(),
  terminal: z.undefined().optional(),
  provides: z.undefined().optional(),
  record: z.undefined().optional(),
  keepWarm: z.number().int().nonnegative().max(CONCURRENT_MAX).default(0),
  maxConcurrent: z.number().int().positive().max(CONCURRENT_MAX).default(CONCURRENT_DEFAULT),
  timeoutMs: z.number().int().positive().max(TIMER_MS_MAX).default(TIMEOUT_MS_DEFAULT),
  maxRequestBytes: bytes.default(16 * MEBIBYTE),
  maxResponseBytes: bytes.default(1024 * MEBIBYTE),
  onRequest: z
    .custom<(request: ServedRequest) => void>((value) => typeof value === 'function')
    .optional(),
});

/** The same, read. */
export type ServeSettings = z.output<typeof serveSchema>;

/**
 * Takes what is of the serving apart from what is of each spawn.
 *
 * @throws {RingfenceError} `RF_USAGE`
 */
export function readServe(options: ServeOptions): {
  readonly settings: ServeSettings;
  readonly spawn: SpawnOptions;
} {
  const parsed = serveSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('serve the module', parsed.error);
  }
  const {
    keepWarm: _keepWarm,
    maxConcurrent: _maxConcurrent,
    timeoutMs: _timeoutMs,
    maxRequestBytes: _maxRequestBytes,
    maxResponseBytes: _maxResponseBytes,
    onRequest: _onRequest,
    ...spawn
  } = options;
  return { settings: parsed.data, spawn };
}
