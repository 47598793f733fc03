/**
 * The supervisor: the one way an agent is spawned, watched and ended.
 *
 * It checks the request, inserts the row, takes a control block, asks the backend to start, and at the
 * exit makes usage final, releases what the agent held, and hands out the report, in this order.
 */

import type { Backend, BackendEnd, CallOutcome, ChildRequest } from '../backend/backend.ts';
import type { ElevationOutcome } from '../capability/elevation.ts';
import type { Grant, GrantId, GrantSpec } from '../capability/grant.ts';
import type { HeldGrant } from '../capability/held.ts';
import { GrantRegistry } from '../capability/registry.ts';
import type { WordedGrant } from '../capability/words.ts';
import { RingfenceError } from '../errors.ts';
import type { DeadLetterReason } from '../ipc/dead-letters.ts';
import type { Ending, Mail, Payload } from '../ipc/message.ts';
import type { ToolListing } from '../ipc/question.ts';
import { Services } from '../ipc/services.ts';
import { KERNEL_PID, type Pid, type ProcessState } from '../process/state.ts';
import { ProcessTable } from '../process/table.ts';
import { Alarm } from '../resource/alarm.ts';
import { COMMAND, ControlBlocks } from '../resource/control-blocks.ts';
import { limitOf, RESOURCE_KINDS, type ResourceKind, usedOf } from '../resource/limit-marks.ts';
import { type Admitted, QuotaBook, type QuotasInput } from '../resource/quotas.ts';
import { factsOf, type ProcessFacts } from './facts.ts';
import { checkSpawn } from './parent.ts';
import { Process, type SpawnRequest } from './process.ts';
import { type NoReply, type OnMessage, ProgramMail } from './program-mail.ts';
import { type Exit, exitCode, type Report, reportLimits } from './report.ts';
import { Router } from './router.ts';
import { DEFAULT_SHUTDOWN_MS } from './specification.ts';
import { silentOf } from './sweep.ts';

/** A line that an agent logged. */
export interface LogLine {
  readonly pid: Pid;
  readonly agentId: string;
  readonly level: string;
  readonly message: string;
}

/** An agent has used most of a limit. */
export interface ResourceWarning {
  readonly pid: Pid;
  readonly agentId: string;
  /** 0: it is the program's. */
  readonly parentPid: Pid;
  readonly kind: ResourceKind;
  /** In units of fuel, bytes, milliseconds, messages or calls. */
  readonly used: number;
  readonly limit: number;
}

/** What the supervisor asks the rest of the kernel for. */
export interface SupervisorOptions {
  readonly capacity: number;
  /** What all agents may have together, and those of each owner. */
  readonly quotas: QuotasInput;
  readonly ownerQuotas: QuotasInput;
  onLog(line: LogLine): void;
  /** An agent has used most of a limit. Must not throw. */
  nearLimit(warning: ResourceWarning): void;
  callTool(
    name: string,
    argumentsJson: string,
    call: { pid: Pid; agentId: string; signal: AbortSignal },
  ): Promise<CallOutcome<string>>;
  /** An agent asks for a child. */
  spawnChild(parent: Process, request: ChildRequest): Promise<CallOutcome<number>>;
  /** An agent asks for more. */
  elevate(
    pid: Pid,
    agentId: string,
    grant: WordedGrant,
    reason: string,
  ): Promise<CallOutcome<ElevationOutcome>>;
  /** An agent was spawned, `from` is null then, or has changed its state. Must not throw. */
  changed(process: Process, from: ProcessState | null): void;
  /** An agent has ended: nothing is asked for it any more. */
  exited(pid: Pid): void;
  /** An agent's parent has stopped it: it is not started again. */
  childStopped(pid: Pid): void;
  /** The tools that are registered. */
  tools(): readonly ToolListing[];
  /** Takes what agents send to the program; null: nothing does. */
  readonly onMessage: OnMessage | null;
  /** Mail that reached nobody: the program's, and what an agent was told otherwise of, or nothing. */
  undelivered(to: Pid, mail: readonly Mail[], why: DeadLetterReason): void;
  /** So many messages are gone with what kept them. */
  lost(messages: number): void;
  warn(text: string): void;
}

const parentOf = ({ parentPid }: SpawnRequest): Pid | null =>
  parentPid === KERNEL_PID ? null : parentPid;

function indexGrants(process: Process, grants: readonly Grant[]): void {
  for (const { id } of grants) {
    process.grantIndexes.set(id, process.grantIndexes.size);
  }
}

/** A grant as the agent's worker holds it. */
function held(process: Process, grant: Grant): HeldGrant {
  return {
    id: grant.id,
    kind: grant.kind,
    index: process.grantIndexes.get(grant.id) ?? 0,
    scope: grant.scope,
    expiresAtMs: grant.expiresAtMs ?? Number.POSITIVE_INFINITY,
  };
}

/** The characters of why an agent ended that others are told. */
const ENDING_CHARACTERS_MAX = 256;

/** Why an agent ended, as others are told it: what a function has thrown may name what is the host's. */
function endingOf({ reason, message }: Exit, isFunction: boolean): Ending {
  switch (reason) {
    case 'normal':
    case 'killed':
    case 'timeout':
      return { tag: reason };
    default: {
      const text = message === null || isFunction ? reason : `${reason}: ${message}`;
      return { tag: 'crash', val: text.slice(0, ENDING_CHARACTERS_MAX) };
    }
  }
}

/** All agents of a kernel, from their spawn to their report. */
export class Supervisor {
  readonly blocks: ControlBlocks;
  readonly grants = new GrantRegistry();
  readonly services = new Services();
  readonly router: Router;
  readonly #program: ProgramMail;
  readonly #options: SupervisorOptions;
  readonly quotas: QuotaBook;
  readonly #table: ProcessTable<Process, ProcessFacts>;
  #closed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#table = new ProcessTable({
      capacity: options.capacity,
      remember: factsOf,
      changed: (process, from) => options.changed(process, from),
    });
    this.blocks = new ControlBlocks(options.capacity);
    this.#program = new ProgramMail(options.onMessage, options.warn);
    this.router = new Router({
      services: this.services,
      find: (pid) => this.#table.findLive(pid),
      list: () => this.list(),
      parentOf: (pid) => this.#table.find(pid)?.parentPid ?? null,
      grantsOf: (pid) => this.grantsOf(pid),
      kill: (pid, message) => this.kill(pid, message),
      stop: (pid, message) => this.stop(pid, DEFAULT_SHUTDOWN_MS, message),
      childStopped: (pid) => options.childStopped(pid),
      tools: () => options.tools(),
      toKernel: (sending, from) =>
        this.#program.take(sending, from, (correlation, payload) =>
          this.router.replyOfProgram(from.pid, correlation, payload),
        ),
      repliedToKernel: (...reply) => this.#program.replied(...reply),
      unansweredToKernel: (correlation) => this.#program.end(correlation, 'closed'),
      undelivered: (to, mail, why) => options.undelivered(to, [mail], why),
    });
    this.quotas = new QuotaBook(this.blocks.accounts, options.quotas, options.ownerQuotas);
  }

  /**
   * Spawns an agent on a backend: the only way there is.
   *
   * @throws {RingfenceError} `RF_PROCESS_TABLE_FULL`, `RF_QUOTA_EXCEEDED`, `RF_CLOSED`
   */
  spawn(request: SpawnRequest, backend: Backend): Process {
    if (this.#closed) {
      throw new RingfenceError(
        'RF_CLOSED',
        `Cannot spawn '${request.agentId}' as the kernel is closed: open another.`,
      );
    }
    this.#checkParent(request);
    this.#checkServices(request);
    const process = this.#table.insert((pid) => {
      // What is wider than its parent's is refused before there is an agent.
      const block = this.blocks.take();
      const admitted = this.#admission(pid, request);
      let isAdmitted = false;
      try {
        this.quotas.admit(block, admitted);
        isAdmitted = true;
        const grants = this.grants.issue(pid, request.grants, parentOf(request));
        const made = new Process(pid, request, block, admitted);
        indexGrants(made, grants);
        return made;
      } catch (error) {
        // The next agent gets this pid, and nothing that was given to it.
        this.grants.exited(pid);
        if (isAdmitted) {
          this.quotas.release(block, admitted);
        }
        this.blocks.release(block);
        throw error;
      }
    });
    for (const name of request.provides) {
      this.services.register(name, process.pid);
    }
    try {
      // Before it runs: its end, however early, reaches its parent.
      if (request.linked && parentOf(request) !== null) {
        this.router.link(request.parentPid, process.pid);
      }
      this.#start(process, backend);
    } catch (error) {
      this.#exit(process, {
        code: -1,
        reason: 'internal',
        message: 'it could not be started',
        undelivered: [],
        lost: 0,
      });
      throw error;
    }
    return process;
  }

  #checkServices({ agentId, provides }: SpawnRequest): void {
    for (const name of provides) {
      const pid = this.services.provider(name);
      if (pid !== undefined) {
        throw new RingfenceError(
          'RF_SERVICE_TAKEN',
          `Cannot spawn '${agentId}' as pid ${pid} provides the service '${name}': end that, or choose another name.`,
          { name, pid },
        );
      }
    }
  }

  /** What an agent has from its spawn on, and who it counts for. */
  #admission(pid: Pid, request: SpawnRequest): Admitted {
    const { agentId, isolation, limits, roots } = request;
    const inherited = this.#table.findLive(request.parentPid)?.admitted.owner;
    const apart = isolation === 'process';
    return {
      agentId,
      owner: inherited ?? (request.owner === null ? `pid ${pid}` : `=${request.owner}`),
      // Nobody can be asked from within another process: what it may have is taken at once.
      memoryBytes: apart ? limits.memoryBytes || Number.POSITIVE_INFINITY : request.declaredBytes,
      descriptors: roots.size,
      // A function of the program has none of its own.
      stacks: apart || request.module === null ? 0 : 1,
    };
  }

  #start(process: Process, backend: Backend): void {
    const { request, block, pid } = process;
    if (block === null) {
      return;
    }
    process.running = backend.start(
      {
        pid,
        parentPid: process.parentPid,
        agentId: process.agentId,
        moduleDigest: request.module?.digest ?? null,
        block,
        grants: this.grants.of(pid).map((grant) => held(process, grant)),
        mounts: this.#mounts(process),
        isolation: request.isolation,
        limits: request.limits,
        arguments: request.arguments,
        environment: request.environment,
        terminal: request.terminal,
        spawnedAtMs: process.spawnedAtMs,
      },
      {
        running: () => {
          if (process.state === 'starting') {
            this.#table.transition(pid, 'running');
          }
        },
        exited: (end) => this.#exit(process, end),
        counted: () => this.#warnOfLimits(process),
        denied: (capability, operation, count) => {
          process.denials.set(`${capability} ${operation}`, { capability, operation, count });
        },
        log: (level, message) =>
          this.#options.onLog({ pid, agentId: process.agentId, level, message }),
        output: (stream, bytes) => process[stream].take(bytes),
        input: () => process.input.next(),
        send: (sending, signal) => this.router.send(pid, sending, signal),
        unanswered: (asker, correlation) =>
          this.#table.findLive(asker)?.running?.signal({ tag: 'unanswered', correlation }),
        ask: (question) => this.router.ask(process, question),
        callTool: (name, argumentsJson, signal) =>
          this.#options.callTool(name, argumentsJson, { pid, agentId: process.agentId, signal }),
        spawn: async (child) => {
          const outcome = await this.#options.spawnChild(process, child);
          if (outcome.tag === 'err' && outcome.error === 'denied') {
            process.deny('can_spawn', 'process.spawn: the child');
          }
          return outcome;
        },
        requestGrant: (grant, reason) => this.#options.elevate(pid, process.agentId, grant, reason),
      },
    );
  }

  #mounts(process: Process): { index: number; root: number | null }[] {
    return this.grants.of(process.pid).flatMap((grant) => {
      const index = process.grantIndexes.get(grant.id);
      if (grant.kind !== 'files' || index === undefined) {
        return [];
      }
      const root = process.request.roots.get(grant.scope.guest)?.fd ?? null;
      return [{ index, root }];
    });
  }

  /** Whether an agent may have this child: it, its limits, and how many it has. */
  #checkParent(request: SpawnRequest): void {
    if (request.parentPid !== KERNEL_PID) {
      checkSpawn(request, {
        parent: this.#table.findLive(request.parentPid) ?? null,
        grants: this.grantsOf(request.parentPid),
        children: this.list().filter(({ parentPid }) => parentPid === request.parentPid).length,
      });
    }
  }

  /**
   * Gives a running agent more.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`, `RF_CLOSED`, `RF_LIMIT_EXCEEDED`, `RF_USAGE`
   */
  grant(pid: Pid, specs: readonly GrantSpec[]): Grant[] {
    const process = this.#table.findLive(pid);
    if (process === undefined) {
      this.#table.get(pid);
      throw new RingfenceError('RF_CLOSED', `Cannot grant anything to pid ${pid}: it has ended.`, {
        pid,
      });
    }
    if (specs.some(({ kind }) => kind === 'files')) {
      throw new RingfenceError(
        'RF_USAGE',
        `Cannot mount a directory for pid ${pid} while it runs: mount it when you spawn the agent.`,
        { pid },
      );
    }
    const grants = this.grants.issue(pid, specs, null);
    indexGrants(process, grants);
    for (const grant of grants) {
      process.running?.granted(held(process, grant));
    }
    return grants;
  }

  /**
   * Takes a grant back, and all that was derived from it. Once this has returned no check sees it as
   * in force; the promise resolves when calls that waited under it were told, too.
   *
   * @throws {RingfenceError} `RF_USAGE` for a grant that was never given.
   */
  revoke(id: GrantId): Promise<Grant[]> {
    const revoked = this.grants.revoke(id);
    const told: Promise<void>[] = [];
    for (const owner of new Set(revoked.map((grant) => grant.owner))) {
      const process = this.#table.findLive(owner);
      for (const grant of revoked) {
        const index = process?.grantIndexes.get(grant.id);
        if (grant.owner === owner && index !== undefined) {
          process?.block?.revokeGrant(index);
        }
      }
      if (process?.running != null) {
        told.push(process.running.revoked());
      }
    }
    return Promise.all(told).then(() => revoked);
  }

  /** Sends a message of the program's. */
  async send(to: Pid, payload: Payload, waitMs: number | null): Promise<CallOutcome<number>> {
    const outcome = await this.router.send(KERNEL_PID, {
      to: { tag: 'process', pid: to },
      body: { tag: 'message' },
      payload,
      waitMs,
    });
    const why = outcome.tag === 'err' ? this.whyUndelivered(to, outcome.error) : null;
    if (why !== null) {
      const mail: Mail = { tag: 'message', sender: KERNEL_PID, payload };
      this.#options.undelivered(to, [mail], why);
    }
    return outcome;
  }

  /** Why nobody received what was sent to a pid; null: it is not the receiver that was missing. */
  whyUndelivered(to: Pid, error: string): DeadLetterReason | null {
    switch (error) {
      case 'mailbox-full':
        return 'mailbox_full';
      case 'closed':
      case 'not-found':
        return to > 0 && to <= this.spawned ? 'exited' : 'not_found';
      default:
        return null;
    }
  }

  /** Sends a request of the program's, and waits for the reply. */
  async request(
    to: Pid,
    payload: Payload,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<CallOutcome<never> | { tag: 'reply'; val: Payload | NoReply }> {
    const { correlation, reply } = this.#program.ask(to);
    const end = (why: NoReply) => (): void => this.#program.end(correlation, why);
    const cancel = end('cancelled');
    const timer = setTimeout(end('timeout'), timeoutMs);
    signal?.addEventListener('abort', cancel, { once: true });
    const given = new AbortController();
    try {
      const sending = {
        to: { tag: 'process', pid: to },
        body: { tag: 'request', correlation },
        payload,
        waitMs: null,
      } as const;
      const sent = this.router.send(KERNEL_PID, sending, given.signal);
      if (signal?.aborted) {
        cancel();
      }
      // Its time is that of the delivery too: a thread that hangs, or never starts, takes nothing.
      const outcome = await Promise.race([sent, reply.then(() => null)]);
      if (outcome?.tag === 'err') {
        this.#program.end(correlation, 'closed');
        return outcome;
      }
      return { tag: 'reply', val: await reply };
    } finally {
      given.abort();
      this.router.gaveUp(correlation);
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** What a live agent holds that is in force. */
  grantsOf(pid: Pid): Grant[] {
    return this.grants.of(pid).filter(({ id }) => this.grants.isInForce(id));
  }

  /** An agent that has not exited. */
  find(pid: Pid): Process | undefined {
    return this.#table.findLive(pid);
  }

  /** All agents that have not exited. */
  list(): Process[] {
    return this.#table.list();
  }

  /** Who has exited lately, in the order of their exits. */
  history(): ProcessFacts[] {
    return this.#table.history();
  }

  /** What is known of an agent, exited or not. @throws {RingfenceError} `RF_PROCESS_NOT_FOUND` */
  facts(pid: Pid): ProcessFacts {
    const row = this.#table.get(pid);
    return row instanceof Process ? factsOf(row) : row;
  }

  /** Agents that were ever spawned. */
  get spawned(): number {
    return this.#table.added;
  }

  /** Ends an agent by force; nothing happens to one that has exited. */
  kill(pid: Pid, message = 'it was killed'): void {
    const process = this.#table.findLive(pid);
    if (process === undefined) {
      // Says so where nobody ever had this pid.
      this.#table.get(pid);
      return;
    }
    if (process.block?.request(COMMAND.kill)) {
      process.killMessage = message;
      process.running?.command(message);
    }
  }

  /**
   * Asks an agent to end: who may receive messages, or hears it anyway, gets `cancelled`. It is ended by force when the time
   * has passed, and at once where it could not hear. Nothing happens to one that has exited.
   */
  stop(pid: Pid, shutdownMs: number, message: string): void {
    const process = this.#table.findLive(pid);
    const canHear =
      process?.running?.alwaysHears === true ||
      this.grantsOf(pid).some(({ kind }) => kind === 'ipc');
    if (process?.running == null || !canHear || shutdownMs === 0) {
      this.kill(pid, message);
      return;
    }
    const now = (): number => performance.now();
    const atMs = now() + shutdownMs;
    if (process.stopsAtMs <= atMs) {
      // It was told, and has no more time than that.
      return;
    }
    const { state } = process;
    if (state === 'running' || state === 'suspended') {
      this.#table.transition(pid, 'stopping');
    }
    if (state === 'suspended') {
      // To hear it, it has to run.
      this.#letRun(process);
    }
    if (process.stopsAtMs === Number.POSITIVE_INFINITY) {
      process.running.signal({ tag: 'cancelled', message });
    }
    process.stopsAtMs = atMs;
    const alarm = new Alarm({
      atMs,
      now,
      ring: () => this.kill(pid, `${message}, and it did not end within ${shutdownMs} ms`),
    });
    void process.exited.then(() => alarm.clear());
  }

  /**
   * Reaps agents whose thread or process does not answer within a time: all that it runs ends with it.
   * Resolves with their pids; their reports say so when they have ended.
   */
  async sweep(withinMs: number): Promise<Pid[]> {
    const silent = await silentOf(this.list(), withinMs);
    const message = `what ran it did not answer within ${withinMs} ms`;
    // Of all of them it is known before the first takes the others with it.
    const reaped = silent.filter((process) => process.block?.request(COMMAND.reap));
    for (const process of reaped) {
      process.killMessage = message;
    }
    for (const process of silent) {
      process.running?.reap();
    }
    return reaped.map(({ pid }) => pid);
  }

  /**
   * Has an agent stop where it is, until it is resumed; nothing happens to one that is suspended.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`; `RF_INVALID_STATE_TRANSITION` for one that is neither
   * running nor suspended
   */
  suspend(pid: Pid): void {
    const process = this.#table.findLive(pid);
    if (process?.state === 'suspended') {
      return;
    }
    this.#table.transition(pid, 'suspended');
    process?.block?.suspend();
    process?.running?.suspended();
  }

  /**
   * Lets a suspended agent go on; nothing happens to one that is running.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND`; `RF_INVALID_STATE_TRANSITION` for one that is neither
   */
  resume(pid: Pid): void {
    const process = this.#table.findLive(pid);
    const state = process?.state ?? this.#table.get(pid).state;
    if (state === 'running') {
      return;
    }
    if (state === 'starting') {
      throw new RingfenceError(
        'RF_INVALID_STATE_TRANSITION',
        `Cannot resume pid ${pid} as it is starting: it will be running by itself; only one that is suspended can be resumed.`,
        { pid, from: state, to: 'running' },
      );
    }
    this.#table.transition(pid, 'running');
    if (process !== undefined) {
      this.#letRun(process);
    }
  }

  #letRun(process: Process): void {
    process.block?.resume();
    process.running?.resumed();
  }

  /** Ends all agents and takes no more. Resolves with their reports. */
  async close(): Promise<Report[]> {
    this.#closed = true;
    const processes = this.list();
    for (const { pid } of processes) {
      this.kill(pid, 'the kernel was closed');
    }
    return Promise.all(processes.map(({ exited }) => exited));
  }

  /** Tells what was not told yet of what it has used. */
  #warnOfLimits(process: Process): void {
    const { block, marks, request, pid, agentId, parentPid } = process;
    if (block === null) {
      return;
    }
    const counters = block.read();
    for (const kind of RESOURCE_KINDS) {
      const used = usedOf(counters, kind);
      if (marks.passes(kind, used)) {
        const limit = limitOf(request.limits, kind);
        const signal = { tag: 'warning', pid, kind, used, limit } as const;
        process.running?.signal(signal);
        this.#table.findLive(parentPid)?.running?.signal(signal);
        this.#options.nearLimit({ pid, agentId, parentPid, kind, used, limit });
      }
    }
  }

  #exit(process: Process, end: BackendEnd): void {
    if (process.state === 'exited' || process.block === null) {
      return;
    }
    const isReaped = end.reason === 'killed' && process.block.command === COMMAND.reap;
    const exit: Exit = {
      code: isReaped ? exitCode('reaped') : (end.code ?? exitCode(end.reason)),
      reason: isReaped ? 'reaped' : end.reason,
      message: end.reason === 'killed' ? (process.killMessage ?? end.message) : end.message,
    };
    // What it has passed on its last way.
    this.#warnOfLimits(process);
    process.exit = exit;
    process.exitedAtMs = performance.timeOrigin + performance.now();
    process.finalUsage = process.usage;
    process.finalSlices = process.block.slices;
    this.#table.transition(process.pid, 'exited');
    this.grants.exited(process.pid);
    this.#options.exited(process.pid);
    for (const root of process.request.roots.values()) {
      root.close();
    }
    this.quotas.release(process.block, process.admitted);
    this.blocks.release(process.block);
    process.block = null;
    process.running = null;
    process.input.close();
    const { request, pid, agentId } = process;
    if (end.undelivered.length > 0) {
      this.#options.undelivered(pid, end.undelivered, 'exited');
    }
    if (end.lost > 0) {
      this.#options.lost(end.lost);
    }
    const report: Report = {
      pid,
      agent_id: agentId,
      restarted_from: process.restartedFrom,
      restarts: request.lineage.restarts,
      module: { path: request.module?.path ?? null, sha256: request.module?.digest ?? null },
      deterministic: request.deterministic,
      exit,
      usage: process.finalUsage,
      limits: reportLimits(request.limits),
      denied: [...process.denials.values()],
    };
    this.router.exited(pid, endingOf(exit, request.module === null));
    void Promise.all([process.stdout.flushed(), process.stderr.flushed()]).then(() =>
      process.resolveExited(report),
    );
  }
}
