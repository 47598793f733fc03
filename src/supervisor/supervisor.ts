/**
 * The supervisor: the one way an agent is spawned, watched and ended.
 *
 * It checks the request, inserts the row, takes a control block, asks the backend to start, and at the
 * exit makes usage final, releases what the agent held, and hands out the report, in this order.
 */

import type { Backend, BackendAgent, BackendEnd, CallOutcome } from '../backend/backend.ts';
import type { Grants } from '../capability/grants.ts';
import { RingfenceError } from '../errors.ts';
import type { Payload } from '../ipc/message.ts';
import { KERNEL_PID, type Pid, type ProcessState } from '../process/state.ts';
import { ProcessTable } from '../process/table.ts';
import { COMMAND, type ControlBlock, ControlBlocks } from '../resource/control-blocks.ts';
import type { Limits } from '../resource/limits.ts';
import { NOTHING_USED, type Usage } from '../resource/usage.ts';
import { Input, type InputGiven } from './input.ts';
import { Output, type OutputWriter } from './output.ts';
import { type Denial, exitCode, type Report, reportLimits } from './report.ts';

/** A spawn whose parts have been parsed. */
export interface SpawnRequest {
  readonly agentId: string;
  readonly parentPid: Pid;
  readonly module: { readonly path: string | null; readonly digest: string };
  readonly grants: Grants;
  readonly limits: Limits;
  readonly arguments: readonly string[];
  readonly environment: readonly (readonly [string, string])[];
  readonly terminal: {
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
  };
  readonly input: InputGiven | undefined;
  readonly stdout: OutputWriter | undefined;
  readonly stderr: OutputWriter | undefined;
}

/** A line that an agent logged. */
export interface LogLine {
  readonly pid: Pid;
  readonly agentId: string;
  readonly level: string;
  readonly message: string;
}

export interface SupervisorOptions {
  readonly capacity: number;
  onLog(line: LogLine): void;
  callTool(
    name: string,
    argumentsJson: string,
    call: { pid: Pid; agentId: string; signal: AbortSignal },
  ): Promise<CallOutcome<string>>;
}

/** One agent, from its spawn to its report and after. */
export class Process {
  readonly pid: Pid;
  readonly agentId: string;
  readonly parentPid: Pid;
  readonly state: ProcessState = 'starting';
  readonly request: SpawnRequest;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly input: Input;
  readonly exited: Promise<Report>;
  readonly resolveExited: (report: Report) => void;
  readonly denials = new Map<string, Denial>();
  readonly spawnedAtMs = performance.timeOrigin + performance.now();
  block: ControlBlock | null;
  running: BackendAgent | null = null;
  killMessage: string | null = null;
  finalUsage: Usage | null = null;
  finalSlices = 0;

  constructor(pid: Pid, request: SpawnRequest, block: ControlBlock) {
    this.pid = pid;
    this.agentId = request.agentId;
    this.parentPid = request.parentPid;
    this.request = request;
    this.block = block;
    this.stdout = new Output(request.stdout);
    this.stderr = new Output(request.stderr);
    this.input = new Input(request.input);
    const { promise, resolve } = Promise.withResolvers<Report>();
    this.exited = promise;
    this.resolveExited = resolve;
  }

  /** Used so far, or in all. */
  get usage(): Usage {
    if (this.finalUsage !== null || this.block === null) {
      return this.finalUsage ?? NOTHING_USED;
    }
    const counters = this.block.read();
    return {
      fuel: counters.fuel,
      memory_bytes: counters.memoryBytes,
      cpu_time_ms: Math.round(counters.cpuTimeMicroseconds / 10) / 100,
      wall_time_ms: Math.round(performance.timeOrigin + performance.now() - this.spawnedAtMs),
      messages_sent: counters.messagesSent,
      tool_calls: counters.toolCalls,
      disk_bytes: counters.diskBytes,
    };
  }

  get slices(): number {
    return this.block?.slices ?? this.finalSlices;
  }
}

const refused = (error: string, message: string): CallOutcome<null> => ({
  tag: 'err',
  error,
  message,
});

export class Supervisor {
  readonly blocks: ControlBlocks;
  readonly #options: SupervisorOptions;
  readonly #table: ProcessTable<Process>;
  #closed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#table = new ProcessTable(options.capacity);
    this.blocks = new ControlBlocks(options.capacity);
  }

  /**
   * Spawns an agent on a backend: the only way there is.
   *
   * @throws {RingfenceError} `RF_PROCESS_TABLE_FULL`, `RF_CLOSED`
   */
  spawn(request: SpawnRequest, backend: Backend): Process {
    if (this.#closed) {
      throw new RingfenceError(
        'RF_CLOSED',
        `Cannot spawn '${request.agentId}' as the kernel is closed: open another.`,
      );
    }
    const process = this.#table.insert((pid) => new Process(pid, request, this.blocks.take()));
    try {
      this.#start(process, backend);
    } catch (error) {
      this.#exit(process, {
        code: -1,
        reason: 'internal',
        message: 'it could not be started',
        undelivered: 0,
      });
      throw error;
    }
    return process;
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
        moduleDigest: request.module.digest,
        block,
        grants: request.grants,
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
        denied: (capability, operation, count) => {
          process.denials.set(`${capability} ${operation}`, { capability, operation, count });
        },
        log: (level, message) =>
          this.#options.onLog({ pid, agentId: process.agentId, level, message }),
        output: (stream, bytes) => process[stream].take(bytes),
        input: () => process.input.next(),
        send: (to, payload, waitMs, signal) => this.deliver(pid, to, payload, waitMs, signal),
        callTool: (name, argumentsJson, signal) =>
          this.#options.callTool(name, argumentsJson, { pid, agentId: process.agentId, signal }),
      },
    );
  }

  /** Hands a message to an agent; `from` is who it is, given by the host. */
  async deliver(
    from: Pid,
    to: Pid,
    payload: Payload,
    waitMs: number | null,
    signal?: AbortSignal,
  ): Promise<CallOutcome<null>> {
    const receiver = this.#table.findLive(to);
    if (receiver?.running == null) {
      return this.#wasSpawned(to)
        ? refused('closed', `pid ${to} has ended: nothing can be sent to it`)
        : refused('not-found', `there is no agent with pid ${to}: send to one that was spawned`);
    }
    return receiver.running.deliver({ tag: 'message', sender: from, payload }, waitMs, signal);
  }

  #wasSpawned(pid: Pid): boolean {
    try {
      return this.#table.get(pid).pid !== KERNEL_PID;
    } catch {
      return false;
    }
  }

  /** All agents that have not exited. */
  list(): Process[] {
    return this.#table.list();
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

  /** Ends all agents and takes no more. Resolves with their reports. */
  async close(): Promise<Report[]> {
    this.#closed = true;
    const processes = this.list();
    for (const { pid } of processes) {
      this.kill(pid, 'the kernel was closed');
    }
    return Promise.all(processes.map(({ exited }) => exited));
  }

  #exit(process: Process, end: BackendEnd): void {
    if (process.state === 'exited' || process.block === null) {
      return;
    }
    process.finalUsage = process.usage;
    process.finalSlices = process.block.slices;
    this.#table.transition(process.pid, 'exited');
    this.blocks.release(process.block);
    process.block = null;
    process.running = null;
    process.input.close();
    const { request, pid, agentId } = process;
    const report: Report = {
      pid,
      agent_id: agentId,
      module: { path: request.module.path, sha256: request.module.digest },
      exit: {
        code: end.code ?? exitCode(end.reason),
        reason: end.reason,
        message: end.reason === 'killed' ? (process.killMessage ?? end.message) : end.message,
      },
      usage: process.finalUsage,
      limits: reportLimits(request.limits),
      denied: [...process.denials.values()],
    };
    void Promise.all([process.stdout.flushed(), process.stderr.flushed()]).then(() =>
      process.resolveExited(report),
    );
  }
}
