/** The report of a run: what an agent was, how it ended, what it used, and what it was denied. */

import type { ExitReason } from '../process/exit.ts';
import type { Limits } from '../resource/limits.ts';
import { NOTHING_USED, type Usage } from '../resource/usage.ts';
import type { ToolUse } from './tool-uses.ts';

export type { ExitReason } from '../process/exit.ts';

/** The end of an agent. */
export interface Exit {
  /** 0, the agent's own code, -1 ended by force, -2 reaped, -3 trapped; null where it never ran. */
  readonly code: number | null;
  readonly reason: ExitReason;
  /** One sentence; null where there is nothing to say. */
  readonly message: string | null;
}

/** A kind of call that was denied, and how often. */
export interface Denial {
  readonly capability: string;
  readonly operation: string;
  readonly count: number;
}

/** The limits that were in force, under the names of the report. 0 is unlimited. */
export interface ReportedLimits {
  readonly fuel: number;
  readonly memory_bytes: number;
  readonly host_bytes: number;
  readonly cpu_time_ms: number;
  readonly wall_time_ms: number;
  readonly messages: number;
  readonly tool_calls: number;
  readonly disk_bytes: number;
}

/** The report, as it is written as JSON. */
export interface Report {
  readonly pid: number | null;
  readonly agent_id: string;
  /** The agent that it was started again for; null: it was the first of its specification. */
  readonly restarted_from: number | null;
  /** How often its specification had been started again, this time included. */
  readonly restarts: number;
  readonly module: { readonly path: string | null; readonly sha256: string | null };
  /**
   * False: its module has instructions whose results differ between machines (relaxed SIMD). True: none
   * but the bits of NaNs do. False for a function of the program, true where nothing has run.
   */
  readonly deterministic: boolean;
  readonly exit: Exit;
  readonly usage: Usage;
  readonly limits: ReportedLimits;
  readonly denied: readonly Denial[];
  /** What it has called of the host's tools, by name. */
  readonly tools: readonly ToolUse[];
}

export function reportLimits(limits: Limits): ReportedLimits {
  return {
    fuel: limits.fuel,
    memory_bytes: limits.memoryBytes,
    host_bytes: limits.hostBytes,
    cpu_time_ms: limits.cpuTimeMs,
    wall_time_ms: limits.wallTimeMs,
    messages: limits.messages,
    tool_calls: limits.toolCalls,
    disk_bytes: limits.diskBytes,
  };
}

/** The code that goes with a reason that has no code of its own. */
export function exitCode(reason: ExitReason): number | null {
  switch (reason) {
    case 'normal':
      return 0;
    case 'error':
      return 1;
    case 'trap':
      return -3;
    case 'reaped':
      return -2;
    case 'refused':
      return null;
    case 'fuel':
    case 'cpu_time':
    case 'timeout':
    case 'killed':
    case 'worker_lost':
    case 'internal':
      return -1;
  }
}

/** The report of a module that could not be run. */
export function refusalReport(
  agentId: string,
  module: Report['module'],
  limits: Limits,
  message: string,
): Report {
  return {
    pid: null,
    agent_id: agentId,
    restarted_from: null,
    restarts: 0,
    module,
    deterministic: true,
    exit: { code: null, reason: 'refused', message },
    usage: NOTHING_USED,
    limits: reportLimits(limits),
    denied: [],
    tools: [],
  };
}
