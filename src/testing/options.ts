/** How an agent is tested, as tests write it. */

import * as z from 'zod';
import {
  type ElevationAnswer,
  type ElevationRequest,
  type FeaturesInput,
  type GrantsInput,
  type LimitsInput,
  RingfenceError,
  type ToolHandler,
} from '../index.ts';
import type { PeerHandler } from './peers.ts';
import type { ScriptedTool } from './tools.ts';

/** How an agent is tested. */
export interface TestAgentOptions {
  /** What it is granted. @default what `policy` says, and nothing without one */
  readonly grants?: GrantsInput;
  /** Its limits. @default what `policy` says, and the usual ones without one */
  readonly limits?: LimitsInput;
  /** A policy file, which decides what it gets, but for its isolation. @default none */
  readonly policy?: string;
  /** Tools by their names: functions, or with a schema and limits. It calls those that it is granted. */
  readonly tools?: Readonly<Record<string, ToolHandler | ScriptedTool>>;
  /**
   * Agents that it can talk to, by their names: each provides the service of its name. The value answers
   * requests; null: the test does, by {@link PeerMail.reply}.
   */
  readonly peers?: Readonly<Record<string, PeerHandler | null>>;
  /** Answers what it asks of the program, pid 0, which is its parent. @default nobody does */
  readonly program?: PeerHandler;
  /** Modules that it can spawn by name, and their files. */
  readonly modules?: Readonly<Record<string, string | URL>>;
  /** Decides about grants that it asks for. @default they are denied */
  readonly onElevation?: (request: ElevationRequest) => ElevationAnswer | Promise<ElevationAnswer>;
  /** The time when it is spawned: a date as `Date` reads it. @default '2000-01-01T00:00:00Z' */
  readonly now?: string | number | Date;
  /** What its random numbers follow from: the same seed, the same numbers. @default 'ringfence' */
  readonly random?: string | number;
  /** Its arguments; the first is, by habit, its name. */
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** What it reads as `wasi:config`. */
  readonly config?: Readonly<Record<string, string>>;
  /** All of its standard input. @default empty */
  readonly stdin?: string | Uint8Array;
  /** Milliseconds of the machine's time that it has to come to rest after its spawn. @default 20_000 */
  readonly patienceMs?: number;
  /** Features that its module may use. @default what `policy` says, and none without one */
  readonly features?: FeaturesInput;
}

const functions = z.custom<ToolHandler>((value) => typeof value === 'function', 'give a function');
const optionsSchema = z.strictObject({
  grants: z.unknown().optional(),
  limits: z.unknown().optional(),
  policy: z.string().min(1).optional(),
  tools: z
    .record(z.string(), z.union([functions, z.looseObject({ handler: functions })]))
    .optional(),
  peers: z.record(z.string(), z.union([functions, z.null()])).optional(),
  program: functions.optional(),
  modules: z.record(z.string(), z.union([z.string(), z.instanceof(URL)])).optional(),
  onElevation: functions.optional(),
  now: z.union([z.string(), z.number(), z.date()]).optional(),
  random: z.union([z.string().min(1).max(256), z.number()]).optional(),
  arguments: z.unknown().optional(),
  environment: z.unknown().optional(),
  config: z.unknown().optional(),
  stdin: z.union([z.string(), z.instanceof(Uint8Array)]).optional(),
  patienceMs: z.unknown().optional(),
  features: z.unknown().optional(),
});

/**
 * Checks what a test has written; what is in grants, limits and tools their own readers look at.
 *
 * @throws {RingfenceError} `RF_USAGE`
 */
export function checkOptions(options: TestAgentOptions): void {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot test the agent: ${issue?.path.join('.') || 'it'}: ${issue?.message}.`,
    );
  }
}

/** When the time of a test begins, in milliseconds since 1970; undefined: it does not say. */
export function instantOf(now: TestAgentOptions['now']): number | undefined {
  if (now === undefined) return undefined;
  const atMs = new Date(now).getTime();
  if (Number.isNaN(atMs)) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot begin a test at ${JSON.stringify(now)}: write a date such as 2030-01-31T12:00:00Z.`,
    );
  }
  return atMs;
}
