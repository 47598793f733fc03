/** What the agents of one worker share. */

import type { ElevationOutcome } from '../../capability/elevation.ts';
import type { HeldGrants } from '../../capability/held.ts';
import type { WordedGrant } from '../../capability/words.ts';
import type { Address, Body, Payload } from '../../ipc/message.ts';
import type { Answer, Question } from '../../ipc/question.ts';
import type { FromNetwork } from '../../network/exchange.ts';
import type { SocketHost } from '../../network/sockets/host.ts';
import type { ControlBlock, ControlViews } from '../../resource/control-blocks.ts';
import type { Limits } from '../../resource/limits.ts';
import type { Operation } from '../host/agent.ts';
import type { FileHost } from '../host/files/host.ts';
import type { SpawnRequest } from '../host/generated/ringfence-agent-process.ts';
import type { AgentTime } from './clocks.ts';
import type { Unanswered } from './correspondence.ts';
import type { HeapAccount } from './heap-account.ts';
import type { FromWorker, Mount } from './protocol.ts';
import type { Scheduler } from './scheduler.ts';
import type { NetworkLink } from './sent-requests.ts';
import type { SocketAgent } from './sockets.ts';
import type { Speed } from './speed.ts';

/** An agent, as the worker's parts know it. */
export interface Resident {
  readonly pid: number;
}

/** An agent, as far as opening its directories needs it. */
export interface FileOwner extends Resident {
  readonly grants: HeldGrants;
  readonly limits: Limits;
  readonly block: ControlBlock;
  /** It has added so many bytes to its directories. */
  noteDisk(bytes: number): void;
}

/** An agent, as far as its network needs it. */
export interface NetworkOwner extends Resident {
  readonly grants: HeldGrants;
  readonly block: ControlBlock;
  readonly traceparent: string | null;
  deny(capability: string, operation: string): void;
  /** So much has gone and come. */
  noteNetwork(requests: number, bytesOut: number, bytesIn: number): void;
}

/** What an agent needs of its worker. */
export interface WorkerParts {
  readonly scheduler: Scheduler;
  /** The memory of all control blocks. */
  readonly blocks: ControlViews;
  /** The time that its agents live in. */
  readonly time: AgentTime;
  /** Fuel between two scheduling points. */
  readonly sliceFuel: number;
  /** The account of an agent that makes objects of the garbage collector; null: its module has none. */
  heapFor(digest: string, limits: Limits): HeapAccount | null;
  /** How fast the agents of a module run here. */
  speedOf(digest: string): Speed;
  /** Traps: never returns, and no guest can catch it. */
  readonly trap: () => never;
  readonly post: (message: FromWorker) => void;
  /** Tells the operator about a failure of ringfence's own. */
  report(error: unknown): void;
  /** The directories that are mounted for an agent. */
  openFiles(agent: FileOwner, mounts: readonly Mount[]): FileHost;
  /** Who performs the requests of an agent. */
  openNetwork(agent: NetworkOwner, hear: (say: FromNetwork) => void): NetworkLink;
  /** What performs an agent's requests on sockets. */
  openSockets(agent: SocketAgent): SocketHost;
  /** The agent has ended: forget it. */
  ended(agent: Resident): void;
  send(
    from: Resident,
    to: Address,
    body: Body,
    payload: Payload,
    waitMs: number | null,
  ): Operation<number>;
  ask(from: Resident, question: Question): Operation<Answer>;
  /** There will be no reply: whoever asked is told, where it is here. */
  unanswered(from: Resident, waiting: Unanswered): void;
  callTool(from: Resident, name: string, argumentsJson: string): Operation<string>;
  spawn(from: Resident, request: SpawnRequest): Operation<number>;
  requestGrant(from: Resident, grant: WordedGrant, reason: string): Operation<ElevationOutcome>;
}
