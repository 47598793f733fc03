/**
 * The supervisor: the one way an agent is spawned, watched and ended.
 *
 * It checks the request, inserts the row, takes a control block, asks the backend to start, and at the
 * exit makes usage final, releases what the agent held, and hands out the report, in this order.
 */

import type { Backend, BackendEnd } from '../backend/backend.ts';
import { RingfenceError } from '../errors.ts';
import { Services } from '../ipc/services.ts';
import { KERNEL_PID, type Pid } from '../process/state.ts';
import { ProcessTable } from '../process/table.ts';
import { COMMAND, ControlBlocks } from '../resource/control-blocks.ts';
import { type Admitted, QuotaBook } from '../resource/quotas.ts';
import { Commands } from './commands.ts';
import { endingOf, exitOf, reportOf } from './ending.ts';
import { factsOf, type ProcessFacts } from './facts.ts';
import { AgentGrants } from './grants.ts';
import { hearCalls } from './host-calls.ts';
import { warnOfLimits } from './limit-warnings.ts';
import type { SupervisorOptions } from './options.ts';
import { checkSpawn } from './parent.ts';
import { Process, type SpawnRequest } from './process.ts';
import { ProgramMail } from './program-mail.ts';
import type { Report } from './report.ts';
import { Router } from './router.ts';
import { DEFAULT_SHUTDOWN_MS } from './specification.ts';

/** Whom an agent counts for: one that was named, or itself. No name of the one kind is of the other. */
const ownerName = (pid: Pid, owner: string | null): string =>
  owner === null ? `pid ${pid}` : `=${owner}`;

const parentOf = ({ parentPid }: SpawnRequest): Pid | null =>
  parentPid === KERNEL_PID ? null : parentPid;

/** All agents of a kernel, from their spawn to their report. */
export class Supervisor {
  readonly blocks: ControlBlocks;
  readonly grants: AgentGrants;
  readonly services = new Services();
  readonly router: Router;
  readonly commands: Commands;
  /** The program's own. */
  readonly mail: ProgramMail;
  readonly #options: SupervisorOptions;
  readonly quotas: QuotaBook;
  readonly #table: ProcessTable<Process, ProcessFacts>;
  /** How many children agents have that have not exited; who has none is not in it. */
  readonly #children = new Map<Pid, number>();
  #closed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#table = new ProcessTable({
      capacity: options.capacity,
      remember: factsOf,
      changed: (process, from) => options.changed(process, from),
    });
    this.blocks = new ControlBlocks(options.capacity);
    this.grants = new AgentGrants(this.#table, (revoked) => options.revoked(revoked));
    this.commands = new Commands(this.#table, this.grants);
    this.mail = new ProgramMail({
      onMessage: options.onMessage,
      route: (sending, signal) => this.router.send(KERNEL_PID, sending, signal),
      gaveUp: (correlation) => this.router.gaveUp(KERNEL_PID, correlation),
      undelivered: (to, mail, why) => options.undelivered(to, [mail], why),
      spawned: () => this.spawned,
      warn: options.warn,
    });
    this.router = new Router({
      services: this.services,
      find: (pid) => this.#table.findLive(pid),
      list: () => this.list(),
      parentOf: (pid) => this.#table.find(pid)?.parentPid ?? null,
      grantsOf: (pid) => this.grants.of(pid),
      kill: (pid, message) => this.commands.kill(pid, message),
      stop: (pid, message) => this.commands.stop(pid, DEFAULT_SHUTDOWN_MS, message),
      childStopped: (pid) => options.childStopped(pid),
      tools: (pid) => options.tools(pid),
      toKernel: (sending, from) =>
        this.mail.take(sending, from, (correlation, payload) =>
          this.router.replyOfProgram(from.pid, correlation, payload),
        ),
      repliedToKernel: (...reply) => this.mail.replied(...reply),
      unansweredToKernel: (correlation) => this.mail.end(correlation, 'closed'),
      undelivered: (to, mail, why) => options.undelivered(to, [mail], why),
    });
    const { quotas, ownerQuotas, requestsMax } = options;
    this.quotas = new QuotaBook(this.blocks.accounts, quotas, ownerQuotas, requestsMax);
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
    this.#options.requireRecording();
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
        this.grants.index(made, grants);
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
    this.#countChild(process.parentPid, 1);
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

  /** Of children that agents have: the program may have any number. */
  #countChild(parent: Pid, more: 1 | -1): void {
    if (parent === KERNEL_PID) {
      return;
    }
    const children = (this.#children.get(parent) ?? 0) + more;
    if (children === 0) {
      this.#children.delete(parent);
    } else {
      this.#children.set(parent, children);
    }
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
      owner: inherited ?? ownerName(pid, request.owner),
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
        ...this.grants.ofStart(process),
        isolation: request.isolation,
        limits: request.limits,
        arguments: request.arguments,
        environment: request.environment,
        config: request.config,
        terminal: request.terminal,
        spawnedAtMs: process.spawnedAtMs,
        traceparent: process.traceparent,
        diagnosis: request.diagnosis,
        keep: request.keeping?.start ?? null,
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
        hostCalls: (calls) => hearCalls(request.onHostCall, calls),
        recorded: (bytes) => request.keeping?.took(bytes),
        kept: (end) => request.keeping?.ended(end),
        exchange: (say) => process.exchanges.take(say),
        output: (stream, bytes) => process[stream].take(bytes),
        input: () => process.input.next(),
        send: (sending, signal) => this.router.send(pid, sending, signal),
        unanswered: (asker, correlation) => this.router.unanswered(process, asker, correlation),
        gaveUp: (correlation) => this.router.gaveUp(pid, correlation),
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

  /** Whether an agent may have this child: it, its limits, and how many it has. */
  #checkParent(request: SpawnRequest): void {
    if (request.parentPid !== KERNEL_PID) {
      const parent = this.#table.findLive(request.parentPid);
      checkSpawn(request, {
        // One that is to end at once has no children more, whatever it had asked for before.
        parent: parent?.block?.command === COMMAND.none ? parent : null,
        grants: this.grants.of(request.parentPid),
        children: this.#children.get(request.parentPid) ?? 0,
      });
    }
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

  /** Whom what an agent leaves behind counts for, exited or not: the same for all that it has spawned. */
  ownerOf(pid: Pid): string {
    const row = this.#table.find(pid);
    if (row instanceof Process) {
      return row.admitted.owner;
    }
    if (row === undefined || row.owner !== null || row.parentPid === KERNEL_PID) {
      return ownerName(pid, row?.owner ?? null);
    }
    return this.ownerOf(row.parentPid);
  }

  /** Agents that were ever spawned. */
  get spawned(): number {
    return this.#table.added;
  }

  /** Ends all agents and takes no more. Resolves with their reports. */
  async close(): Promise<Report[]> {
    this.#closed = true;
    const processes = this.list();
    for (const { pid } of processes) {
      this.commands.kill(pid, 'the kernel was closed');
    }
    return Promise.all(processes.map(({ exited }) => exited));
  }

  /** Tells what was not told yet of what it has used. */
  #warnOfLimits(process: Process): void {
    const parent = this.#table.findLive(process.parentPid);
    warnOfLimits(process, parent, (warning) => this.#options.nearLimit(warning));
  }

  #exit(process: Process, end: BackendEnd): void {
    if (process.state === 'exited' || process.block === null) {
      return;
    }
    const exit = exitOf(process, end);
    // What it has passed on its last way.
    this.#warnOfLimits(process);
    process.exit = exit;
    process.findings = end.findings ?? null;
    process.exitedAtMs = performance.timeOrigin + performance.now();
    process.finalUsage = process.usage;
    process.finalSlices = process.block.slices;
    this.#table.transition(process.pid, 'exited');
    this.#countChild(process.parentPid, -1);
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
    process.exchanges.closed(exit.reason);
    const { request, pid } = process;
    if (end.undelivered.length > 0) {
      this.#options.undelivered(pid, end.undelivered, 'exited');
    }
    if (end.lost > 0) {
      this.#options.lost(end.lost);
    }
    const report = reportOf(process, exit);
    this.router.exited(pid, endingOf(exit, request.module === null));
    void Promise.all([process.stdout.flushed(), process.stderr.flushed()]).then(() =>
      process.resolveExited(report),
    );
  }
}
