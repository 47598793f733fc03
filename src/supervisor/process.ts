/** What the supervisor knows of one agent, from its spawn to its report and after. */

import type { BackendAgent, BackendStart, Features, Isolation } from '../backend/backend.ts';
import type { GrantId, GrantSpec } from '../capability/grant.ts';
import { Exchanges } from '../http/open-exchange.ts';
import type { Diagnosis, Findings, HostCall } from '../process/diagnosis.ts';
import type { Pid, ProcessState } from '../process/state.ts';
import type { Keeping } from '../recording/kept.ts';
import type { ControlBlock } from '../resource/control-blocks.ts';
import { isNearLimit, LimitMarks } from '../resource/limit-marks.ts';
import type { Limits } from '../resource/limits.ts';
import type { Admitted } from '../resource/quotas.ts';
import { FUEL_TABLE_VERSION, NOTHING_USED, type Usage } from '../resource/usage.ts';
import { Input, type InputGiven } from './input.ts';
import { Output, type OutputWriter } from './output.ts';
import type { Denial, Exit, Report } from './report.ts';
import type { Lineage } from './specification.ts';
import { ToolUses } from './tool-uses.ts';

/** An open directory of the host. */
export interface OpenRoot {
  readonly fd: number;
  /** Gives it back. Calling it again does nothing. */
  close(): void;
}

/** Hears a host call, and says when it has taken it. */
export type HostCallListener = (call: HostCall) => void | Promise<void>;

/** A spawn whose parts have been parsed. */
export interface SpawnRequest {
  readonly agentId: string;
  readonly parentPid: Pid;
  /** Who was there before, where a supervisor has started it again. */
  readonly lineage: Lineage;
  /** Null: it is a function of the program. */
  readonly module: {
    readonly path: string | null;
    readonly digest: string;
    /** In the catalogue; null: it has none. */
    readonly name: string | null;
  } | null;
  readonly grants: readonly GrantSpec[];
  /** The open directories of mounts, by where the guest finds them; closed at the exit. */
  readonly roots: ReadonlyMap<string, OpenRoot>;
  readonly isolation: Isolation;
  /** Features that it may use, and its children with it. */
  readonly features: Features;
  /** Whether its module computes the same on every machine. */
  readonly deterministic: boolean;
  /** Whose quota it counts towards; null: its parent's owner's, or its own. */
  readonly owner: string | null;
  /** Bytes of the memories and tables that the module declares. */
  readonly declaredBytes: number;
  readonly limits: Limits;
  readonly arguments: readonly string[];
  readonly environment: readonly (readonly [string, string])[];
  /** What it reads as `wasi:config`. */
  readonly config: readonly (readonly [string, string])[];
  readonly terminal: BackendStart['terminal'];
  /** What is found out of it; null: nothing. */
  readonly diagnosis: Diagnosis | null;
  /** Hears each of its host calls, where its diagnosis says so. */
  readonly onHostCall: HostCallListener | null;
  /** Services that it provides. */
  readonly provides: readonly string[];
  /** Whether it is linked to its parent from the start. */
  readonly linked: boolean;
  /** What becomes of its host calls beside their work; null: nothing. */
  readonly keeping: Keeping | null;
  readonly input: InputGiven | undefined;
  readonly stdout: OutputWriter | undefined;
  readonly stderr: OutputWriter | undefined;
}

/** One agent, from its spawn to its report and after. */
export class Process {
  readonly pid: Pid;
  readonly agentId: string;
  readonly parentPid: Pid;
  readonly restartedFrom: Pid | null;
  readonly state: ProcessState = 'starting';
  readonly request: SpawnRequest;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly input: Input;
  readonly exited: Promise<Report>;
  readonly resolveExited: (report: Report) => void;
  /** What it was not warned of yet. */
  readonly marks: LimitMarks;
  readonly denials = new Map<string, Denial>();
  /** What it has called. */
  readonly tools = new ToolUses();
  /** Which bit of its control block says that a grant was revoked; in the order of granting. */
  readonly grantIndexes = new Map<GrantId, number>();
  readonly spawnedAtMs = performance.timeOrigin + performance.now();
  block: ControlBlock | null;
  running: BackendAgent | null = null;
  /** Its span, as servers are told of it that may know; null: it is not traced. */
  traceparent: string | null = null;
  killMessage: string | null = null;
  /** When it is ended by force, where it was asked to end; of the clock of `performance.now()`. */
  stopsAtMs = Number.POSITIVE_INFINITY;
  exit: Exit | null = null;
  /** What was found out of it; null: nothing, or not yet. */
  findings: Findings | null = null;
  exitedAtMs: number | null = null;
  finalUsage: Usage | null = null;
  finalSlices = 0;

  /** The HTTP requests that it handles. */
  readonly exchanges = new Exchanges((say) => this.running?.exchange?.(say));

  /** What it was admitted with. */
  readonly admitted: Admitted;

  constructor(pid: Pid, request: SpawnRequest, block: ControlBlock, admitted: Admitted) {
    this.admitted = admitted;
    this.pid = pid;
    this.agentId = request.agentId;
    this.parentPid = request.parentPid;
    this.restartedFrom = request.lineage.restartedFrom;
    this.request = request;
    this.marks = new LimitMarks(request.limits);
    this.block = block;
    this.stdout = new Output(request.stdout);
    this.stderr = new Output(request.stderr);
    this.input = new Input(request.input);
    const { promise, resolve } = Promise.withResolvers<Report>();
    this.exited = promise;
    this.resolveExited = resolve;
  }

  /** Whether it has used so much of one of its limits that what it is asked next may end it. */
  get isNearLimit(): boolean {
    return this.block !== null && isNearLimit(this.request.limits, this.block.read());
  }

  /** Used so far, or in all. */
  get usage(): Usage {
    if (this.finalUsage !== null || this.block === null) {
      return this.finalUsage ?? NOTHING_USED;
    }
    const counters = this.block.read();
    return {
      fuel: counters.fuel,
      fuel_table: FUEL_TABLE_VERSION,
      memory_bytes: counters.memoryBytes,
      cpu_time_ms: Math.round(counters.cpuTimeMicroseconds / 10) / 100,
      wall_time_ms: Math.round(performance.timeOrigin + performance.now() - this.spawnedAtMs),
      messages_sent: counters.messagesSent,
      tool_calls: counters.toolCalls,
      network_requests: counters.networkRequests,
      network_bytes_out: counters.networkBytesOut,
      network_bytes_in: counters.networkBytesIn,
      disk_bytes: counters.diskBytes,
      slices: counters.slices,
      longest_wait_ms: Math.round(counters.longestWaitMicroseconds / 10) / 100,
    };
  }

  /** Counts a denial that the kernel's side has made. */
  deny(capability: string, operation: string): void {
    const key = `${capability} ${operation}`;
    const count = (this.denials.get(key)?.count ?? 0) + 1;
    this.denials.set(key, { capability, operation, count });
  }

  /** Whose quota it counts towards, where somebody was named. */
  get owner(): string | null {
    const { owner } = this.admitted;
    return owner.startsWith('=') ? owner.slice(1) : null;
  }

  get slices(): number {
    return this.block?.slices ?? this.finalSlices;
  }
}
