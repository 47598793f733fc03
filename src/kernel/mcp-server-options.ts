/** A server of the Model Context Protocol whose tools agents may call, as the program writes it. */

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import type { ServerPlace } from '../mcp/connect/server-link.ts';
import { TIMER_MS_MAX } from '../timer.ts';
import type { ToolDescription } from '../tools/tool.ts';
import { usageError } from '../usage-error.ts';
import { SECRET_NAME } from './network-options.ts';

const START_MS_DEFAULT = 10_000;
const BACKOFF_MS_DEFAULT = 1_000;
const HEADERS_MAX = 64;
const HEADER_CHARACTERS_MAX = 8_192;
const NAMES_MAX = 256;

/** Limits of a server's tools: as those of {@link ToolDescription}. */
export type McpToolLimits = Pick<
  ToolDescription,
  | 'callsPerMinute'
  | 'concurrency'
  | 'concurrencyPerAgent'
  | 'maxAnswerBytes'
  | 'maxArgumentBytes'
  | 'queue'
  | 'timeoutMs'
>;

/** A server, and what of it is offered. */
export interface McpServerOptions {
  /** Its tools are offered as `NAME.TOOL`. A letter, then letters, digits, `_` and `-`, 64 at most. */
  readonly name: string;
  /**
   * A server that is a process: a file (a path, or a name that is looked up in the program's PATH) and its
   * arguments. No shell is there to read them.
   */
  readonly command?: readonly string[] | undefined;
  /** The environment of the process, and all of it. @default empty */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Where the process runs. @default the program's working directory */
  readonly directory?: string | undefined;
  /** A server over HTTP; it is the program's word, and no grant of an agent is asked. */
  readonly url?: string | undefined;
  /**
   * Headers of each request to it, such as `authorization`: a text, or the name of one of the kernel's `secrets`,
   * whose value no agent and no log sees.
   */
  readonly headers?: Readonly<Record<string, string | { readonly secret: string }>> | undefined;
  /** The tools that are offered, by the server's own names. @default all */
  readonly tools?: readonly string[] | undefined;
  /** Limits of each of its tools. @default those of a registered tool, with `concurrency` 64 */
  readonly limits?: McpToolLimits | undefined;
  /** Limits of single tools, by the server's own names, beside `limits`. */
  readonly toolLimits?: Readonly<Record<string, McpToolLimits>> | undefined;
  /** How long it may take until it answers, and until it has listed its tools. @default 10_000 */
  readonly startMs?: number | undefined;
  /** The least that passes between its end and its next start; twice as long each time, 60 s at most. @default 1_000 */
  readonly backoffMs?: number | undefined;
}

const count = z.number().int().positive().max(TIMER_MS_MAX).optional();
const texts = z.record(
  z.string(),
  z.string().refine((text) => !text.includes('\0'), 'has a NUL'),
);

const limitsSchema = z.strictObject({
  callsPerMinute: count,
  concurrency: count,
  concurrencyPerAgent: count,
  maxAnswerBytes: count,
  maxArgumentBytes: count,
  queue: z.number().int().nonnegative().optional(),
  timeoutMs: count,
});

/** Reads {@link McpServerOptions}. */
const mcpServerSchema = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^[A-Za-z][\w-]{0,63}$/,
        'give a letter, then letters, digits, underscores and dashes',
      ),
    command: z
      .array(z.string().refine((text) => !text.includes('\0'), 'has a NUL'))
      .min(1)
      .max(1_000)
      .optional(),
    environment: texts.optional(),
    directory: z.string().min(1).optional(),
    url: z
      .string()
      .refine(
        (text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''),
        'give a URL of http or https',
      )
      .optional(),
    headers: z
      .record(
        z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/, 'give names that headers can have'),
        z.union(
          [
            z
              .string()
              .max(HEADER_CHARACTERS_MAX)
              .regex(/^[\t\x20-\x7e\x80-\xff]*$/),
            z.strictObject({ secret: z.string().regex(SECRET_NAME) }),
          ],
          { error: "give a header's text, or { secret: NAME }" },
        ),
      )
      .refine((given) => Object.keys(given).length <= HEADERS_MAX, `give ${HEADERS_MAX} at most`)
      .optional(),
    tools: z.array(z.string().min(1).max(128)).max(NAMES_MAX).optional(),
    limits: limitsSchema.optional(),
    toolLimits: z.record(z.string(), limitsSchema).optional(),
    startMs: count,
    backoffMs: count,
  })
  .refine(({ command, url }) => (command === undefined) !== (url === undefined), {
    path: ['command'],
    message: "give either 'command' or 'url'",
  });

/** A server whose options were read. */
export interface ReadMcpServer {
  readonly name: string;
  readonly place: ServerPlace;
  /** Values that it is sent, and nobody else is to see. */
  readonly secrets: readonly string[];
  readonly startMs: number;
  readonly backoffMs: number;
  /** Whether a tool of this name is offered. */
  offers(tool: string): boolean;
  limitsOf(tool: string): McpToolLimits;
}

/**
 * Reads what a program has written of a server.
 *
 * @throws {RingfenceError} `RF_USAGE`, also where there is no such program, or no such secret
 */
export function readMcpServer(options: McpServerOptions, secrets: SecretValues): ReadMcpServer {
  const parsed = mcpServerSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('offer the tools of an MCP server', parsed.error);
  }
  const { name, tools, limits = {}, toolLimits = {} } = options;
  return {
    name,
    place: placeOf(options, secrets),
    secrets: Object.values(options.headers ?? {}).flatMap((value) =>
      typeof value === 'string' ? [] : [secrets[value.secret]!],
    ),
    startMs: options.startMs ?? START_MS_DEFAULT,
    backoffMs: options.backoffMs ?? BACKOFF_MS_DEFAULT,
    offers: (tool) => tools === undefined || tools.includes(tool),
    limitsOf: (tool) => ({
      concurrency: 64,
      ...limits,
      ...(Object.hasOwn(toolLimits, tool) ? toolLimits[tool] : {}),
    }),
  };
}

/** Secrets of a kernel, by their names. */
export type SecretValues = Readonly<Record<string, string>>;

function headersOf(
  { name, headers = {} }: McpServerOptions,
  secrets: SecretValues,
): Record<string, string> {
  const values = Object.entries(headers).map(([header, value]) => {
    if (typeof value === 'string') {
      return [header, value];
    }
    const { secret } = value;
    if (!Object.hasOwn(secrets, secret)) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot offer the MCP server '${name}' as nothing gives the secret '${secret}', the value of its header '${header}': add --secret ${secret}=env:VARIABLE, or 'secrets' to openKernel.`,
        { name, secret },
      );
    }
    return [header, secrets[secret]!];
  });
  return Object.fromEntries(values);
}

function placeOf(options: McpServerOptions, secrets: SecretValues): ServerPlace {
  const { name, command = [], environment = {}, directory = '.', url } = options;
  if (url !== undefined) {
    return { address: { url: new URL(url), headers: headersOf(options, secrets) } };
  }
  const [program = '', ...args] = command;
  const where = resolve(directory);
  const file = fileOf(program, where);
  if (file === null) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot start the MCP server '${name}' as there is no program ${JSON.stringify(program)}: name its file, or one that is in PATH.`,
      { name },
    );
  }
  return {
    command: { file, arguments: args, environment: { ...environment }, directory: where },
  };
}

/** The file of a program; null: there is none. The server's own PATH is not asked. */
function fileOf(program: string, directory: string): string | null {
  const candidates =
    program.includes('/') || isAbsolute(program)
      ? [resolve(directory, program)]
      : (process.env.PATH ?? '')
          .split(delimiter)
          .filter((folder) => isAbsolute(folder))
          .map((folder) => join(folder, program));
  return candidates.find(isProgram) ?? null;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
