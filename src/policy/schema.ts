/** How a policy file is written; the published JSON Schema is made of it. */

import * as z from 'zod';
import { ISOLATIONS } from '../backend/backend.ts';
import { grantsSchema } from '../capability/input.ts';
import { configSchema } from '../resource/config-values.ts';
import type { LimitsInput } from '../resource/limits.ts';
import { parseCount, parseDuration, parseSize } from '../resource/units.ts';
import { ALL_FEATURE_NAMES } from '../wasm/metering/features.ts';
import { policyExecSchema } from './exec.ts';
import { policyKvSchema } from './kv.ts';
import { moduleToolSchema, policyMcpSchema } from './mcp.ts';
import { whyNoPattern } from './pattern.ts';
import { quantity } from './quantity.ts';

/** Entries of one file. */
const ENTRIES_MAX = 1_000;
const PATTERN_CHARACTERS_MAX = 1_024;
/** Environment variables of an entry. */
const VARIABLES_MAX = 1_000;
const VARIABLE_CHARACTERS_MAX = 32_768;

/** What happens to an agent that has ended. */
export const RESTARTS = ['temporary', 'transient', 'permanent'] as const;
/** When an agent that has ended is started again. */
export type Restart = (typeof RESTARTS)[number];

/** How each limit is written, and which one it is. */
const LIMIT_FIELDS = {
  fuel: { limit: 'fuel', read: parseCount },
  memory: { limit: 'memoryBytes', read: parseSize },
  cpu: { limit: 'cpuTimeMs', read: parseDuration },
  timeout: { limit: 'wallTimeMs', read: parseDuration },
  messages: { limit: 'messages', read: parseCount },
  tool_calls: { limit: 'toolCalls', read: parseCount },
  disk: { limit: 'diskBytes', read: parseSize },
} as const satisfies Record<
  string,
  { readonly limit: keyof LimitsInput; readonly read: (text: string) => number }
>;

const limitsSchema = z
  .strictObject({
    fuel: quantity(parseCount).optional(),
    memory: quantity(parseSize).optional(),
    cpu: quantity(parseDuration).optional(),
    timeout: quantity(parseDuration).optional(),
    messages: quantity(parseCount).optional(),
    tool_calls: quantity(parseCount).optional(),
    disk: quantity(parseSize).optional(),
  } satisfies { [Name in keyof typeof LIMIT_FIELDS]: z.ZodType })
  .meta({ description: 'What an agent may use up; 0 is unlimited: docs/limits.md.' });

const settings = {
  grants: grantsSchema
    .optional()
    .meta({ description: 'What an agent may do: docs/capabilities.md.' }),
  limits: limitsSchema.optional(),
  isolation: z
    .enum(ISOLATIONS)
    .optional()
    .meta({ description: 'How far it is kept apart from others: docs/isolation.md.' }),
  features: z
    .array(z.enum(ALL_FEATURE_NAMES))
    .max(ALL_FEATURE_NAMES.length)
    .optional()
    .meta({
      description:
        'Features of WebAssembly that it may use: docs/features.md. gc needs the isolation process.',
      examples: [['gc'], ['relaxed-simd']],
    }),
  restart: z
    .enum(RESTARTS)
    .optional()
    .meta({ description: 'What happens when it has ended: temporary never starts it again.' }),
  environment: z
    .record(
      z
        .string()
        .max(PATTERN_CHARACTERS_MAX)
        .regex(/^[^=\0]+$/, 'a variable has a name without = and NUL'),
      z
        .string()
        .max(VARIABLE_CHARACTERS_MAX)
        .regex(/^[^\0]*$/, 'a value has no NUL'),
    )
    .refine((given) => Object.keys(given).length <= VARIABLES_MAX, {
      error: `${VARIABLES_MAX} variables are the most`,
    })
    .optional()
    .meta({ description: 'Its environment variables: none but those that are written here.' }),
  config: configSchema
    .optional()
    .meta({ description: 'What it reads as wasi:config; no place for secrets.' }),
};

const pattern = z
  .string()
  .min(1)
  .max(PATTERN_CHARACTERS_MAX)
  .superRefine((text, context) => {
    const why = whyNoPattern(text);
    if (why !== null) {
      context.addIssue({ code: 'custom', message: why });
    }
  });

const entrySchema = z.strictObject({
  match: pattern.optional().meta({
    description:
      "A pattern for the module's path from this file's directory on; * ? and ** are wildcards.",
    examples: ['plugins/*.wasm'],
  }),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'write sha256: and 64 lower-case hexadecimal digits')
    .optional()
    .meta({ description: "The module's own digest, as 'ringfence inspect' tells it." }),
  tool: moduleToolSchema.optional().meta({
    description: "What it is called as a tool of 'ringfence mcp', and what it takes: docs/mcp.md.",
  }),
  ...settings,
});

const defaultsSchema = z.strictObject({
  unmatched: z.enum(['refuse', 'run']).optional().meta({
    description: 'What happens to a module that no entry is for: it is refused by default.',
  }),
  ...settings,
});

/** The schema of a policy file; it transforms nothing, so that it has a JSON Schema. */
export const policySchema = z
  .strictObject({
    $schema: z.string().optional(),
    version: z.literal(1, { error: 'write version = 1: there is no other' }),
    defaults: defaultsSchema
      .optional()
      .meta({ description: 'What every module has that its entry says nothing else of.' }),
    exec: policyExecSchema.optional().meta({
      description:
        'Commands that are offered as tools called exec.NAME, to modules whose grants name them: docs/tools.md.',
    }),
    kv: policyKvSchema.optional().meta({
      description:
        'Where the tools kv.* and wasi:keyvalue keep values, and how much: docs/tools.md.',
    }),
    mcp: policyMcpSchema.optional().meta({
      description:
        'MCP servers whose tools are offered as NAME.TOOL, to modules whose grants name them: docs/mcp.md.',
    }),
    module: z
      .array(entrySchema, { error: 'entries are a list: in TOML write [[module]] before each' })
      .max(ENTRIES_MAX, { error: `a policy has at most ${ENTRIES_MAX} entries` })
      .optional()
      .meta({ description: 'The modules: each with either match or digest.' }),
  })
  .meta({ title: 'ringfence policy', description: 'Grants and limits by module: docs/policy.md.' });

/** An entry as it is written. */
export type EntryInput = z.output<typeof entrySchema>;
/** What an entry or the defaults give. */
export type SettingsInput = Omit<EntryInput, 'match' | 'digest' | 'tool'>;

/** Limits as the kernel takes them. They have passed the schema. */
export function toLimits(given: z.output<typeof limitsSchema>): LimitsInput {
  const limits: { -readonly [Name in keyof LimitsInput]: LimitsInput[Name] } = {};
  for (const [name, { limit, read }] of Object.entries(LIMIT_FIELDS)) {
    const value = given[name as keyof typeof LIMIT_FIELDS];
    if (value !== undefined) {
      limits[limit] = typeof value === 'string' ? read(value) : value;
    }
  }
  return limits;
}

/** The JSON Schema of a policy file, for editors: docs/ringfence.policy.schema.json. */
export function policyJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(policySchema, { io: 'input' });
}
