/** What a program sees and does of a kernel: the parts that it is made of, behind one documented face. */

import type { AuditLog } from './audit/log.ts';
import type { Envelope } from './audit/receipt.ts';
import type { ProcessWalls } from './backend/process/walls.ts';
import type { Elevation } from './capability/elevation.ts';
import type { Grant, GrantId, GrantSpec } from './capability/grant.ts';
import { asked, type GrantsInput, readGrants } from './capability/input.ts';
import { RingfenceError } from './errors.ts';
import type { Health } from './health/health.ts';
import type { DeadLetter, DeadLetterFilter } from './ipc/dead-letters.ts';
import { NAME_CHARACTERS_MAX, type Payload } from './ipc/message.ts';
import { type MessageInput, readMessage } from './ipc/payload.ts';
import type { PipeInfo } from './ipc/pipe.ts';
import type { PipeReader } from './ipc/pipe-reader.ts';
import type { PipeWriter } from './ipc/pipe-writer.ts';
import { type Agent, agentOf } from './kernel/agent.ts';
import { type KernelAudit, openKernelAudit } from './kernel/audit.ts';
import type { RunHashes } from './kernel/audit-agents.ts';
import { readDeadLetterFilter } from './kernel/dead-letter-filter.ts';
import type { HttpService } from './kernel/http-service.ts';
import type { McpServerOptions } from './kernel/mcp-server-options.ts';
import type { McpServerOffer } from './kernel/mcp-servers.ts';
import type { NativeAgent } from './kernel/native-agent.ts';
import { operatorOf } from './kernel/operator.ts';
import { buildParts, closeParts, type Parts, ROOM } from './kernel/parts.ts';
import { type PipeOptions, readPipeOptions } from './kernel/pipe-options.ts';
import type { ReliableSend } from './kernel/reliable.ts';
import { type Replay, type ReplayOptions, replay } from './kernel/replay.ts';
import { requireDensity } from './kernel/room.ts';
import { readSchedule } from './kernel/schedule.ts';
import type { JobOptions, ScheduledJob } from './kernel/schedule-options.ts';
import type { ServeOptions } from './kernel/serve-options.ts';
import {
  type GatedImport,
  type KernelOptions,
  type LoadedModule,
  type LoadOptions,
  optionsSchema,
  type SpawnOptions,
} from './kernel/spawn-options.ts';
import type { Spawnable } from './kernel/spawn-request.ts';
import type { SuperviseOptions } from './kernel/supervise-options.ts';
import type { SupervisorHandle } from './kernel/supervisors.ts';
import type { AgentRow, AgentView, ListOptions, WatchOptions } from './kernel/views.ts';
import type { VirtualClock } from './kernel/virtual-clock.ts';
import type { StateWatch } from './kernel/watch.ts';
import { readSweep, type SweepOptions } from './kernel/watchdog.ts';
import type { WorkOptions } from './kernel/work-options.ts';
import { readKvOptions } from './kv/options.ts';
import { KvStore } from './kv/store.ts';
import type { Decision, ModuleIdentity, Policy } from './policy/policy.ts';
import { KERNEL_PID, type Pid, type ProcessState } from './process/state.ts';
import type { Recording } from './recording/file.ts';
import type { AgentScore } from './scores/book.ts';
import type { Report } from './supervisor/report.ts';
import type { ToolDescription, ToolHandler } from './tools/tool.ts';
import { usageError } from './usage-error.ts';

/** @throws {RingfenceError} `RF_USAGE` */
function requireName(what: string, name: string): void {
  if (typeof name !== 'string' || name.length === 0 || name.length > NAME_CHARACTERS_MAX) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot ${what}: its name has not 1 to ${NAME_CHARACTERS_MAX} characters; give another.`,
    );
  }
}

/**
 * A kernel: loads modules, spawns agents, and ends them all when it is closed.
 *
 * @see {@link openKernel}
 */
export class Kernel implements AsyncDisposable {
  readonly #parts: Parts;

  /** Use {@link openKernel}. */
  constructor(parts: Parts) {
    this.#parts = parts;
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
    return this.#parts.modules.load(source, options);
  }

  /**
   * The grants that a module's imports can use, by the gate's own table: it may run without, and is
   * then denied.
   */
  neededGrants(module: LoadedModule): Promise<string[]> {
    return this.#parts.modules.neededGrants(module);
  }

  /** The functions among a module's imports that need one of {@link neededGrants}, and which. */
  gatedImports(module: LoadedModule): Promise<GatedImport[]> {
    return this.#parts.modules.gatedImports(module);
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
    return this.#parts.spawner.spawn(options);
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
    return this.#parts.supervisors.open(options);
  }

  /**
   * Serves a module that handles HTTP requests (`wasi:http/incoming-handler`): each request is handled by
   * an instance of its own, or by one that is kept, within the same grants and limits (docs/serve.md).
   *
   * @throws {RingfenceError} `RF_USAGE`, also for a module that handles no requests; `RF_FILE`,
   * `RF_MODULE_REFUSED`, `RF_CLOSED` as for a spawn
   *
   * @example
   * ```ts
   * await using service = kernel.serve({ module, limits: { fuel: 10_000_000 } });
   * createServer(service.listener).listen(8080);
   * const response = await service.handle(new Request('http://localhost/'));
   * ```
   */
  serve(options: ServeOptions): HttpService {
    return this.#parts.services.open(options);
  }

  /**
   * Which walls of the system are in force around the processes of agents: found out by a trial, once.
   *
   * @throws {RingfenceError} `RF_BACKEND_NOT_AVAILABLE` when no process can be started, `RF_CLOSED`
   */
  processWalls(): Promise<ProcessWalls> {
    return this.#parts.backend.walls();
  }

  /**
   * Sends a message to all agents that have subscribed to a topic, as the kernel (pid 0). Resolves with
   * how many got it; who has no room misses it.
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_LIMIT_EXCEEDED` for more than 16 MiB.
   */
  publish(topic: string, message: MessageInput): Promise<number> {
    requireName('publish', topic);
    return this.#parts.supervisor.router.publish(KERNEL_PID, topic, readMessage(message));
  }

  /**
   * Has a service provided by an agent: who is granted it can ask it by its name. It ends with the agent.
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_PROCESS_NOT_FOUND`, `RF_SERVICE_TAKEN`
   */
  registerService(name: string, pid: Pid): void {
    requireName('register the service', name);
    this.agent(pid);
    if (!this.#parts.supervisor.services.register(name, pid)) {
      throw new RingfenceError(
        'RF_SERVICE_TAKEN',
        `Cannot register the service '${name}' as another agent provides it: unregister it first.`,
        { name },
      );
    }
    this.#parts.audit?.note({ kind: 'service.register', pid, payload: { service: name } });
  }

  /** Nobody provides the service any more. False: nobody did. */
  unregisterService(name: string): boolean {
    const wasThere = this.#parts.supervisor.services.unregister(name);
    if (wasThere) {
      this.#parts.audit?.note({ kind: 'service.unregister', payload: { service: name } });
    }
    return wasThere;
  }

  /** The services that are provided, and by whom. */
  services(): { readonly name: string; readonly pid: Pid }[] {
    return this.#parts.supervisor.services.list();
  }

  /**
   * Links two agents: when one ends other than normally the other is ended, too, or is told where it
   * traps exits.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`
   */
  link(one: Pid, other: Pid): void {
    this.#parts.supervisor.router.link(this.agent(one).pid, this.agent(other).pid);
  }

  /** Takes a link away; nothing happens where there is none. */
  unlink(one: Pid, other: Pid): void {
    this.#parts.supervisor.router.unlink(one, other);
  }

  /**
   * Offers a tool to agents that are granted it (docs/tools.md).
   *
   * @throws {RingfenceError} `RF_USAGE` for a name that is taken, or parameters that are no JSON schema
   * that is taken.
   *
   * @example
   * ```ts
   * kernel.registerTool({ name: 'add', description: 'Adds.', parameters }, ({ a, b }) => a + b);
   * ```
   */
  registerTool(description: ToolDescription, handler: ToolHandler): void {
    if (typeof handler !== 'function') {
      throw new RingfenceError(
        'RF_USAGE',
        "Cannot register the tool as 'handler' is no function: give the function that does its work.",
      );
    }
    this.#parts.tools.register(description, handler);
  }

  /**
   * Offers a tool no longer: its calls under way are cancelled, and so are its streams; later ones answer
   * `not-found`. False: there was none of this name.
   */
  unregisterTool(name: string): boolean {
    return this.#parts.tools.unregister(name);
  }

  /**
   * Offers the tools of a server of the Model Context Protocol to agents that are granted them, as
   * `NAME.TOOL`, and resolves when they are registered (docs/mcp.md).
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_UNAVAILABLE` for a server that does not start or does not answer
   * as it should, `RF_LIMIT_EXCEEDED` for more than 64, `RF_CLOSED`
   *
   * @example
   * ```ts
   * await kernel.offerMcp({ name: 'files', command: ['mcp-server-filesystem', '/srv/shared'] });
   * await kernel.spawn({ module, grants: { tools: ['files.read_text_file'] } });
   * ```
   */
  offerMcp(options: McpServerOptions): Promise<McpServerOffer> {
    return this.#parts.mcpServers.offer(options);
  }

  /**
   * An agent that has not exited, by its pid: one that a supervisor has started, for instance.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`
   */
  agent(pid: Pid): Agent {
    return agentOf(this.#parts.supervisor, pid);
  }

  /**
   * All agents that have not exited, in the order of their pids; or those of a state.
   *
   * @throws {RingfenceError} `RF_USAGE`
   */
  list(options: ListOptions = {}): AgentRow[] {
    return this.#parts.views.list(options);
  }

  /** How many agents are in each state; `exited` are all that ever have. */
  counts(): Record<ProcessState, number> {
    return this.#parts.views.counts();
  }

  /**
   * All that is known of an agent: one that runs, or one of the last 10,000 that have exited.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`
   */
  inspect(pid: Pid): AgentView {
    return this.#parts.views.inspect(pid);
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
    return this.#parts.views.watch(options);
  }

  /**
   * Counts and sums of all agents as Prometheus reads them (docs/observing.md): serve them with the type
   * `text/plain; version=0.0.4; charset=utf-8`.
   */
  metrics(): Promise<string> {
    return this.#parts.metrics.text();
  }

  /**
   * How the kernel is, and why: its threads, its room, its supervisors, and the checks that it was opened
   * with (docs/observing.md). Never rejects.
   */
  health(): Promise<Health> {
    return this.#parts.health.read();
  }

  /**
   * What the exits of agents have said of them, by the names that they were spawned under
   * (docs/observing.md): see {@link rankScores}, {@link similarScores}.
   */
  scores(): AgentScore[] {
    return this.#parts.scores.list();
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
  async schedule(job: JobOptions): Promise<ScheduledJob> {
    const added = await this.#parts.schedule.add(job);
    this.#parts.audit?.note({ kind: 'cron.add', payload: { job: added.id } });
    return added;
  }

  /** All jobs, in the order in which they were scheduled. */
  jobs(): ScheduledJob[] {
    return this.#parts.schedule.list();
  }

  /**
   * Cancels a job: a run under way is told by its signal. Resolves with whether there was one of this id.
   *
   * @throws {RingfenceError} `RF_FILE` where the kernel's file still has it
   */
  async cancelJob(id: string): Promise<boolean> {
    const wasThere = await this.#parts.schedule.cancel(id);
    if (wasThere) {
      this.#parts.audit?.note({ kind: 'cron.remove', payload: { job: id } });
    }
    return wasThere;
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
    return this.#parts.reliable.send(send);
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
    return this.#parts.pipes.open(name, settings).read();
  }

  /**
   * Goes on reading a pipe that its reader has left.
   *
   * @throws {RingfenceError} `RF_PIPE_NOT_FOUND`, `RF_PIPE_TAKEN` where another reads it
   */
  readPipe(name: string): PipeReader {
    return this.#parts.pipes.get(name).read();
  }

  /** Writes into a pipe; as many may as like. @throws {RingfenceError} `RF_PIPE_NOT_FOUND` */
  writePipe(name: string): PipeWriter {
    return this.#parts.pipes.get(name).write();
  }

  /** All pipes that there are. */
  pipes(): PipeInfo[] {
    return this.#parts.pipes.list();
  }

  /** Ends a pipe: its reader comes to its end, what is in it is dropped. False: there is none. */
  endPipe(name: string): boolean {
    return this.#parts.pipes.end(name);
  }

  /**
   * Messages that reached nobody, the oldest first; the last 10,000 are kept, within 64 MiB
   * (docs/delivery.md).
   *
   * @throws {RingfenceError} `RF_USAGE`
   */
  deadLetters(filter: DeadLetterFilter = {}): DeadLetter[] {
    return this.#parts.deadLetters.list(readDeadLetterFilter(filter));
  }

  /** Takes a dead letter out, to send it again or to forget it; undefined: it is no longer there. */
  takeDeadLetter(id: number): DeadLetter | undefined {
    return this.#parts.deadLetters.take(id);
  }

  /**
   * Gives a running agent more. Directories are mounted at the spawn only.
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_PROCESS_NOT_FOUND`, `RF_CLOSED` when it has ended,
   * `RF_LIMIT_EXCEEDED` for more than 256 grants in its life.
   */
  grant(pid: Pid, grants: GrantsInput | readonly GrantSpec[]): Grant[] {
    const { audit, supervisor } = this.#parts;
    audit?.requireRecording();
    const granted = supervisor.grants.grant(pid, asked(readGrants(grants)));
    audit?.granted(pid, granted);
    return granted;
  }

  /**
   * Takes a grant back, and all that was derived from it. Every check of a host call that begins after
   * the promise has resolved sees it as gone; a call that waits under it is cancelled
   * (docs/capabilities.md says how for each kind). Resolves with what was revoked.
   *
   * @throws {RingfenceError} `RF_USAGE` for a grant that was never given.
   */
  async revoke(id: GrantId): Promise<Grant[]> {
    const told = this.#parts.supervisor.grants.revoke(id);
    this.#parts.supervisors.revoked(id);
    return told;
  }

  /**
   * Has a policy decide what a module gets, as {@link Policy.decide}, and records what it says in the
   * kernel's audit chain (docs/audit.md).
   *
   * @throws {RingfenceError} as {@link Policy.decide}
   *
   * @example
   * ```ts
   * const { grants, limits, isolation } = kernel.decide(policy, module);
   * ```
   */
  decide(policy: Policy, module: ModuleIdentity): Decision {
    return this.#parts.audit?.policies.decide(policy, module) ?? policy.decide(module);
  }

  /** Requests for more that wait for an answer, the oldest first. */
  elevations(): Elevation[] {
    return this.#parts.elevations.list();
  }

  /** Answers a request that was deferred. @throws {RingfenceError} `RF_USAGE` for an unknown one. */
  answerElevation(id: number, answer: 'permit' | 'deny'): void {
    this.#parts.elevations.answer(id, answer);
  }

  /** Ends an agent by force. @throws {RingfenceError} `RF_PROCESS_NOT_FOUND` */
  kill(pid: Pid, message?: string): void {
    this.#parts.supervisor.commands.kill(pid, message);
  }

  /**
   * Looks which agents' threads and processes answer, and reaps the others: their thread or process is
   * ended with all agents that it runs, as `reaped` with code -2. Resolves with their pids.
   *
   * @throws {RingfenceError} `RF_USAGE`
   */
  async sweep(options: SweepOptions = {}): Promise<Pid[]> {
    return this.#parts.supervisor.commands.sweep(readSweep(options));
  }

  /**
   * Has an agent stop at the end of its slice, until it is resumed: {@link Agent.suspend}.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`; `RF_INVALID_STATE_TRANSITION` where it is neither
   * running nor suspended
   */
  suspend(pid: Pid): void {
    this.#parts.supervisor.commands.suspend(pid);
  }

  /**
   * Lets an agent go on that was suspended.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`; `RF_INVALID_STATE_TRANSITION` where it is neither
   * suspended nor running
   */
  resume(pid: Pid): void {
    this.#parts.supervisor.commands.resume(pid);
  }

  /** The time that its agents live in, where it was opened with `clock: 'virtual'`; null: the machine's. */
  get clock(): VirtualClock | null {
    return this.#parts.clock;
  }

  /** The audit log that the kernel was opened with; null: with none (docs/audit.md). */
  get audit(): AuditLog | null {
    return this.#parts.audit?.log ?? null;
  }

  /**
   * A receipt of an agent that has exited, signed with the key of the audit log: a DSSE envelope of an
   * in-toto statement (docs/audit.md). `inputs` and `outputs` are SHA-256 by names, where the program wants
   * them in it.
   *
   * @throws {RingfenceError} `RF_USAGE` without an audit log, `RF_PROCESS_NOT_FOUND` for one that runs, or is
   * not among the last 10,000 that have exited; `RF_AUDIT_KEY` where the chain has no key, `RF_AUDIT`
   *
   * @example
   * ```ts
   * await agent.exited;
   * const receipt = await kernel.receipt(agent.pid);
   * verifyReceipt(JSON.stringify(receipt), [kernel.audit.key]).exit; // { code: 0, … }
   * ```
   */
  async receipt(pid: Pid, hashes: RunHashes = {}): Promise<Envelope> {
    const { audit } = this.#parts;
    if (audit === null) {
      throw new RingfenceError(
        'RF_USAGE',
        "Cannot give a receipt as the kernel has no audit log: open it with 'audit'.",
      );
    }
    return audit.receipt(pid, hashes);
  }

  /**
   * Runs the module of a recording again, its host calls answered out of that: it has no grant, and reaches
   * nothing. Resolves with what came of it: the first thing that was not as recorded, or that all was
   * (docs/replay.md).
   *
   * @throws {RingfenceError} `RF_USAGE`; `RF_RECORDING_REFUSED` for another module than was recorded, another
   * fuel table, or more memory than may be; else as {@link Kernel.spawn}; the reason of `signal` where it is
   * aborted before
   *
   * @example
   * ```ts
   * const agent = await kernel.spawn({ module, record: true });
   * const recording = await agent.recording;
   * (await kernel.replay(recording, { module })).identical; // true
   * ```
   */
  replay(recording: Recording, options: ReplayOptions): Promise<Replay> {
    return replay(recording, options, this.#parts.spawner);
  }

  /** Ends all agents and the workers. Resolves with the reports of those that were still alive. */
  close(): Promise<Report[]> {
    return closeParts(this.#parts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Opens a kernel.
 *
 * @throws {RingfenceError} `RF_USAGE` for an option that can't be understood, or that this process can't
 * have any more; `RF_FILE` for a schedule that can't be read; `RF_STORE` for a file of values that can't be
 * opened, or that another kernel has; `RF_BACKEND_NOT_AVAILABLE` for density `dense` in a program that was not started for it.
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
  return new Kernel(await openParts(options));
}

/**
 * What a kernel is made of, for who builds on more of it than its public face.
 *
 * @throws {RingfenceError} as {@link openKernel}
 */
export async function openParts(options: KernelOptions): Promise<Parts> {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('open a kernel', parsed.error);
  }
  requireDensity(options, ROOM);
  const kvSettings = readKvOptions(options.kv ?? {});
  const saved = await readSchedule(options.schedule);
  const kv = await KvStore.open(kvSettings, operatorOf(options).warn);
  let audit: KernelAudit | null = null;
  try {
    audit = await openKernelAudit(options);
    return buildParts(options, { saved, kv, audit });
  } catch (error) {
    await audit?.leave();
    await kv.close();
    throw error;
  }
}
