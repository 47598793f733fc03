/** What the kernel's thread and a worker say to each other over their port. Both sides are trusted. */

import type { MessagePort } from 'node:worker_threads';
import type { HeldGrant } from '../../capability/held.ts';
import type { WordedGrant } from '../../capability/words.ts';
import type { FromExchange, ToExchange } from '../../http/exchange.ts';
import type { Address, Body, Mail, Payload, Signal } from '../../ipc/message.ts';
import type { Answer, Question } from '../../ipc/question.ts';
import type { FromNetwork, ToNetwork } from '../../network/exchange.ts';
import type { NetworkSettings } from '../../network/settings.ts';
import type { Diagnosis, Findings, HostCall } from '../../process/diagnosis.ts';
import type { RunEndReason } from '../../process/exit.ts';
import type { KeepEnd, KeepStart } from '../../recording/kept.ts';
import type { Limits } from '../../resource/limits.ts';
import type { LinkPlan } from '../component/plan.ts';
import type { HostAgent, Outcome } from '../host/agent.ts';
import type { SpawnRequest } from '../host/generated/ringfence-agent-process.ts';
import type { BusyPlace } from './busy-threads.ts';
import type { TimeMoment } from './virtual-time.ts';

/** What a worker is given when its task begins. */
export interface WorkerStart {
  readonly port: MessagePort;
  /** The control blocks of all agents. */
  readonly blocks: SharedArrayBuffer;
  /** Fuel between two scheduling points. */
  readonly sliceFuel: number;
  readonly network: NetworkSettings;
  /** Where the virtual time of its agents stands; null: they live in the machine's. */
  readonly time: TimeMoment | null;
  /** One of so many host calls is told of; null: none is. */
  readonly traceEvery: number | null;
  /** Where it says when it is busy, and sees who else is; null: it has one agent, and sleeps when that waits. */
  readonly busy: BusyPlace | null;
}

/** A host call of an agent, and when it was, in milliseconds since 1970. */
export interface TracedHostCall {
  readonly pid: number;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** A mounted directory, as it is opened for an agent. */
export interface Mount {
  /** The index of its grant. */
  readonly index: number;
  /** A descriptor of this process; null: a directory in memory. */
  readonly root: number | null;
}

/** Everything a worker needs to start an agent. */
export interface AgentStart {
  readonly pid: number;
  readonly parentPid: number;
  readonly agentId: string;
  readonly slot: number;
  readonly digest: string;
  readonly grants: readonly HeldGrant[];
  /** The mounted directories: which grant each is of, and its open directory; null: in memory. */
  readonly mounts: readonly Mount[];
  readonly limits: Limits;
  readonly arguments: readonly string[];
  readonly environment: readonly (readonly [string, string])[];
  /** What it reads as `wasi:config`. */
  readonly config: readonly (readonly [string, string])[];
  readonly terminal: HostAgent['terminal'];
  /** When it was spawned, in milliseconds since 1970: deadlines count from here. */
  readonly spawnedAtMs: number;
  /** What servers that may know are told of its span; null: nothing. */
  readonly traceparent: string | null;
  /** What is found out of it; null: nothing. */
  readonly diagnosis: Diagnosis | null;
  /** What of its host calls is kept, or what they are answered out of; null: neither. */
  readonly keep: KeepStart | null;
}

/** An output stream of an agent. */
export type StreamName = 'stdout' | 'stderr';

/** From the kernel to a worker. */
export type ToWorker =
  | { kind: 'module'; digest: string; plan: LinkPlan; modules: WebAssembly.Module[] }
  | { kind: 'start'; agent: AgentStart }
  /** Look at the command in the agent's control block. */
  | { kind: 'command'; pid: number; message: string }
  /** The agent's control block no longer says that it is suspended. */
  | { kind: 'resumed'; pid: number }
  | { kind: 'grant'; pid: number; grant: HeldGrant }
  /** Look at the revocation bits in the agent's control block. */
  | { kind: 'revoked'; pid: number }
  | { kind: 'deliver'; id: number; to: number; delivery: Mail; waitMs: number | null }
  | { kind: 'signal'; pid: number; signal: Signal }
  /** A port to another worker of the kernel. */
  | { kind: 'peer'; worker: number; port: MessagePort }
  /** That worker is gone. */
  | { kind: 'peer-gone'; worker: number }
  /** An agent is in that worker, to which there is a port. */
  | { kind: 'route'; pid: number; worker: number }
  | { kind: 'abandon-delivery'; id: number }
  | { kind: 'settled'; pid: number; id: number; outcome: Outcome<string | Answer> }
  | { kind: 'input'; pid: number; bytes: Uint8Array | null }
  | { kind: 'consumed'; pid: number; stream: StreamName | 'log'; bytes: number }
  /** So many of the calls that it has told of were taken. */
  | { kind: 'calls-taken'; pid: number; calls: number }
  | { kind: 'output-closed'; pid: number; stream: StreamName }
  /** Of a request that the agent handles, or is to handle. */
  | { kind: 'exchange'; pid: number; say: ToExchange }
  /** Of a request that the agent has sent: from the kernel to a process. */
  | { kind: 'network'; pid: number; say: FromNetwork }
  /** It answers `quiet` when all of its agents wait: for mail, or for a moment of the virtual time. */
  | { kind: 'ask-quiet' }
  /** The virtual time is there. */
  | { kind: 'move-time'; moment: TimeMoment }
  /** It answers `pong`, when its event loop has its turn. */
  | { kind: 'ping' }
  | { kind: 'close' };

/** How a worker says that an agent ended. */
export interface AgentEnd {
  readonly code: number | null;
  readonly reason: RunEndReason;
  readonly message: string | null;
}

/** Host calls of any agents of a thread. A process tells of none: it would not be believed. */
export interface TracedHostCalls {
  readonly kind: 'traced';
  readonly calls: readonly TracedHostCall[];
}

/** From a worker to the kernel. */
export type FromWorker =
  | { kind: 'ready' }
  | { kind: 'pong' }
  /** Its agents wait: how often any of them has run, and the next moment that one waits for. */
  | { kind: 'quiet'; runs: number; nextMs: number | null }
  /** ringfence itself failed; for the operator. */
  | { kind: 'warning'; text: string }
  | { kind: 'running'; pid: number }
  | {
      kind: 'exited';
      pid: number;
      end: AgentEnd;
      undelivered: readonly Mail[];
      findings: Findings | null;
    }
  /** It has used most of a limit: what was counted stands in its control block. */
  | { kind: 'near-limit'; pid: number }
  | { kind: 'denied'; pid: number; capability: string; operation: string; count: number }
  | {
      kind: 'send';
      pid: number;
      id: number;
      to: Address;
      body: Body;
      payload: Payload;
      waitMs: number | null;
    }
  | { kind: 'ask'; pid: number; id: number; question: Question }
  | { kind: 'tool'; pid: number; id: number; name: string; arguments: string }
  | { kind: 'spawn'; pid: number; id: number; request: SpawnRequest }
  | { kind: 'request-grant'; pid: number; id: number; grant: WordedGrant; reason: string }
  | { kind: 'abandon'; pid: number; id: number }
  /** The agent will not reply to one of whom only the kernel knows where it is. */
  | { kind: 'unanswered'; pid: number; asker: number; correlation: number }
  | { kind: 'delivered'; id: number; outcome: Outcome<number> }
  | { kind: 'pull-input'; pid: number }
  | { kind: 'output'; pid: number; stream: StreamName; bytes: Uint8Array }
  | { kind: 'exchange'; pid: number; say: FromExchange }
  /** Calls that it has made, where each is to be told of. */
  | { kind: 'host-calls'; pid: number; calls: readonly HostCall[] }
  /** A piece of its recording. */
  | { kind: 'recorded'; pid: number; bytes: Uint8Array }
  /** All of its recording, or of its replay, is said. */
  | { kind: 'kept'; pid: number; end: KeepEnd }
  /** From a process to the kernel: threads send by themselves. */
  | { kind: 'network'; pid: number; say: ToNetwork }
  | { kind: 'log'; pid: number; level: string; message: string };
