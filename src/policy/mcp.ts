/** MCP servers whose tools a policy offers, `[mcp.NAME]`, and what a module is called as a tool of one. */

import { resolve } from 'node:path';
import * as z from 'zod';
import { parseDuration } from '../resource/units.ts';
import { quantity } from './quantity.ts';

/** Servers of one policy. */
const SERVERS_MAX = 64;
const TEXT_CHARACTERS_MAX = 32_768;

const text = z
  .string()
  .max(TEXT_CHARACTERS_MAX)
  .regex(/^[^\0]*$/, 'it has no NUL');

/** The value is given when the server is offered, and does not stand in a policy. */
const secretSchema = z.strictObject({
  secret: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'a name has 1 to 64 letters, digits, _ . -'),
});

const serverSchema = z
  .strictObject({
    command: z
      .array(text)
      .min(1)
      .max(1_000)
      .optional()
      .meta({
        description: 'A program and its arguments; no shell reads them.',
        examples: [['mcp-server-filesystem', '/srv/shared']],
      }),
    environment: z.record(text, text).optional().meta({
      description: 'Environment variables of the program: none but those that are written here.',
    }),
    inherit: z
      .array(text.min(1))
      .max(256)
      .optional()
      .meta({
        description: "Names of variables that it gets from ringfence's own environment.",
        examples: [['PATH', 'HOME']],
      }),
    directory: text.min(1).optional().meta({
      description: "Where it runs: from this file's directory on, which is the default.",
    }),
    url: text.optional().meta({ description: 'A server over HTTP, in place of a command.' }),
    headers: z
      .record(
        text,
        z.union([text, secretSchema], { error: 'write a text, or { secret = "NAME" }' }),
      )
      .optional()
      .meta({
        description:
          'Headers of each request: a text, or the name of a secret that --secret gives.',
        examples: [{ authorization: { secret: 'SEARCH_KEY' } }],
      }),
    tools: z
      .array(text.min(1))
      .max(256)
      .optional()
      .meta({ description: 'Its tools that are offered; all by default.' }),
    start: quantity(parseDuration)
      .optional()
      .meta({ description: 'How long it may take until it is ready; 10s by default.' }),
    timeout: quantity(parseDuration)
      .optional()
      .meta({ description: 'How long each call may take; 60s by default.' }),
  })
  .refine(({ command, url }) => (command === undefined) !== (url === undefined), {
    error: 'a server has either a command or a url',
  });

/** The servers of a policy, by name. */
export const policyMcpSchema = z
  .record(
    z.string().regex(/^[A-Za-z][\w-]{0,63}$/, 'a name is a letter, then letters, digits, _ and -'),
    serverSchema,
  )
  .refine((given) => Object.keys(given).length <= SERVERS_MAX, {
    error: `${SERVERS_MAX} servers are the most`,
  });

/** What a module is as a tool. */
export const moduleToolSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'a name has letters, digits, dots, _ and -, 128 at most')
    .optional(),
  description: z.string().min(1).max(10_000).optional(),
  input_schema: z
    .record(z.string(), z.unknown())
    .refine(({ type }) => type === 'object', { error: "a schema has the type 'object'" })
    .optional(),
});

/** What a module is called as a tool of `ringfence mcp`, what it does, and what it takes. */
export interface ToolNaming {
  readonly name?: string;
  readonly description?: string;
  readonly inputSchema?: Readonly<Record<string, unknown>>;
}

/** A server, as {@link Kernel.offerMcp} takes it, but for the variables that it inherits. */
export interface PolicyMcpServer {
  readonly name: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string | { readonly secret: string }>>;
  readonly tools?: readonly string[];
  readonly startMs?: number;
  readonly limits?: { readonly timeoutMs: number };
  /** Names of variables that it gets from the environment of who offers it. */
  readonly inherit: readonly string[];
}

const read = (value: number | string): number =>
  typeof value === 'string' ? parseDuration(value) : value;

/** Drops what is not there, as fields that may be missing may not be undefined. */
function present<Fields extends object>(
  fields: {
    [Name in keyof Fields]: Fields[Name] | undefined;
  },
): Fields {
  const there = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as Fields;
}

/** The servers of a policy in this directory. They have passed the schema. */
export function toMcpServers(
  given: z.output<typeof policyMcpSchema>,
  directory: string,
): PolicyMcpServer[] {
  return Object.entries(given).map(([name, { start, timeout, inherit = [], ...rest }]) =>
    present<PolicyMcpServer>({
      name,
      ...rest,
      directory: rest.command === undefined ? undefined : resolve(directory, rest.directory ?? '.'),
      // 0 is no time at all.
      startMs: start === undefined ? undefined : Math.max(1, read(start)),
      limits: timeout === undefined ? undefined : { timeoutMs: Math.max(1, read(timeout)) },
      inherit,
    }),
  );
}

/** What a module is as a tool; null: nothing is said of it. It has passed the schema. */
export function toNaming(given: z.output<typeof moduleToolSchema> | undefined): ToolNaming | null {
  if (given === undefined) {
    return null;
  }
  const { input_schema: inputSchema, ...rest } = given;
  return present<ToolNaming>({ ...rest, inputSchema });
}
