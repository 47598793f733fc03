/** What the supervisor asks the rest of the kernel for, and what it tells it. */

import type { CallOutcome, ChildRequest } from '../backend/backend.ts';
import type { ElevationOutcome } from '../capability/elevation.ts';
import type { Grant } from '../capability/grant.ts';
import type { WordedGrant } from '../capability/words.ts';
import type { DeadLetterReason } from '../ipc/dead-letters.ts';
import type { Mail } from '../ipc/message.ts';
import type { ToolListing } from '../ipc/question.ts';
import type { Pid, ProcessState } from '../process/state.ts';
import type { ResourceKind } from '../resource/limit-marks.ts';
import type { QuotasInput } from '../resource/quotas.ts';
import type { Process } from './process.ts';
import type { OnMessage } from './program-mail.ts';

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
  /** HTTP requests of all agents that may be under way. @default 0: unlimited */
  readonly requestsMax?: number;
  onLog(line: LogLine): void;
  /** Throws while what happens can't be recorded: nobody is spawned then. */
  requireRecording(): void;
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
  /** The tools that an agent may call. */
  tools(pid: Pid): readonly ToolListing[];
  /** Grants are no longer in force. Must not throw. */
  revoked(grants: readonly Grant[]): void;
  /** Takes what agents send to the program; null: nothing does. */
  readonly onMessage: OnMessage | null;
  /** Mail that reached nobody: the program's, and what an agent was told otherwise of, or nothing. */
  undelivered(to: Pid, mail: readonly Mail[], why: DeadLetterReason): void;
  /** So many messages are gone with what kept them. */
  lost(messages: number): void;
  warn(text: string): void;
}
