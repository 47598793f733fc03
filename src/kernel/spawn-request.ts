/** What is spawned, whatever backend it is for: checked, and as the supervisor takes it. */

import { RingfenceError } from '../errors.ts';
import { KERNEL_PID } from '../process/state.ts';
import { type Limits, parseLimits } from '../resource/limits.ts';
import type { SpawnRequest } from '../supervisor/process.ts';
import type { Lineage } from '../supervisor/specification.ts';
import { usageError } from '../usage-error.ts';
import { featuresOf, NO_FEATURES } from '../wasm/metering/features.ts';
import { requireAllowed } from '../wasm/metering/refusals.ts';
import { chooseBackend } from './backend-choice.ts';
import { RunRecording } from './recording.ts';
import type { OpenedGrants } from './roots.ts';
import { type LoadedModule, type SpawnOptions, spawnSchema } from './spawn-options.ts';
import { nameOfWork, parseWorkLimits, type WorkOptions, workSchema } from './work-options.ts';

/** A module or a function, with what it may and how much. */
export type Spawnable = SpawnOptions | WorkOptions;

/** Whether it is a function; once {@link checkSpawnable} has passed it. */
export const isWork = (options: Spawnable): options is WorkOptions =>
  'work' in options && options.work !== undefined;

/**
 * Checks what is to be spawned, but for its grants; answers its limits. `isLoaded`: the kernel has made
 * this module. `world`: what it has to be; absent: what has a life of its own.
 *
 * @throws {RingfenceError} `RF_USAGE`, `RF_BACKEND_NOT_AVAILABLE`
 */
export function checkSpawnable(
  options: Spawnable,
  isLoaded: (module: LoadedModule) => boolean,
  world?: 'wasi:http',
): Limits {
  const backend = chooseBackend(options);
  const parsed = (backend === 'native' ? workSchema : spawnSchema).safeParse(options);
  if (!parsed.success) {
    throw usageError('spawn the agent', parsed.error);
  }
  if (!isWork(options) && !isLoaded(options.module)) {
    throw new RingfenceError(
      'RF_USAGE',
      "Cannot spawn the agent as 'module' is none that this kernel has loaded: give what load() answered.",
    );
  }
  if (!isWork(options)) {
    requireWorld(options.module, world);
  }
  if (options.owner !== undefined && options.parent !== undefined) {
    throw new RingfenceError(
      'RF_USAGE',
      "Cannot spawn the agent as 'owner' is given with 'parent': a child counts towards its parent's owner; leave one out.",
    );
  }
  return isWork(options) ? parseWorkLimits(options.limits) : parseLimits(options.limits);
}

/** One that handles requests has no life of its own, and one that has does not wait for requests. */
function requireWorld(module: LoadedModule, world: 'wasi:http' | undefined): void {
  if (world === undefined && module.world === 'wasi:http') {
    throw new RingfenceError(
      'RF_USAGE',
      'Cannot run the module as it handles HTTP requests: serve it (ringfence serve, kernel.serve).',
      { world: module.world },
    );
  }
  if (world !== undefined && module.world !== world) {
    throw new RingfenceError(
      'RF_USAGE',
      'Cannot serve the module as it exports no wasi:http/incoming-handler: run it (ringfence run, kernel.spawn).',
      { world: module.world },
    );
  }
}

/**
 * What the supervisor spawns.
 *
 * @throws {RingfenceError} `RF_MODULE_REFUSED` where a module declares more memory than its limit, or uses
 * a feature that is not allowed, or not with this isolation
 */
export function requestOf(
  options: Spawnable,
  limits: Limits,
  { specs, roots }: OpenedGrants,
  lineage: Lineage,
  linked: boolean,
): SpawnRequest {
  const common = {
    parentPid: options.parent?.pid ?? KERNEL_PID,
    lineage,
    grants: specs,
    roots,
    owner: options.owner ?? null,
    provides: [...new Set(options.provides ?? [])],
    linked,
    limits,
  };
  return isWork(options)
    ? { ...common, ...OF_A_FUNCTION, agentId: options.agentId ?? nameOfWork(options.work) }
    : { ...common, ...ofModule(options, limits) };
}

/** What only modules have. */
type OfModule = Pick<
  SpawnRequest,
  | 'module'
  | 'isolation'
  | 'features'
  | 'deterministic'
  | 'declaredBytes'
  | 'arguments'
  | 'environment'
  | 'config'
  | 'terminal'
  | 'diagnosis'
  | 'onHostCall'
  | 'keeping'
  | 'input'
  | 'stdout'
  | 'stderr'
>;

// The same objects for all: in one message to a worker they are written once.
const NONE: readonly never[] = Object.freeze([]);
const NO_TERMINAL = Object.freeze({ stdin: false, stdout: false, stderr: false });

const OF_A_FUNCTION: OfModule = {
  module: null,
  isolation: 'shared',
  features: NO_FEATURES,
  // Nobody knows what it computes.
  deterministic: false,
  declaredBytes: 0,
  arguments: NONE,
  environment: NONE,
  config: NONE,
  terminal: NO_TERMINAL,
  diagnosis: null,
  onHostCall: null,
  keeping: null,
  input: undefined,
  stdout: undefined,
  stderr: undefined,
};

function ofModule(options: SpawnOptions, limits: Limits): OfModule & { readonly agentId: string } {
  const { module, isolation = 'shared' } = options;
  const features = featuresOf(options.features ?? {});
  requireAllowed(module.features, features);
  if (module.features.gc && isolation !== 'process') {
    throw new RingfenceError(
      'RF_MODULE_REFUSED',
      `Cannot run the module with isolation '${isolation}' as it uses GC types, whose heap is that of the whole process: give it isolation 'process' (--isolation process).`,
      { feature: 'gc', isolation },
    );
  }
  if (limits.memoryBytes !== 0 && module.declaredBytes > limits.memoryBytes) {
    throw new RingfenceError(
      'RF_MODULE_REFUSED',
      `Cannot run the module as it declares ${module.declaredBytes} bytes of memory, and its limit is ${limits.memoryBytes}: raise the limit (--max-memory).`,
      { declared: module.declaredBytes, limit: limits.memoryBytes },
    );
  }
  return {
    agentId: options.agentId ?? module.path ?? module.digest.slice(0, 12),
    module: { path: module.path, digest: module.digest, name: module.name },
    isolation,
    features,
    deterministic: !module.features.relaxedSimd,
    declaredBytes: module.declaredBytes,
    arguments: options.arguments ?? NONE,
    environment: options.environment === undefined ? NONE : Object.entries(options.environment),
    config: options.config === undefined ? NONE : Object.entries(options.config),
    terminal: options.terminal === undefined ? NO_TERMINAL : readTerminal(options.terminal),
    diagnosis: options.diagnosis === undefined ? null : readDiagnosis(options.diagnosis),
    onHostCall: options.diagnosis?.trace ?? null,
    keeping: keepingOf(options),
    input: options.stdin,
    stdout: options.stdout,
    stderr: options.stderr,
  };
}

function readDiagnosis({
  backtrace = false,
  profileEvery = 0,
  lastCalls = 0,
  trace,
}: NonNullable<SpawnOptions['diagnosis']>): SpawnRequest['diagnosis'] {
  return { backtrace, profileEvery, lastCalls, trace: trace !== undefined };
}

function keepingOf({ record = false, module }: SpawnOptions): RunRecording | null {
  // What handles requests is not spawned, and not recorded.
  if (record === false || module.world === 'wasi:http') {
    return null;
  }
  return new RunRecording(record === true ? {} : record, module.world);
}

function readTerminal({
  stdin = false,
  stdout = false,
  stderr = false,
}: NonNullable<SpawnOptions['terminal']>): SpawnRequest['terminal'] {
  return { stdin, stdout, stderr };
}
