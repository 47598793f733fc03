/** How a kernel is opened and what is spawned, as callers write it. */

import * as z from 'zod';
import type { AuditLog } from '../audit/log.ts';
import type { AuditOptions } from '../audit/options.ts';
import { type BackendName, ISOLATIONS, type Isolation } from '../backend/backend.ts';
import type { ElevationAnswer, ElevationRequest } from '../capability/elevation.ts';
import type { GrantSpec } from '../capability/grant.ts';
import type { GrantsInput } from '../capability/input.ts';
import type { HealthCheck } from '../health/checks.ts';
import { NAME_CHARACTERS_MAX } from '../ipc/message.ts';
import type { KvOptions } from '../kv/options.ts';
import type { Telemetry } from '../opentelemetry/telemetry.ts';
import { type HostCall, LAST_CALLS_MAX, PROFILE_EVERY_MIN } from '../process/diagnosis.ts';
import { configSchema } from '../resource/config-values.ts';
import type { LimitsInput } from '../resource/limits.ts';
import { type QuotasInput, quotasSchema } from '../resource/quotas.ts';
import type { InputGiven } from '../supervisor/input.ts';
import type { LogLine, ResourceWarning } from '../supervisor/options.ts';
import type { OutputWriter } from '../supervisor/output.ts';
import type { ProgramMessage } from '../supervisor/program-mail.ts';
import type { CatalogueOptions } from '../tools/catalogue/catalogue.ts';
import type { Features, FeaturesInput } from '../wasm/metering/features.ts';
import type { Agent } from './agent.ts';
import { PART_NAMES } from './health.ts';
import { type NetworkOptions, networkSchema, secretsSchema } from './network-options.ts';
import { type RecordOptions, recordSchema } from './record-options.ts';
import { type ScheduleOptions, scheduleSchema } from './schedule-handlers.ts';
import { type WatchdogOptions, watchdogSchema } from './watchdog.ts';

/** Checks of health that a program can give. */
const CHECKS_MAX = 64;
const CHECK_NAME = /^[\w.-]{1,64}$/;

/** How a kernel is opened. */
export interface KernelOptions {
  /** Threads that run agents. @default the machine's cores, at most 8 */
  readonly workers?: number;
  /**
   * Agents that live at a time. @default 4096
   *
   * 12,000 is the most, and 100,000 with {@link KernelOptions.density} `dense`. What the process has
   * room for may be less: docs/limits.md.
   */
  readonly capacity?: number;
  /**
   * `dense`: memories take no more addresses than they declare, for more agents than 12,000; needs a
   * program that was started with `node --disable-wasm-trap-handler`. @default 'fast'
   */
  readonly density?: 'fast' | 'dense';
  /** What all agents may have together. @default unlimited */
  readonly quotas?: QuotasInput;
  /** What the agents of one owner may have together: {@link SpawnOptions.owner}. @default unlimited */
  readonly ownerQuotas?: QuotasInput;
  /**
   * The most fuel between two scheduling points of an agent; slices that take long are made shorter.
   * What an agent uses does not depend on it. @default 2,000,000
   */
  readonly sliceFuel?: number;
  /** Where prepared modules are kept; null: nowhere. @default the user's cache directory */
  readonly cacheDirectory?: string | null;
  /**
   * Decides what happens when an agent asks for more than it was granted. Absent, throwing, or late by
   * more than 30 s: it is denied. `defer` keeps the request until {@link Kernel.answerElevation}.
   */
  readonly onElevation?: (request: ElevationRequest) => ElevationAnswer | Promise<ElevationAnswer>;
  /**
   * Whether agents with isolation `process` may run where the system has no bubblewrap, no filter of
   * system calls or no prlimit: `if-available` tells a warning, `require` refuses the spawn
   * (docs/isolation.md). @default 'if-available'
   */
  readonly processWalls?: 'require' | 'if-available';
  /**
   * The time that agents live in: the machine's, or one that stands still until it is moved on by
   * {@link Kernel.clock}, for tests (docs/testing.md). Deadlines, restarts, schedules, tools and functions of
   * the program go by the machine's. @default 'machine'
   */
  readonly clock?: 'machine' | 'virtual';
  /** How agents reach the network that they are granted: docs/network.md. */
  readonly network?: NetworkOptions;
  /**
   * Values of the secrets that grants of the network name: the whole value of the header that the host
   * adds. No agent sees one (docs/network.md#secrets).
   */
  readonly secrets?: Readonly<Record<string, string>>;
  /**
   * Checks of the program's own, by name: what {@link Kernel.health} asks beside its own parts. Each has
   * 5 s to answer, and one that throws is unhealthy.
   */
  readonly healthChecks?: Readonly<Record<string, HealthCheck>>;
  /**
   * Takes what agents send to the kernel (pid 0), where their scope reaches it. Absent: such a send is
   * answered by `unavailable`.
   */
  readonly onMessage?: (message: ProgramMessage) => void;
  /** Tools of ringfence's own, and commands, that agents are offered: docs/tools.md. @default none */
  readonly catalogue?: CatalogueOptions;
  /** Where the tools `kv.*` of the catalogue keep values, and how much: docs/tools.md. @default in memory */
  readonly kv?: KvOptions;
  /** How jobs are kept: {@link Kernel.schedule}. */
  readonly schedule?: ScheduleOptions;
  /**
   * Reaps agents whose thread or process does not answer, again and again: {@link Kernel.sweep}.
   * @default never
   */
  readonly watchdog?: WatchdogOptions;
  /**
   * Records what happens in an audit chain: a log that is open, or how to open one that ends with the kernel
   * (docs/audit.md). While it can't be written nobody is spawned, and no tool is called. @default nowhere
   */
  readonly audit?: AuditLog | AuditOptions;
  /**
   * Files that the program writes itself, reports for instance. A directory that one of them lies in is mounted for no
   * agent that may write there. @default none
   */
  readonly apart?: readonly string[];
  /** Traces, logs and measures its agents: {@link openTelemetry}. @default nobody does */
  readonly telemetry?: Telemetry;
  /** Takes the lines that agents log. */
  readonly onLog?: (line: LogLine) => void;
  /**
   * Is told when an agent has used 80 % of its fuel, memory, CPU time, messages, tool calls or disk: once of
   * each (docs/limits.md#warnings).
   */
  readonly onResourceWarning?: (warning: ResourceWarning) => void;
  /** Takes what the operator should know. */
  readonly onWarning?: (text: string) => void;
}

/** Files of the program's own that are kept apart. */
const APART_MAX = 256;

/** Agents of a kernel at a time, if nothing else is said. */
export const CAPACITY_DEFAULT = 4_096;

const isRecord = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads {@link KernelOptions}; what is in `catalogue` and `kv` their own readers look at. */
export const optionsSchema = z.strictObject({
  workers: z.number().int().min(1).max(64).optional(),
  capacity: z.number().int().min(1).max(100_000).optional(),
  density: z.enum(['fast', 'dense']).optional(),
  quotas: quotasSchema.optional(),
  ownerQuotas: quotasSchema.optional(),
  sliceFuel: z.number().int().min(1).max(1_000_000_000).optional(),
  cacheDirectory: z.string().nullish(),
  onElevation: z
    .custom<NonNullable<KernelOptions['onElevation']>>((value) => typeof value === 'function')
    .optional(),
  apart: z.array(z.string().min(1).max(4096)).max(APART_MAX).optional(),
  processWalls: z.enum(['require', 'if-available']).optional(),
  clock: z.enum(['machine', 'virtual']).optional(),
  catalogue: z.custom<CatalogueOptions>(isRecord, 'give tools and exec').optional(),
  kv: z.custom<KvOptions>(isRecord, 'give a path and a quota').optional(),
  network: networkSchema.optional(),
  secrets: secretsSchema.optional(),
  healthChecks: z
    .record(
      z.string(),
      z.custom<HealthCheck>((value) => typeof value === 'function', 'give a function'),
    )
    .refine((checks) => Object.keys(checks).length <= CHECKS_MAX, `give ${CHECKS_MAX} at most`)
    .refine(
      (checks) => Object.keys(checks).every((name) => CHECK_NAME.test(name)),
      'give names of 1 to 64 letters, digits, dots, underscores and dashes',
    )
    .refine(
      (checks) => Object.keys(checks).every((name) => !PART_NAMES.includes(name)),
      `give other names than those of the kernel's own parts: ${PART_NAMES.join(', ')}`,
    )
    .optional(),
  onMessage: z
    .custom<(message: ProgramMessage) => void>((value) => typeof value === 'function')
    .optional(),
  schedule: scheduleSchema.optional(),
  audit: z.custom<AuditLog | AuditOptions>(isRecord, 'give a log, or how to open one').optional(),
  telemetry: z
    .custom<Telemetry>(
      (value) => isRecord(value) && typeof (value as Telemetry).agent === 'function',
      'give what openTelemetry has opened',
    )
    .optional(),
  onLog: z.custom<(line: LogLine) => void>((value) => typeof value === 'function').optional(),
  watchdog: watchdogSchema.optional(),
  onResourceWarning: z
    .custom<NonNullable<KernelOptions['onResourceWarning']>>((value) => typeof value === 'function')
    .optional(),
  onWarning: z.custom<(text: string) => void>((value) => typeof value === 'function').optional(),
});

/** Reads {@link FeaturesInput}. */
export const featuresSchema = z.strictObject({
  gc: z.boolean().optional(),
  relaxedSimd: z.boolean().optional(),
});

/** A module that was read and is not prepared yet: what a policy decides by. */
export interface ModuleSource {
  /** SHA-256 of the file, hexadecimal. */
  readonly digest: string;
  /** Where it was read from; null where bytes were given. */
  readonly path: string | null;
  /** The same without symbolic links; null: it has none. */
  readonly realPath: string | null;
}

/** How a module is loaded. */
export interface LoadOptions {
  /**
   * Its name in the catalogue, by which agents that may can spawn it. A name that is loaded again leads
   * to the newer module from then on.
   */
  readonly name?: string;
  /**
   * Features that the module may use; a function is asked when it is known which module it is, and what
   * it throws is thrown by `load`. @default none
   */
  readonly features?: FeaturesInput | ((module: ModuleSource) => FeaturesInput) | undefined;
  /** Hears what is being done, in a few words. */
  readonly onProgress?: ((stage: string) => void) | undefined;
  /** Ends the preparation. */
  readonly signal?: AbortSignal | undefined;
}

/** A function that a module imports and that is denied to who has no grant of a kind. */
export interface GatedImport {
  /** `ringfence:agent/tools#call`. */
  readonly function: string;
  /** The kind of grant. */
  readonly grant: string;
}

/** A module that was prepared and can be spawned from. */
export interface LoadedModule {
  /** SHA-256 of the file, hexadecimal. */
  readonly digest: string;
  /** Its name in the catalogue, by which agents can spawn it; null: it has none. */
  readonly name: string | null;
  /** Where it was read from; null where bytes were given. */
  readonly path: string | null;
  /** The same without symbolic links, of the very file that was read: what a policy decides by. */
  readonly realPath: string | null;
  /** What it is: exports `run` of our contract, `wasi:cli/run`, or `wasi:http/incoming-handler`. */
  readonly world: 'ringfence:agent' | 'wasi:cli' | 'wasi:http';
  /** Its imports; names are the module's own words: make them printable before they are shown. */
  readonly imports: readonly {
    readonly name: string;
    readonly interface: string;
    readonly version: string | null;
    readonly functions: readonly string[];
  }[];
  readonly exports: readonly string[];
  /** What it uses of the features that have to be allowed, here and at each spawn. */
  readonly features: Features;
  /** Whether it handles exceptions in the form that the standard no longer has. */
  readonly legacyExceptions: boolean;
  /** Bytes of the memories and tables that it declares. */
  readonly declaredBytes: number;
  /** What these may grow to by its own declaration; null: it sets no bound. */
  readonly maximumBytes: number | null;
  /** Whether it came out of the cache, and nothing was prepared. */
  readonly fromCache: boolean;
  /** Whether it was a wasip1 module that was adapted. */
  readonly adapted: boolean;
}

/** What is spawned, with what it may and how much. */
export interface SpawnOptions {
  readonly module: LoadedModule;
  /**
   * What runs it; another than `wasm` is not in this version, and refused by its name. Functions are
   * spawned with {@link WorkOptions}. @default 'wasm'
   */
  readonly backend?: Exclude<BackendName, 'native'> | undefined;
  /** A name for logs and reports, 1 to 256 characters. @default the module's path as it was given, or the first 12 digits of its digest */
  readonly agentId?: string;
  /** The guest's arguments; the first is, by habit, its own name. */
  readonly arguments?: readonly string[];
  /** The guest's environment variables, and all of them: none of the host's is seen. */
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * What the guest reads as `wasi:config`, and all of it; no place for secrets. Agents that it spawns
   * have none of it.
   */
  readonly config?: Readonly<Record<string, string>>;
  /**
   * Nothing is granted by default: no directory, no address, no tool, nobody to talk to. As
   * {@link parseGrants} reads it, or as it or a policy has made it.
   */
  readonly grants?: GrantsInput | readonly GrantSpec[];
  /**
   * The agent that it is a child of: its grants and limits can be no wider than the parent's are.
   * @default none, the kernel's own
   */
  readonly parent?: Agent | undefined;
  /**
   * Whose quota it counts towards, 1 to 256 characters. A child counts towards its parent's owner, and
   * can be given no other. @default itself and its descendants are an owner of their own
   */
  readonly owner?: string;
  /** How far it is kept apart from other agents: docs/isolation.md. @default 'shared' */
  readonly isolation?: Isolation | undefined;
  /**
   * Features that the agent may use: its module is refused where it uses another, whoever has loaded it.
   * `gc` needs isolation `process`. @default none
   */
  readonly features?: FeaturesInput | undefined;
  /** What is absent has its default: {@link DEFAULT_LIMITS}. */
  readonly limits?: LimitsInput;
  /**
   * Services that it provides from its start to its end: who is granted one can ask it by its name,
   * whatever its pid. Each 1 to 256 characters.
   */
  readonly provides?: readonly string[];
  /**
   * What it reads, as it reads it. A stream is let go when the agent has ended, read or not: it is
   * destroyed, cancelled, or its iterator's `return` is called.
   *
   * @default empty
   */
  readonly stdin?: InputGiven;
  /** @default captured, up to 1 MiB */
  readonly stdout?: OutputWriter;
  /** @default captured, up to 1 MiB */
  readonly stderr?: OutputWriter;
  /**
   * Keeps what its host calls answer, so that its run can be replayed (docs/replay.md). What an agent has
   * read stands in a recording: keep it as secret as that. @default false
   */
  readonly record?: boolean | RecordOptions | undefined;
  /** Takes the lines that it logs, beside {@link KernelOptions.onLog}. */
  readonly onLog?: (line: LogLine) => void;
  /** Which of its streams are terminals. @default none */
  readonly terminal?: {
    readonly stdin?: boolean;
    readonly stdout?: boolean;
    readonly stderr?: boolean;
  };
  /**
   * What is found out of it while it runs, for {@link Agent.findings}: it, and whoever shares a worker with
   * it, runs more slowly. Children that it spawns are not looked at. @default nothing
   */
  readonly diagnosis?: {
    /** Where it stands when it traps. @default false */
    readonly backtrace?: boolean;
    /**
     * Where its fuel goes, looked at each time that it has used so many units; at least 1,000.
     * @default it is not looked at
     */
    readonly profileEvery?: number;
    /**
     * So many of its host calls are kept, the last ones; at most 100. Of what crosses in them there are only
     * sizes, but for short texts in arguments and errors. @default 0
     */
    readonly lastCalls?: number;
    /**
     * Hears each of its host calls, in order, in short as {@link Recording.trace} has them; what an agent has
     * read stands in there. The agent waits where the promises of 256 calls have not resolved, so nothing is
     * left out. @default nobody does
     */
    readonly trace?: (call: HostCall) => void | Promise<void>;
  };
}

const inputSchema = z.custom<InputGiven>(
  (value) =>
    typeof value === 'string' ||
    value instanceof Uint8Array ||
    (typeof value === 'object' && value !== null && Symbol.asyncIterator in value),
  'give bytes, a text, or something that can be read chunk by chunk',
);

/** Reads the services that an agent provides. */
export const providesSchema = z
  .array(z.string().min(1).max(NAME_CHARACTERS_MAX))
  .max(64)
  .optional();

/** Reads {@link SpawnOptions}; grants and limits have readers of their own. */
export const spawnSchema = z.strictObject({
  module: z.custom<LoadedModule>((value) => typeof value === 'object' && value !== null),
  backend: z.literal('wasm').optional(),
  work: z.undefined().optional(),
  agentId: z.string().min(1).max(256).optional(),
  arguments: z.array(z.string()).max(10_000).optional(),
  environment: z.record(z.string().regex(/^[^=\0]+$/), z.string()).optional(),
  config: configSchema.optional(),
  grants: z.unknown().optional(),
  parent: z.custom<Agent>((value) => typeof value === 'object' && value !== null).optional(),
  owner: z.string().min(1).max(256).optional(),
  isolation: z.enum(ISOLATIONS).optional(),
  features: featuresSchema.optional(),
  limits: z.unknown().optional(),
  provides: providesSchema,
  stdin: inputSchema.optional(),
  stdout: z.custom<OutputWriter>((value) => typeof value === 'function').optional(),
  stderr: z.custom<OutputWriter>((value) => typeof value === 'function').optional(),
  record: recordSchema.optional(),
  onLog: z.custom<(line: LogLine) => void>((value) => typeof value === 'function').optional(),
  terminal: z
    .strictObject({
      stdin: z.boolean().optional(),
      stdout: z.boolean().optional(),
      stderr: z.boolean().optional(),
    })
    .optional(),
  diagnosis: z
    .strictObject({
      backtrace: z.boolean().optional(),
      profileEvery: z.int().min(PROFILE_EVERY_MIN).optional(),
      lastCalls: z.int().min(0).max(LAST_CALLS_MAX).optional(),
      trace: z
        .custom<NonNullable<NonNullable<SpawnOptions['diagnosis']>['trace']>>(
          (value) => typeof value === 'function',
          'give a function that hears each host call',
        )
        .optional(),
    })
    .optional(),
});
