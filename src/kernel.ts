/** The composition root: builds the parts and joins them. */

import { availableParallelism } from 'node:os';
import type { CallOutcome, ChildRequest, Isolation } from './backend/backend.ts';
import { NativeBackend } from './backend/native.ts';
import type { ProcessWalls } from './backend/process/walls.ts';
import type { StartTurn } from './backend/starts.ts';
import { WasmBackend } from './backend/wasm.ts';
import { type Elevation, type ElevationOutcome, Elevations } from './capability/elevation.ts';
import type { Grant, GrantId, GrantKind, GrantSpec } from './capability/grant.ts';
import { asked, type GrantsInput, parseGrants, readGrants } from './capability/input.ts';
import { specOfWords, type WordedGrant } from './capability/words.ts';
import { RingfenceError } from './errors.ts';
import type { Health } from './health/health.ts';
import { type DeadLetter, type DeadLetterFilter, DeadLetters } from './ipc/dead-letters.ts';
import type { Payload } from './ipc/message.ts';
import { NAME_CHARACTERS_MAX } from './ipc/message.ts';
import { type MessageInput, readMessage } from './ipc/payload.ts';
import type { PipeInfo } from './ipc/pipe.ts';
import type { PipeReader } from './ipc/pipe-reader.ts';
import type { PipeWriter } from './ipc/pipe-writer.ts';
import { Pipes } from './ipc/pipes.ts';
import { Agent } from './kernel/agent.ts';
import { outcomeForGuest, readChild, requireBounded } from './kernel/child-spawn.ts';
import { readDeadLetterFilter } from './kernel/dead-letter-filter.ts';
import { KernelHealth } from './kernel/health.ts';
import { KernelMetrics } from './kernel/metrics.ts';
import { pathOf, readModule } from './kernel/module-file.ts';
import { NativeAgent, type WorkResult } from './kernel/native-agent.ts';
import { type PipeOptions, readPipeOptions } from './kernel/pipe-options.ts';
import { type ReliableSend, ReliableSends } from './kernel/reliable.ts';
import { RestartedChildren } from './kernel/restarted-children.ts';
import { requireDensity, roomOfProcess } from './kernel/room.ts';
import { closeRoots, type OpenedGrants, openRoots, shareRoots } from './kernel/roots.ts';
import { KernelSchedule, readSchedule, SYSTEM_CLOCK } from './kernel/schedule.ts';
import type { JobOptions, ScheduledJob } from './kernel/schedule-options.ts';
import {
  featuresSchema,
  type KernelOptions,
  type LoadedModule,
  type LoadOptions,
  type ModuleSource,
  optionsSchema,
  type SpawnOptions,
} from './kernel/spawn-options.ts';
import { checkSpawnable, isWork, requestOf, type Spawnable } from './kernel/spawn-request.ts';
import type { SuperviseOptions } from './kernel/supervise-options.ts';
import { type SupervisorHandle, Supervisors } from './kernel/supervisors.ts';
import {
  type AgentRow,
  type AgentView,
  type ListOptions,
  Views,
  type WatchOptions,
} from './kernel/views.ts';
import type { StateWatch } from './kernel/watch.ts';
import { readSweep, type SweepOptions, Watchdog } from './kernel/watchdog.ts';
import type { WorkOptions } from './kernel/work-options.ts';
import { KERNEL_PID, type Pid, type ProcessState } from './process/state.ts';
import type { Limits } from './resource/limits.ts';
import type { SavedJob } from './schedule/file.ts';
import { type AgentScore, ScoreBook } from './scores/book.ts';
import type { Process, SpawnRequest } from './supervisor/process.ts';
import type { Report } from './supervisor/report.ts';
import { FIRST, type Lineage } from './supervisor/specification.ts';
import { Supervisor } from './supervisor/supervisor.ts';
import { type ToolDescription, type ToolHandler, ToolRegistry } from './tools/registry.ts';
import { usageError } from './usage-error.ts';
import {
  defaultCacheDirectory,
  type PreparedModule,
  prepareModule,
} from './wasm/component/prepare/prepare.ts';
import { WorkQueue } from './wasm/component/prepare/queue.ts';
import { type Features, featuresOf } from './wasm/metering/features.ts';

/** Kinds that are granted to everybody, unless a policy withdraws them. */
const GRANTED_ANYWAY: ReadonlySet<string> = new Set<GrantKind>(['clocks', 'random']);

function describe(
  prepared: PreparedModule,
  path: string | null,
  realPath: string | null,
  name: string | null,
): LoadedModule {
  const { plan } = prepared;
  return {
    digest: prepared.digest,
    name,
    path,
    realPath,
    world: plan.entry.kind === 'agent-run' ? 'ringfence:agent' : 'wasi:cli',
    imports: plan.imports,
    exports: plan.exports,
    features: Object.freeze({ ...plan.features }),
    declaredBytes: plan.declaredBytes,
    fromCache: prepared.fromCache,
    adapted: prepared.adapted,
  };
}

/** What a module that was just read may use. @throws {RingfenceError} `RF_USAGE`, or what was thrown */
function allowedAtLoad(given: LoadOptions['features'], module: ModuleSource): Features {
  const parsed = featuresSchema.safeParse(
    (typeof given === 'function' ? given(module) : given) ?? {},
  );
  if (!parsed.success) {
    throw usageError('load the module', parsed.error);
  }
  return featuresOf(parsed.data);
}
/** Names of the catalogue; a `:` would make one look like a digest in a scope. */
const CATALOGUE_NAME = /^[A-Za-z0-9._-]{1,128}$/;

/** The addresses and mappings of a process are its own, however many kernels it has. */
const ROOM = roomOfProcess();

/** Nobody else waits for who has it. */
const NO_TURN: StartTurn = { end: () => {} };

/** Modules that are prepared at a time. */
const PREPARATIONS_AT_A_TIME = 2;

const CAPACITY_DEFAULT = 4_096;
/** @throws {RingfenceError} `RF_USAGE` */
function requireName(what: string, name: string): void {
  if (typeof name !== 'string' || name.length === 0 || name.length > NAME_CHARACTERS_MAX) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot ${what}: its name has not 1 to ${NAME_CHARACTERS_MAX} characters; give another.`,
    );
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** The operator's function, which must not end the program when it throws. */
function warner(onWarning: ((text: string) => void) | undefined): (text: string) => void {
  return (text) => {
    try {
      onWarning?.(text);
    } catch (error) {
      process.emitWarning(`onWarning failed: ${messageOf(error)} (it was told: ${text})`);
    }
  };
}

/**
 * A kernel: loads modules, spawns agents, and ends them all when it is closed.
 *
 * @see {@link openKernel}
 */
export class Kernel implements AsyncDisposable {
  readonly #supervisor: Supervisor;
  readonly #backend: WasmBackend;
  readonly #native = new NativeBackend();
  readonly #tools: ToolRegistry;
  readonly #elevations: Elevations;
  readonly #supervisors: Supervisors;
  readonly #restarted: RestartedChildren;
  readonly #views: Views;
  readonly #metrics: KernelMetrics;
  readonly #reliable: ReliableSends;
  readonly #pipes: Pipes;
  readonly #deadLetters = new DeadLetters(Date.now);
  readonly #scores = new ScoreBook(Date.now);
  readonly #health: KernelHealth;
  readonly #schedule: KernelSchedule;
  readonly #cacheDirectory: string | null;
  readonly #onWarning: (text: string) => void;
  /** Modules that this kernel has handed out: nobody else's can be spawned from. */
  readonly #modules = new WeakSet<LoadedModule>();
  /** The same, for agents that spawn: they name a module by its digest. */
  readonly #modulesByDigest = new Map<string, LoadedModule>();
  /** The catalogue: what agents can name modules by, besides. */
  readonly #modulesByName = new Map<string, LoadedModule>();
  readonly #preparations = new WorkQueue(PREPARATIONS_AT_A_TIME);
  readonly #closing = new AbortController();
  readonly #watchdog: Watchdog | null;

  /** Use {@link openKernel}. */
  constructor(options: KernelOptions, saved: readonly SavedJob[]) {
    const warn = warner(options.onWarning);
    const capacity = options.capacity ?? CAPACITY_DEFAULT;
    this.#onWarning = warn;
    this.#cacheDirectory =
      options.cacheDirectory === undefined ? defaultCacheDirectory() : options.cacheDirectory;
    this.#tools = new ToolRegistry((tool, error) =>
      warn(`the tool '${tool}' failed: ${messageOf(error)}`),
    );
    this.#supervisor = new Supervisor({
      capacity,
      quotas: options.quotas ?? {},
      ownerQuotas: options.ownerQuotas ?? {},
      onLog: (line) => {
        try {
          options.onLog?.(line);
        } catch (error) {
          warn(`onLog failed: ${messageOf(error)}`);
        }
      },
      nearLimit: (warning) => {
        try {
          options.onResourceWarning?.(warning);
        } catch (error) {
          warn(`onResourceWarning failed: ${messageOf(error)}`);
        }
      },
      callTool: (name, argumentsJson, call) => this.#tools.call(name, argumentsJson, call),
      spawnChild: (parent, request) => this.#spawnChild(parent, request),
      elevate: (pid, agentId, grant, reason) => this.#elevate(pid, agentId, grant, reason),
      changed: (process, from) => this.#changed(process, from),
      exited: (pid) => this.#elevations.exited(pid),
      childStopped: (pid) => this.#restarted.stopped(pid),
      tools: () => this.#tools.list(),
      onMessage: options.onMessage ?? null,
      undelivered: (to, mail, why) => {
        // Who asks for the program is told itself that there is no reply.
        for (const each of mail.filter(
          ({ tag, sender }) => tag !== 'request' || sender !== KERNEL_PID,
        )) {
          this.#deadLetters.add(to, each, why);
        }
      },
      lost: (messages) => this.#deadLetters.lose(messages),
      warn,
    });
    this.#pipes = new Pipes({
      wake: (inMs, ring) => SYSTEM_CLOCK.wake(inMs, ring),
      dropped: (messages) => this.#deadLetters.lose(messages),
    });
    this.#reliable = new ReliableSends({
      supervisor: this.#supervisor,
      deadLetters: this.#deadLetters,
      closing: this.#closing.signal,
    });
    this.#views = new Views(this.#supervisor);
    this.#metrics = new KernelMetrics({
      supervisor: this.#supervisor,
      capacity,
      counts: () => this.counts(),
      modules: () => this.#modulesByDigest.size,
      elevationsWaiting: () => this.#elevations.list().length,
      deadLetters: this.#deadLetters,
      jobs: () => ({ jobs: this.#schedule.list().length, jobRuns: this.#schedule.totals }),
    });
    this.#elevations = new Elevations({
      ...(options.onElevation && { decide: options.onElevation }),
      grant: (pid, spec) => void this.#supervisor.grant(pid, [spec]),
      warn,
    });
    this.#restarted = new RestartedChildren(warn);
    this.#supervisors = new Supervisors({
      check: (child) => this.#checkSpawn(child),
      turn: (child) => this.#turn(child),
      spawn: (child, limits, opened, lineage) => this.#spawn(child, limits, opened, lineage),
      now: () => performance.timeOrigin + performance.now(),
      warn,
    });
    this.#backend = new WasmBackend({
      workers: options.workers ?? Math.min(8, availableParallelism()),
      sliceFuel: options.sliceFuel ?? 100_000_000,
      blocks: this.#supervisor.blocks.memory,
      room: ROOM,
      processWalls: options.processWalls ?? 'if-available',
      onWarning: warn,
    });
    this.#watchdog =
      options.watchdog === undefined
        ? null
        : new Watchdog(options.watchdog, {
            sweep: (withinMs) => this.#supervisor.sweep(withinMs),
            warn,
          });
    this.#health = new KernelHealth({
      checks: options.healthChecks,
      capacity,
      isClosed: () => this.#closing.signal.aborted,
      answering: (withinMs) => this.#backend.answering(withinMs),
      agents: () => this.#supervisor.list().length,
      quotas: () => ({
        used: this.#supervisor.quotas.used(),
        max: this.#supervisor.quotas.whole,
      }),
      room: () => ROOM.taken,
      waiting: () => this.#supervisors.waiting(),
      schedule: () => this.#schedule.health(),
    });
    this.#schedule = new KernelSchedule({
      schedule: options.schedule,
      saved,
      clock: SYSTEM_CLOCK,
      agent: (pid) => this.agent(pid),
      module: (digest) => this.#modulesByDigest.get(digest),
      check: (spawn) => {
        this.#checkSpawn(spawn);
        readGrants(spawn.grants);
      },
      spawn: (spawn) => this.spawn(spawn),
      warn,
    });
  }

  #changed(process: Process, from: ProcessState | null): void {
    this.#metrics.changed(process, from);
    if (from === null) {
      this.#scores.spawned(process);
    }
    if (process.exit !== null) {
      this.#scores.exited(process, process.exit.reason);
      this.#schedule.exited(process.pid);
      this.#pipes.exited(process.pid);
    }
    this.#views.changed(process, from);
  }

  /**
   * Reads and prepares a module: from a file, or from bytes.
   *
   * An unknown one is validated, checked and metered in a child process first; a known one comes out
   * of the cache.
   *
   * @throws {RingfenceError} `RF_USAGE` for what is no source, `RF_FILE`, `RF_MODULE_INVALID`,
   * `RF_MODULE_REFUSED`, `RF_PREPARE_LIMIT`, `RF_LIMIT_EXCEEDED` where this process has compiled modules
   * of too many types, `RF_CLOSED`, `RF_INTERNAL` when no worker thread can be
   * started; the reason of `signal` once that is aborted
   */
  async load(source: string | URL | Uint8Array, options: LoadOptions = {}): Promise<LoadedModule> {
    if (this.#closing.signal.aborted) {
      throw new RingfenceError(
        'RF_CLOSED',
        'Cannot load a module as the kernel is closed: open another.',
      );
    }
    const { name = null } = options;
    if (name !== null && !CATALOGUE_NAME.test(name)) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot load the module under the name ${JSON.stringify(name.slice(0, 64))}: give it 1 to 128 letters, digits, '.', '_' or '-'.`,
      );
    }
    const path = pathOf(source);
    const { bytes, realPath } =
      source instanceof Uint8Array
        ? { bytes: source, realPath: null }
        : await readModule(path ?? '');
    const signals = [this.#closing.signal, ...(options.signal ? [options.signal] : [])];
    const signal = AbortSignal.any(signals);
    const { onProgress } = options;
    const cacheDirectory = this.#cacheDirectory;
    const allow = (digest: string) => allowedAtLoad(options.features, { digest, path, realPath });
    const [prepared] = await Promise.all([
      this.#preparations.run(
        () => prepareModule(bytes, { cacheDirectory, allow, onProgress, signal }),
        signal,
      ),
      this.#backend.ready(),
    ]);
    for (const warning of prepared.warnings) {
      this.#onWarning(warning);
    }
    this.#backend.addModule(prepared);
    const module = Object.freeze(describe(prepared, path, realPath, name));
    this.#modules.add(module);
    this.#modulesByDigest.set(module.digest, module);
    if (name !== null) {
      this.#modulesByName.set(name, module);
    }
    return module;
  }

  /**
   * The grants that a module's imports can use, by the gate's own table: it may run without, and is
   * then denied.
   */
  async neededGrants(module: LoadedModule): Promise<string[]> {
    // Only who asks needs the host functions in this thread.
    const { HOST } = await import('./wasm/host/index.ts');
    const capabilities = module.imports.flatMap((imported) =>
      imported.functions.map((name) => HOST.get(imported.interface)?.get(name)?.capability ?? null),
    );
    const needed = capabilities.filter((kind) => kind !== null && !GRANTED_ANYWAY.has(kind));
    return [...new Set(needed as string[])];
  }

  /**
   * Spawns an agent: it starts at once, within what it is granted and its limits.
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_FILE` for a directory that can't be mounted,
   * `RF_MODULE_REFUSED` when the module declares more memory than the limit or uses a feature that is
   * not allowed, `RF_CAPABILITY_DENIED` when
   * a child would have more than its parent, `RF_PROCESS_NOT_FOUND` when that has ended,
   * `RF_QUOTA_EXCEEDED`, `RF_LIMIT_EXCEEDED` for more children than its parent may have, more than 256 grants, or when as many
   * agents have a thread or process of their own as may, `RF_PROCESS_TABLE_FULL`, `RF_CLOSED`,
   * `RF_BACKEND_NOT_AVAILABLE` for a backend that this version does not have, or when no process can be
   * started within the walls that are required,
   * `RF_INTERNAL` when no worker thread could be started
   */
  async spawn(options: SpawnOptions): Promise<Agent>;
  /**
   * Spawns a function of the program as an agent: it is supervised, granted and limited as any other is,
   * in what it does through its context (docs/library.md).
   *
   * @throws {RingfenceError} as for a module, and `RF_USAGE` for a limit that can't be enforced
   *
   * @example
   * ```ts
   * const agent = await kernel.spawn({ work: async ({ pid }) => `I am ${pid}` });
   * await agent.exited;
   * agent.result; // 'I am 1'
   * ```
   */
  async spawn<Value>(options: WorkOptions<Value>): Promise<NativeAgent<Value>>;
  async spawn(options: Spawnable): Promise<Agent>;
  async spawn(options: Spawnable): Promise<Agent> {
    const limits = this.#checkSpawn(options);
    const waiting = this.#turn(options);
    const turn = waiting === null ? null : await waiting;
    try {
      return this.#spawn(options, limits, openRoots(readGrants(options.grants)));
    } finally {
      turn?.end();
    }
  }

  #checkSpawn(options: Spawnable): Limits {
    return checkSpawnable(options, (module) => this.#modules.has(module));
  }

  /**
   * Supervises agents: starts them in order, and starts those again that end, by their restart types and
   * the strategy, until they end too often. Resolves when all were started (docs/supervision.md).
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_FILE` for a directory that can't be mounted, `RF_CLOSED`,
   * `RF_CHILD_START` when one can't be started: those before it have ended again then,
   * `RF_RESTARTS_EXHAUSTED` when they end too often before all were started,
   * `RF_BACKEND_NOT_AVAILABLE` for a backend that this version does not have
   *
   * @example
   * ```ts
   * await using supervisor = await kernel.supervise({
   *   strategy: 'rest_for_one',
   *   children: [
   *     { id: 'store', module: store },
   *     { id: 'reader', module: reader, restart: 'transient' },
   *   ],
   * });
   * supervisor.children().map(({ id, pid }) => [id, pid]); // [['store', 1], ['reader', 2]]
   * ```
   */
  supervise(options: SuperviseOptions): Promise<SupervisorHandle> {
    return this.#supervisors.open(options);
  }

  /**
   * A thread or a process of an agent's own waits for its turn to start, the first function for what it
   * needs; null: nobody waits.
   */
  #turn(options: Spawnable): Promise<StartTurn> | null {
    if (isWork(options)) {
      return this.#native.ready()?.then(() => NO_TURN) ?? null;
    }
    return this.#turnIn(options.isolation);
  }

  #turnIn(isolation: Isolation = 'shared'): Promise<StartTurn> | null {
    return isolation === 'shared' ? null : this.#backend.turn(isolation);
  }

  /** Spawns with directories that are open: they are closed again where it fails. */
  #spawn(
    options: Spawnable,
    limits: Limits,
    opened: OpenedGrants,
    lineage: Lineage = FIRST,
    linked = false,
  ): Agent {
    try {
      const request = requestOf(options, limits, opened, lineage, linked);
      return isWork(options)
        ? this.#startWork(options, request)
        : new Agent(this.#supervisor.spawn(request, this.#backend), this.#supervisor);
    } catch (error) {
      closeRoots(opened.roots);
      throw error;
    }
  }

  #startWork({ work }: WorkOptions, request: SpawnRequest): NativeAgent {
    const result: WorkResult<unknown> = { value: undefined };
    const backend = this.#native.running({
      work,
      returned: (value) => {
        result.value = value;
      },
      failed: (text) => this.#onWarning(text),
    });
    return new NativeAgent(this.#supervisor.spawn(request, backend), this.#supervisor, result);
  }

  async #spawnChild(parent: Process, request: ChildRequest): Promise<CallOutcome<number>> {
    try {
      // What waits for its turn is kept here, and who asks can be a process that keeps no bounds itself.
      requireBounded(request);
      const start = (lineage: Lineage): Promise<Agent> =>
        this.#startChild(parent, request, lineage);
      const { restart } = request;
      const pid =
        restart === 'temporary'
          ? (await start(FIRST)).pid
          : await this.#restarted.start({ type: restart, parent, start });
      return { tag: 'ok', val: pid };
    } catch (error) {
      return outcomeForGuest(error, (why) =>
        this.#onWarning(`a spawn that pid ${parent.pid} asked for failed: ${why}`),
      );
    }
  }

  /** Starts a child that an agent has asked for, with what that may give it now. */
  async #startChild(parent: Process, request: ChildRequest, lineage: Lineage): Promise<Agent> {
    const waiting = this.#turnIn(parent.request.isolation);
    const turn = waiting === null ? null : await waiting;
    try {
      const granted = this.#supervisor.grantsOf(parent.pid);
      const { specs, limits } = readChild(request, {
        limits: parent.request.limits,
        files: granted.flatMap((grant) => (grant.kind === 'files' ? [grant.scope] : [])),
      });
      const known = request.module.tag === 'digest' ? this.#modulesByDigest : this.#modulesByName;
      const module = known.get(request.module.val);
      if (module === undefined) {
        throw new RingfenceError(
          'RF_PROCESS_NOT_FOUND',
          'Cannot spawn the child as the kernel has loaded no such module: load it first.',
        );
      }
      // As at any spawn: clocks and random, unless it says something else of them.
      const untold = parseGrants({}).filter(({ kind }) =>
        specs.every((spec) => spec.kind !== kind),
      );
      const { agentId, environment } = request;
      return this.#spawn(
        {
          module,
          agentId,
          parent: new Agent(parent, this.#supervisor),
          arguments: request.arguments,
          environment: Object.fromEntries(environment),
          isolation: parent.request.isolation,
          features: parent.request.features,
        },
        limits,
        shareRoots([...specs, ...untold], parent.request.roots),
        lineage,
        request.linked,
      );
    } finally {
      turn?.end();
    }
  }

  async #elevate(
    pid: Pid,
    agentId: string,
    grant: WordedGrant,
    reason: string,
  ): Promise<CallOutcome<ElevationOutcome>> {
    try {
      const spec = specOfWords(grant, []);
      return { tag: 'ok', val: await this.#elevations.request(pid, agentId, spec, reason) };
    } catch (error) {
      return outcomeForGuest(error, (why) =>
        this.#onWarning(`a grant that pid ${pid} asked for could not be decided: ${why}`),
      );
    }
  }

  /**
   * Which walls of the system are in force around the processes of agents: found out by a trial, once.
   *
   * @throws {RingfenceError} `RF_BACKEND_NOT_AVAILABLE` when no process can be started
   */
  processWalls(): Promise<ProcessWalls> {
    return this.#backend.walls();
  }

  /**
   * Sends a message to all agents that have subscribed to a topic, as the kernel (pid 0). Resolves with
   * how many got it; who has no room misses it.
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_LIMIT_EXCEEDED` for more than 16 MiB.
   */
  publish(topic: string, message: MessageInput): Promise<number> {
    requireName('publish', topic);
    return this.#supervisor.router.publish(KERNEL_PID, topic, readMessage(message));
  }

  /**
   * Has a service provided by an agent: who is granted it can ask it by its name. It ends with the agent.
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_PROCESS_NOT_FOUND`, `RF_SERVICE_TAKEN`
   */
  registerService(name: string, pid: Pid): void {
    requireName('register the service', name);
    this.agent(pid);
    if (!this.#supervisor.services.register(name, pid)) {
      throw new RingfenceError(
        'RF_SERVICE_TAKEN',
        `Cannot register the service '${name}' as another agent provides it: unregister it first.`,
        { name },
      );
    }
  }

  /** Nobody provides the service any more. False: nobody did. */
  unregisterService(name: string): boolean {
    return this.#supervisor.services.unregister(name);
  }

  /** The services that are provided, and by whom. */
  services(): { readonly name: string; readonly pid: Pid }[] {
    return this.#supervisor.services.list();
  }

  /**
   * Links two agents: when one ends other than normally the other is ended, too, or is told where it
   * traps exits.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`
   */
  link(one: Pid, other: Pid): void {
    this.#supervisor.router.link(this.agent(one).pid, this.agent(other).pid);
  }

  /** Takes a link away; nothing happens where there is none. */
  unlink(one: Pid, other: Pid): void {
    this.#supervisor.router.unlink(one, other);
  }

  /**
   * Offers a tool to agents that are granted it.
   *
   * @throws {RingfenceError} `RF_USAGE`
   */
  registerTool(description: ToolDescription, handler: ToolHandler): void {
    if (typeof handler !== 'function') {
      throw new RingfenceError(
        'RF_USAGE',
        "Cannot register the tool as 'handler' is no function: give the function that does its work.",
      );
    }
    this.#tools.register(description, handler);
  }

  /**
   * An agent that has not exited, by its pid: one that a supervisor has started, for instance.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`
   */
  agent(pid: Pid): Agent {
    const process = this.#supervisor.find(pid);
    if (process === undefined) {
      throw new RingfenceError(
        'RF_PROCESS_NOT_FOUND',
        `Cannot find an agent with pid ${pid} that runs: it was never spawned, or it has exited.`,
        { pid },
      );
    }
    return new Agent(process, this.#supervisor);
  }

  /**
   * All agents that have not exited, in the order of their pids; or those of a state.
   *
   * @throws {RingfenceError} `RF_USAGE`
   */
  list(options: ListOptions = {}): AgentRow[] {
    return this.#views.list(options);
  }

  /** How many agents are in each state; `exited` are all that ever have. */
  counts(): Record<ProcessState, number> {
    return this.#views.counts();
  }

  /**
   * All that is known of an agent: one that runs, or one of the last 10,000 that have exited.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`
   */
  inspect(pid: Pid): AgentView {
    return this.#views.inspect(pid);
  }

  /**
   * Changes of agents' states from now on, spawns included: what is listed before the next `await` and
   * what is told here have no gap between them. While nobody reads, the last `buffer` changes are kept;
   * how many were lost before one is said with it. It ends with its signal, `return()` or the kernel.
   *
   * @throws {RingfenceError} `RF_USAGE`
   *
   * @example
   * ```ts
   * for await (const { pid, from, to, exit, lost } of kernel.watch({ signal })) {
   *   console.log(pid, from, to, exit?.reason, lost); // 1 null starting undefined 0
   * }
   * ```
   */
  watch(options: WatchOptions = {}): StateWatch {
    return this.#views.watch(options);
  }

  /**
   * Counts and sums of all agents as Prometheus reads them (docs/observing.md): serve them with the type
   * `text/plain; version=0.0.4; charset=utf-8`.
   */
  metrics(): Promise<string> {
    return this.#metrics.text();
  }

  /**
   * How the kernel is, and why: its threads, its room, its supervisors, and the checks that it was opened
   * with (docs/observing.md). Never rejects.
   */
  health(): Promise<Health> {
    return this.#health.read();
  }

  /**
   * What the exits of agents have said of them, by the names that they were spawned under
   * (docs/observing.md): see {@link rankScores}, {@link similarScores}.
   */
  scores(): AgentScore[] {
    return this.#scores.list();
  }

  /**
   * Schedules a job, by an interval or a cron expression: to call a function, send a message, or spawn an
   * agent (docs/schedule.md). Resolves when it is in the kernel's file, where it is to be kept.
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_PROCESS_NOT_FOUND` for an owner or a receiver that does not
   * run, `RF_LIMIT_EXCEEDED` for more than 1,000 jobs or 64 of one owner, `RF_FILE`, `RF_CLOSED`
   *
   * @example
   * ```ts
   * await kernel.schedule({ cron: '0 3 * * *', timezone: 'Europe/Berlin', spawn: { module } });
   * await kernel.schedule({ every: 10_000, owner: agent.pid, send: { to: agent.pid, message: 'tick' } });
   * ```
   */
  schedule(job: JobOptions): Promise<ScheduledJob> {
    return this.#schedule.add(job);
  }

  /** All jobs, in the order in which they were scheduled. */
  jobs(): ScheduledJob[] {
    return this.#schedule.list();
  }

  /**
   * Cancels a job: a run under way is told by its signal. Resolves with whether there was one of this id.
   *
   * @throws {RingfenceError} `RF_FILE` where the kernel's file still has it
   */
  cancelJob(id: string): Promise<boolean> {
    return this.#schedule.cancel(id);
  }

  /**
   * Sends a message as a request, again and again until it is replied to: after 5 s, 10 s, 20 s, and at last
   * 30 s. The reply is its acknowledgement; a receiver that is slow gets it more than once. What is in vain
   * becomes a dead letter (docs/delivery.md).
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_TIMEOUT` when it was not acknowledged, `RF_CLOSED` when the
   * agent or the kernel has ended, `RF_PROCESS_NOT_FOUND`, `RF_CANCELLED` by its signal,
   * `RF_LIMIT_EXCEEDED` for more than the receiver may hold, or when 1,000 are under way
   *
   * @example
   * ```ts
   * const reply = await kernel.sendReliably({ to: { service: 'store' }, message: 'put 1' });
   * ```
   */
  sendReliably(send: ReliableSend): Promise<Payload> {
    return this.#reliable.send(send);
  }

  /**
   * Opens a named pipe between parts of the program, and reads it: a bounded queue that outlives its reader
   * and is gone with its owner (docs/delivery.md).
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_PIPE_TAKEN`, `RF_PROCESS_NOT_FOUND` for an owner that does not
   * run, `RF_LIMIT_EXCEEDED` for more than 256 pipes, `RF_CLOSED`
   *
   * @example
   * ```ts
   * const results = kernel.openPipe('results', { owner: agent.pid });
   * await kernel.writePipe('results').send('one', { waitMs: 1_000 });
   * for await (const payload of results) {
   *   console.log(payload.val); // one
   * }
   * ```
   */
  openPipe(name: string, options: PipeOptions = {}): PipeReader {
    requireName('open the pipe', name);
    const settings = readPipeOptions(options);
    if (settings.owner !== null) {
      this.agent(settings.owner);
    }
    if (this.#closing.signal.aborted) {
      throw new RingfenceError(
        'RF_CLOSED',
        `Cannot open the pipe '${name}' as the kernel is closed: open another.`,
      );
    }
    return this.#pipes.open(name, settings).read();
  }

  /**
   * Goes on reading a pipe that its reader has left.
   *
   * @throws {RingfenceError} `RF_PIPE_NOT_FOUND`, `RF_PIPE_TAKEN` where another reads it
   */
  readPipe(name: string): PipeReader {
    return this.#pipes.get(name).read();
  }

  /** Writes into a pipe; as many may as like. @throws {RingfenceError} `RF_PIPE_NOT_FOUND` */
  writePipe(name: string): PipeWriter {
    return this.#pipes.get(name).write();
  }

  /** All pipes that there are. */
  pipes(): PipeInfo[] {
    return this.#pipes.list();
  }

  /** Ends a pipe: its reader comes to its end, what is in it is dropped. False: there is none. */
  endPipe(name: string): boolean {
    return this.#pipes.end(name);
  }

  /**
   * Messages that reached nobody, the oldest first; the last 10,000 are kept, within 64 MiB
   * (docs/delivery.md).
   *
   * @throws {RingfenceError} `RF_USAGE`
   */
  deadLetters(filter: DeadLetterFilter = {}): DeadLetter[] {
    return this.#deadLetters.list(readDeadLetterFilter(filter));
  }

  /** Takes a dead letter out, to send it again or to forget it; undefined: it is no longer there. */
  takeDeadLetter(id: number): DeadLetter | undefined {
    return this.#deadLetters.take(id);
  }

  /**
   * Gives a running agent more. Directories are mounted at the spawn only.
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_PROCESS_NOT_FOUND`, `RF_CLOSED` when it has ended,
   * `RF_LIMIT_EXCEEDED` for more than 256 grants in its life.
   */
  grant(pid: Pid, grants: GrantsInput | readonly GrantSpec[]): Grant[] {
    return this.#supervisor.grant(pid, asked(readGrants(grants)));
  }

  /**
   * Takes a grant back, and all that was derived from it. Every check of a host call that begins after
   * the promise has resolved sees it as gone; a call that waits under it is cancelled
   * (docs/capabilities.md says how for each kind). Resolves with what was revoked.
   *
   * @throws {RingfenceError} `RF_USAGE` for a grant that was never given.
   */
  async revoke(id: GrantId): Promise<Grant[]> {
    const told = this.#supervisor.revoke(id);
    this.#supervisors.revoked(id);
    return told;
  }

  /** Requests for more that wait for an answer, the oldest first. */
  elevations(): Elevation[] {
    return this.#elevations.list();
  }

  /** Answers a request that was deferred. @throws {RingfenceError} `RF_USAGE` for an unknown one. */
  answerElevation(id: number, answer: 'permit' | 'deny'): void {
    this.#elevations.answer(id, answer);
  }

  /** Ends an agent by force. @throws {RingfenceError} `RF_PROCESS_NOT_FOUND` */
  kill(pid: Pid, message?: string): void {
    this.#supervisor.kill(pid, message);
  }

  /**
   * Looks which agents' threads and processes answer, and reaps the others: their thread or process is
   * ended with all agents that it runs, as `reaped` with code -2. Resolves with their pids.
   *
   * @throws {RingfenceError} `RF_USAGE`
   */
  async sweep(options: SweepOptions = {}): Promise<Pid[]> {
    return this.#supervisor.sweep(readSweep(options));
  }

  /**
   * Has an agent stop at the end of its slice, until it is resumed: {@link Agent.suspend}.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`; `RF_INVALID_STATE_TRANSITION` where it is neither
   * running nor suspended
   */
  suspend(pid: Pid): void {
    this.#supervisor.suspend(pid);
  }

  /**
   * Lets an agent go on that was suspended.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`; `RF_INVALID_STATE_TRANSITION` where it is neither
   * suspended nor running
   */
  resume(pid: Pid): void {
    this.#supervisor.resume(pid);
  }

  /** Ends all agents and the workers. Resolves with the reports of those that were still alive. */
  async close(): Promise<Report[]> {
    this.#closing.abort(
      new RingfenceError('RF_CLOSED', 'The module was not loaded as the kernel was closed.'),
    );
    // Before anybody ends: nobody is started again for it, and no job runs any more.
    const schedule = this.#schedule.close();
    this.#pipes.close();
    this.#watchdog?.close();
    this.#restarted.close();
    const supervisors = this.#supervisors.close();
    const reports = await this.#supervisor.close();
    await this.#backend.close();
    await supervisors;
    await schedule;
    this.#views.close();
    return reports;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Opens a kernel.
 *
 * @throws {RingfenceError} `RF_USAGE` for an option that can't be understood, or that this process can't
 * have any more; `RF_FILE` for a schedule that can't be read; `RF_BACKEND_NOT_AVAILABLE` for density `dense` in a program that was not started for it.
 *
 * @example
 * ```ts
 * await using kernel = await openKernel({ workers: 2 });
 * const module = await kernel.load('hello.wasm');
 * const agent = await kernel.spawn({ module, limits: { fuel: 1_000_000 } });
 * (await agent.exited).exit.reason; // 'normal'
 * ```
 */
export async function openKernel(options: KernelOptions = {}): Promise<Kernel> {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('open a kernel', parsed.error);
  }
  requireDensity(options, ROOM);
  return new Kernel(options, await readSchedule(options.schedule));
}
