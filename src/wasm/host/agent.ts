/** What a host function sees of the agent that calls it; the worker makes these (worker/agent.ts). */

import type { ElevationOutcome } from '../../capability/elevation.ts';
import type { HeldGrant, HeldGrants } from '../../capability/held.ts';
import type { WordedGrant } from '../../capability/words.ts';
import type { Field } from '../../http/exchange.ts';
import type { Asker, Conversations } from '../../ipc/conversations.ts';
import type { Address, Body, Delivery, MessageFilter, Payload } from '../../ipc/message.ts';
import type { Answer, Question } from '../../ipc/question.ts';
import type { FromNetwork, SendHead } from '../../network/exchange.ts';
import type { SocketHost } from '../../network/sockets/host.ts';
import type { SocketErrorCode } from '../../network/sockets/request.ts';
import type { ControlBlock } from '../../resource/control-blocks.ts';
import type { Limits } from '../../resource/limits.ts';
import type { WAIT } from './abi/binding.ts';
import type { FileHost } from './files/host.ts';
import type { ErrorCode } from './files/request.ts';
import type { SpawnRequest } from './generated/ringfence-agent-process.ts';
import type { ErrorCode as HttpErrorCode } from './generated/wasi-http-types.ts';
import type { Operation, Subscribe } from './operation.ts';

export type { Operation, Outcome, Subscribe, Unsubscribe } from './operation.ts';

/** Why a stream of a file, of an HTTP body or of a connection failed; from then on it is closed. */
export type StreamFailure =
  | { readonly failed: ErrorCode }
  | { readonly httpFailed: HttpErrorCode }
  | { readonly socketFailed: SocketErrorCode };

/** Bytes that come to an agent. The host reads ahead a bounded amount only. */
export interface InputSource {
  /** Up to `max` bytes that are there; `'empty'`: not yet; `'closed'`: no more will come. */
  read(max: number): Uint8Array | 'empty' | 'closed' | StreamFailure;
  /** The stream that it was made for is gone. Absent: it has several, or nothing to give back. */
  release?(): void;
  /** Whether `read` would answer something else than `'empty'`. */
  readonly ready: boolean;
  readonly onReady: Subscribe;
}

/** Bytes that go out of an agent, or lines of its log. What is under way is bounded. */
export interface OutputSink {
  /** Bytes that `write` takes now. */
  readonly room: number;
  /** Takes bytes, at most `room` of them; they are copied. */
  write(bytes: Uint8Array): void;
  /** Whether all that was written has been taken over by the reader. */
  readonly flushed: boolean;
  /** Whether the reader is gone: nothing more can be written. */
  readonly closed: boolean;
  /** What was written could not be kept; null or absent: all is well. */
  readonly failure?: StreamFailure | null;
  /** The stream that it was made for is gone. Absent: it has several, or nothing to give back. */
  release?(): void;
  /** There is more room, or all is flushed, or it was closed. */
  readonly onChange: Subscribe;
}

/** Lines for the operator, bounded as an output is. */
export interface LogSink {
  readonly room: number;
  write(level: string, message: string): void;
  readonly onChange: Subscribe;
}

/** The agent's clocks, already as coarse as its grants say. */
export interface Clocks {
  /** Nanoseconds since an arbitrary moment. */
  monotonic(): bigint;
  /** Nanoseconds since 1970. */
  wall(): bigint;
  /** Nanoseconds between two ticks of both. */
  readonly resolution: bigint;
  /** Wakes when the monotonic clock has reached an instant. */
  at(instant: bigint): Subscribe;
}

/** Random bytes of the agent's own. */
export interface RandomSource {
  /** `length` is small: callers cap it. */
  bytes(length: number): Uint8Array;
  /** Two numbers that stay the same for the agent's life. */
  readonly insecureSeed: readonly [bigint, bigint];
}

/** Mail of the agent. */
export interface MailboxView {
  take(filter: MessageFilter): Delivery | null;
  /** Whether it holds a request to end. */
  readonly cancelled: boolean;
  /** What the host has told, and was not taken out yet. */
  readonly signals: number;
  readonly onMail: Subscribe;
}

/** Timers of the agent: they ring as messages in its mailbox. */
export interface TimersView {
  /** Answers the id of a new timer, or why there is none. */
  set(milliseconds: number, payload: Payload, repeats: boolean): number | 'too-many' | 'no-room';
  /** False: it is none, or has rung for the last time. */
  cancel(id: number): boolean;
  /** What it has rung was taken out of the mailbox. */
  taken(id: number): void;
}

/** One HTTP request that is under way; its body goes by pieces of no more than its window has room for. */
export interface SentExchange {
  bytes(bytes: Uint8Array): void;
  end(trailers: readonly Field[]): void;
  /** Its body will not be whole: the request fails. */
  broken(): void;
  /** Asks for the next piece of the response's body. */
  pull(): void;
  /** Nobody wants the response any more: nothing is heard of it from now on. */
  drop(): void;
}

/** Sends HTTP requests; what is heard of one never comes from within `send`. */
export interface NetworkHost {
  send(head: SendHead, hear: (say: FromNetwork) => void): SentExchange;
}

/** The agent, as its host functions see it. */
export interface HostAgent {
  readonly pid: number;
  readonly parentPid: number;
  readonly agentId: string;
  readonly grants: HeldGrants;
  readonly limits: Limits;
  readonly block: ControlBlock;
  readonly arguments: readonly string[];
  readonly environment: readonly (readonly [string, string])[];
  /** What it reads as `wasi:config`. */
  readonly config: readonly (readonly [string, string])[];
  readonly terminal: {
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
  };
  readonly stdin: InputSource;
  readonly stdout: OutputSink;
  readonly stderr: OutputSink;
  readonly log: LogSink;
  readonly clocks: Clocks;
  readonly random: RandomSource;
  readonly mailbox: MailboxView;
  readonly timers: TimersView;
  /** What it has asked, and was asked. */
  readonly conversations: Conversations;
  /** It will not reply to this one: it was asked too much besides. */
  forgot(asker: Asker): void;
  readonly files: FileHost;
  readonly network: NetworkHost;
  readonly sockets: SocketHost;

  /**
   * State of the blocking call under way, kept between its tries; undefined at the first. The gate
   * clears it when the call answers.
   */
  pending: unknown;

  /** The grant that let the waiting call pass; null: it needed none. The gate sets and clears it. */
  waitsUnder: HeldGrant | null;

  /** Makes the agent wait; the same host function is called again, with the same arguments, after. */
  wait(subscribe: Subscribe): typeof WAIT;

  /** Takes bytes out of what the host holds for the agent; false when its limit would be passed. */
  hold(bytes: number): boolean;
  /** Gives bytes back. */
  release(bytes: number): void;

  /** Sends to another agent, as this agent; answers to whom it came. */
  send(to: Address, body: Body, payload: Payload, waitMs: number | null): Operation<number>;
  /** Asks the kernel about other agents, topics and tools, as this agent. */
  ask(question: Question): Operation<Answer>;
  /** Calls a tool of the embedding program. */
  callTool(name: string, argumentsJson: string): Operation<string>;

  /** Spawns a child; answers its pid. */
  spawn(request: SpawnRequest): Operation<number>;
  /** Asks whoever runs the host for a grant more. */
  requestGrant(grant: WordedGrant, reason: string): Operation<ElevationOutcome>;

  /** Records a denial: for the report and for the kernel. */
  deny(capability: string, operation: string): void;

  /** Ends the agent by `exit` with a code. Never returns. */
  exit(code: number): never;
  /** Ends the agent by a trap whose message says why. Never returns. */
  trap(message: string): never;
  /** Refuses an agent that was killed or has passed a deadline: ends it. */
  checkAlive(): void;
  /** A host function has worked for it, as long as many calls take together: its slice is shorter. */
  worked(milliseconds: number): void;
}

/**
 * What the gate, and the functions of `ipc`, `tools` and `log` behind it, see of who calls them: a guest,
 * or a function of the program (`backend/native`).
 */
export type Caller = Pick<
  HostAgent,
  | 'pid'
  | 'parentPid'
  | 'grants'
  | 'limits'
  | 'block'
  | 'log'
  | 'clocks'
  | 'mailbox'
  | 'timers'
  | 'conversations'
  | 'forgot'
  | 'pending'
  | 'waitsUnder'
  | 'wait'
  | 'hold'
  | 'release'
  | 'send'
  | 'ask'
  | 'callTool'
  | 'deny'
  | 'trap'
  | 'checkAlive'
>;
