/** What a tool is: what is said of it, its limits, and the function that does its work. */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { compileSchema, type Validator } from '../json-schema/validator.ts';
import { TIMER_MS_MAX } from '../timer.ts';

/** Who calls a tool; given by the host, never by the caller's own words. */
export interface ToolCall {
  readonly pid: number;
  readonly agentId: string;
  /**
   * Aborted when nobody waits any more: the agent has ended, its grant was revoked or has expired, the
   * tool's time has passed, or it was unregistered. Of a stream: when that is so, or it was closed.
   */
  readonly signal: AbortSignal;
}

/**
 * Does the work. What it returns or resolves with goes to the agent as JSON; an async iterable, such as an
 * async generator makes, goes item by item (docs/tools.md). `args` is JSON that fits `parameters`, where
 * there are some, and whatever the agent has passed where not. What it throws stays with the host, unless it
 * is a {@link ToolError}.
 */
export type ToolHandler = (args: unknown, call: ToolCall) => unknown;

/** Characters of a call's arguments that the gate lets pass. */
const ARGUMENT_BYTES_MAX = 1024 * 1024;
/** Bytes of an answer, the most that can be said. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/** What a tool has where nothing else is said. */
export const TOOL_DEFAULTS = {
  timeoutMs: 60_000,
  maxArgumentBytes: ARGUMENT_BYTES_MAX,
  maxAnswerBytes: ANSWER_BYTES_MAX,
  concurrency: 1_024,
  concurrencyPerAgent: 32,
  queue: 1_024,
  callsPerMinute: 0,
} as const;

const count = (max: number) => z.number().int().positive().max(max).optional();

const toolSchema = z.strictObject({
  name: z.string().min(1).max(256),
  description: z.string().max(10_000),
  /**
   * A JSON schema of the arguments: draft 2020-12, or 7 where its `$schema` says so. Each call is checked
   * by it before the handler runs.
   */
  parameters: z.record(z.string(), z.unknown()).optional(),
  /** False: keywords of `parameters` that nobody knows are ignored. @default true */
  strictSchema: z.boolean().optional(),
  /** Milliseconds that a call may take, waiting for its turn included; of a stream, until the next items. @default 60_000 */
  timeoutMs: count(TIMER_MS_MAX),
  /** Bytes of a call's arguments, as JSON. @default 1 MiB */
  maxArgumentBytes: count(ARGUMENT_BYTES_MAX),
  /** Bytes of an answer, as JSON; of a stream, of one item. @default 8 MiB */
  maxAnswerBytes: count(ANSWER_BYTES_MAX),
  /** Calls that are worked on at a time. @default 1_024 */
  concurrency: count(100_000),
  /** Of them, those of one agent. @default 32 */
  concurrencyPerAgent: count(100_000),
  /** Calls that wait for their turn; any more are refused. 0: none waits. @default 1_024 */
  queue: z.number().int().nonnegative().max(100_000).optional(),
  /** Calls of one agent in a minute, next items of a stream not counted; absent: as many as its limit of calls. */
  callsPerMinute: count(1_000_000),
});

/** What is said of a tool, and its limits. Agents are told its name, what it does, and its parameters. */
export type ToolDescription = z.input<typeof toolSchema>;

/** What agents are told of a tool. */
export interface ToolListing {
  readonly name: string;
  readonly description: string;
  /** A JSON schema, as JSON. */
  readonly parameters: string;
}

/** The limits of a tool. */
export interface ToolLimits {
  readonly timeoutMs: number;
  readonly maxArgumentBytes: number;
  readonly maxAnswerBytes: number;
  readonly concurrency: number;
  readonly concurrencyPerAgent: number;
  readonly queue: number;
  /** 0: no limit. */
  readonly callsPerMinute: number;
}

/** A tool that can be registered. */
export interface Tool {
  readonly listing: ToolListing;
  readonly limits: ToolLimits;
  readonly handler: ToolHandler;
  /** Null: nobody has said what its arguments are. */
  readonly validate: Validator | null;
}

/** The field by which an agent asks for the next items of a stream, and is told of it. */
export const STREAM_FIELD = '$stream';

const refused = (name: string, why: string): RingfenceError =>
  new RingfenceError('RF_USAGE', `Cannot register the tool '${name}': ${why}`, { name });

function validatorOf(
  name: string,
  parameters: Readonly<Record<string, unknown>>,
  strict: boolean,
): Validator {
  const { properties } = parameters;
  if (typeof properties === 'object' && properties !== null && STREAM_FIELD in properties) {
    throw refused(
      name,
      `its parameter '${STREAM_FIELD}' is what streams are continued by: name it otherwise.`,
    );
  }
  try {
    return compileSchema(parameters, { strict });
  } catch (error) {
    if (error instanceof RingfenceError) {
      throw refused(name, `its parameters: ${error.message}`);
    }
    throw error;
  }
}

/** A validator that is made when it is first asked: making the first of a program takes 0.1 s. */
function madeLater(make: () => Validator | null): Validator {
  let made: Validator | null | undefined;
  return (value) => {
    if (made === undefined) made = make();
    return made === null ? null : made(value);
  };
}

/**
 * Reads what is said of a tool. `isOwn`: its schema is ringfence's, and is compiled at its first call.
 *
 * @throws {RingfenceError} `RF_USAGE` for a description of the wrong shape, or a schema that is not taken.
 */
export function readTool(
  description: ToolDescription,
  handler: ToolHandler,
  { isOwn = false }: { readonly isOwn?: boolean } = {},
): Tool {
  const parsed = toolSchema.safeParse(description);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot register the tool: ${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'not understood'}.`,
    );
  }
  const { name, description: text, parameters, strictSchema = true, ...limits } = parsed.data;
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  const make = (): Validator | null =>
    parameters === undefined ? null : validatorOf(name, parameters, strictSchema);
  return {
    listing: { name, description: text, parameters: JSON.stringify(parameters ?? {}) },
    limits: { ...TOOL_DEFAULTS, ...Object.fromEntries(given) },
    handler,
    validate: isOwn ? madeLater(make) : make(),
  };
}
