/** How modules are offered as tools of an MCP server, as callers write it. */

import { Readable, Writable } from 'node:stream';
import * as z from 'zod';
import type { Isolation } from '../backend/backend.ts';
import type { GrantSpec } from '../capability/grant.ts';
import type { GrantsInput } from '../capability/input.ts';
import { configSchema } from '../resource/config-values.ts';
import type { LimitsInput } from '../resource/limits.ts';
import type { FeaturesInput } from '../wasm/metering/features.ts';
import { featuresSchema, type LoadedModule } from './spawn-options.ts';

/** Tools of one server. */
const TOOLS_MAX = 256;
/** The most that is kept of each output of a call: with both, twice, and escaped it fits a message. */
const OUTPUT_BYTES_MAX = 512 * 1024;

/** A module that is offered as a tool: each call is an agent of its own. */
export interface McpTool {
  readonly module: LoadedModule;
  /** 1 to 128 letters, digits, `_`, `-` and dots. @default its file's name */
  readonly name?: string | undefined;
  /** What it does, for the client's model. */
  readonly description?: string | undefined;
  /**
   * A JSON schema of its arguments, an object. With one, a command is given them as a line of JSON on its
   * standard input. @default `{ arguments, stdin }` for a command, any object for an agent
   */
  readonly inputSchema?: Readonly<Record<string, unknown>> | undefined;
  /** Arguments that stand before those of a call. */
  readonly arguments?: readonly string[] | undefined;
  /** What each of its agents may, and how much, as in {@link SpawnOptions}. */
  readonly grants?: GrantsInput | readonly GrantSpec[] | undefined;
  /** Where there is no `wallTimeMs` it is 60 s. */
  readonly limits?: LimitsInput | undefined;
  readonly isolation?: Isolation | undefined;
  readonly features?: FeaturesInput | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly config?: Readonly<Record<string, string>> | undefined;
}

/** Where an MCP server listens, and to whom. */
export interface McpHttpOptions {
  /** @default '127.0.0.1' */
  readonly host?: string | undefined;
  /** 0: whichever is free. @default 0 */
  readonly port?: number | undefined;
  /** What clients have to send as `Authorization: Bearer …`; needed where others can reach the address. */
  readonly token?: string | undefined;
  /** Further names of this machine that clients may use, without port. */
  readonly hosts?: readonly string[] | undefined;
  /** Web pages that may talk to it, such as `https://example.org`. @default none */
  readonly origins?: readonly string[] | undefined;
}

/** How modules are offered. */
export interface McpOptions {
  readonly tools: readonly McpTool[];
  /** A client on a pair of streams. @default the process's own, where there is no `http` */
  readonly streams?: { readonly input: Readable; readonly output: Writable } | undefined;
  /** Clients over HTTP. */
  readonly http?: McpHttpOptions | undefined;
  /** Calls that run at a time; 1,024 more may wait. @default 8 */
  readonly concurrency?: number | undefined;
  /** Bytes of each output of a call that are answered, 512 KiB at most. @default 65,536 */
  readonly outputBytes?: number | undefined;
  /** Told what clients are not: why a call could not be made, and what they did wrong. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

const toolSchema = z.strictObject({
  module: z.custom<LoadedModule>((value) => typeof value === 'object' && value !== null),
  name: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'give 1 to 128 letters, digits, dots, underscores and dashes')
    .optional(),
  description: z.string().min(1).max(10_000).optional(),
  inputSchema: z
    .record(z.string(), z.unknown())
    .refine(({ type }) => type === 'object', "give a schema with type 'object'")
    .optional(),
  arguments: z.array(z.string()).max(1_000).optional(),
  grants: z.unknown().optional(),
  limits: z.unknown().optional(),
  isolation: z.enum(['shared', 'thread', 'process']).optional(),
  features: featuresSchema.optional(),
  environment: z.record(z.string(), z.string()).optional(),
  config: configSchema.optional(),
});

/** Reads {@link McpOptions}; grants and limits are read where they are spawned with. */
export const mcpSchema = z
  .strictObject({
    tools: z.array(toolSchema).min(1).max(TOOLS_MAX),
    streams: z
      .strictObject({ input: z.instanceof(Readable), output: z.instanceof(Writable) })
      .optional(),
    http: z
      .strictObject({
        host: z.string().min(1).max(255).optional(),
        port: z.number().int().min(0).max(65_535).optional(),
        token: z
          .string()
          .regex(/^[\x21-\x7e]{16,4096}$/, 'give 16 to 4,096 visible characters without spaces')
          .optional(),
        hosts: z.array(z.string().min(1).max(255)).max(64).optional(),
        origins: z.array(z.string().min(1).max(1_024)).max(64).optional(),
      })
      .optional(),
    concurrency: z.number().int().min(1).max(1_024).optional(),
    outputBytes: z.number().int().min(1).max(OUTPUT_BYTES_MAX).optional(),
    onWarning: z.custom<(text: string) => void>((value) => typeof value === 'function').optional(),
  })
  .refine(({ streams, http }) => streams === undefined || http === undefined, {
    path: ['http'],
    message: "give either 'streams' or 'http'",
  });
