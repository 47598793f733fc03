/**
 * What the kernel and an agent's process say to each other. The kernel believes nothing of what comes
 * from the process, and reads it by a schema of its own (backend/process/from-child.ts).
 */

import type { FromExchange } from '../../../http/exchange.ts';
import type { Address, Body, Payload } from '../../../ipc/message.ts';
import type { Question } from '../../../ipc/question.ts';
import type { ToNetwork } from '../../../network/exchange.ts';
import type { SocketAnswer } from '../../../network/sockets/request.ts';
import type { Findings } from '../../../process/diagnosis.ts';
import type { Command } from '../../../resource/control-blocks.ts';
import type { LinkPlan } from '../../component/plan.ts';
import type { FileAnswer, FileHandle } from '../../host/files/request.ts';
import type { AgentEnd, AgentStart, FromWorker, StreamName, ToWorker } from '../protocol.ts';
import type { FrameBounds } from './frames.ts';

/** What the process may write: a head is JSON, a body a message, a request, or bytes for a stream. */
export const FROM_CHILD_BOUNDS: FrameBounds = {
  headBytes: 1024 * 1024,
  bodyBytes: 16 * 1024 * 1024 + 64 * 1024,
};

/** What a head or a body may have in it, beside its bytes. What a guest says can be more: it stays there. */
export const FROM_CHILD_TEXTS = {
  /** Characters of a name: of a tool, a kind of grant, a word of a scope. */
  nameCharacters: 64 * 1024,
  /** Words of a scope that is asked for; grants of a child. */
  words: 10_000,
  /** Arguments, variables, and words of a scope of a child. */
  childTexts: 100_000,
} as const;

/** A mount whose files the kernel keeps. */
export interface RemotePreopen {
  /** The index of its grant. */
  readonly index: number;
  readonly handle: FileHandle;
  readonly guest: string;
  readonly flags: number;
  readonly object: number;
}

/** All that the process is for. */
export interface ChildBegin {
  readonly kind: 'begin';
  readonly plan: LinkPlan;
  /** Metered, in the plan's order. */
  readonly modules: readonly Uint8Array[];
  /** Its mounts are in `preopens`. */
  readonly agent: AgentStart;
  readonly preopens: readonly RemotePreopen[];
  readonly sliceFuel: number;
  /** Indexes of its grants that were revoked already. */
  readonly revoked: readonly number[];
}

/** From the kernel to the process, in V8's own serialization. */
export type ToChild =
  | ChildBegin
  | { readonly kind: 'command'; readonly command: Command; readonly message: string }
  /** Whether it is there: it answers `told`. */
  | { readonly kind: 'asked'; readonly id: number }
  /** The agent may not run; it answers `told`. */
  | { readonly kind: 'suspended'; readonly id: number }
  /** Which grants were revoked; it answers `told`. */
  | { readonly kind: 'revoked'; readonly id: number; readonly indexes: readonly number[] }
  | { readonly kind: 'file-answer'; readonly id: number; readonly answer: FileAnswer }
  | { readonly kind: 'socket-answer'; readonly id: number; readonly answer: SocketAnswer }
  | Extract<
      ToWorker,
      {
        kind:
          | 'resumed'
          | 'grant'
          | 'deliver'
          | 'signal'
          | 'settled'
          | 'input'
          | 'consumed'
          | 'output-closed'
          | 'calls-taken'
          | 'exchange'
          | 'network';
      }
    >;

/** What is counted in the process; the kernel keeps its own count of what leaves it. */
export interface ChildCounters {
  readonly fuel: number;
  readonly memoryBytes: number;
  readonly cpuTimeMicroseconds: number;
  readonly messagesSent: number;
  readonly toolCalls: number;
  readonly slices: number;
  readonly longestWaitMicroseconds: number;
  readonly mailboxMessages: number;
}

/** A question without its bytes: those stand in the body. */
export type HeadQuestion =
  | Exclude<Question, { ask: 'publish' }>
  | { readonly ask: 'publish'; readonly topic: string; readonly payload: Payload['tag'] };

/** What is said of a request, without bytes: those stand in the body. */
export type HeadExchange =
  | Exclude<FromExchange, { step: 'bytes' }>
  | Omit<Extract<FromExchange, { step: 'bytes' }>, 'bytes'>;

/** What is said of a request that is sent, without bytes: those stand in the body. */
export type HeadNetwork =
  | Exclude<ToNetwork, { step: 'bytes' }>
  | Omit<Extract<ToNetwork, { step: 'bytes' }>, 'bytes'>;

/** From the process to the kernel: the head of a frame. What stands in its body is said here. */
export type ChildHead =
  | { readonly kind: 'ready' }
  | { readonly kind: 'warning'; readonly text: string }
  | { readonly kind: 'running' }
  | {
      readonly kind: 'exited';
      readonly end: AgentEnd;
      readonly undelivered: number;
      readonly findings: Findings | null;
    }
  | ({ readonly kind: 'counters' } & ChildCounters)
  | { readonly kind: 'told'; readonly id: number }
  | Omit<Extract<FromWorker, { kind: 'denied' }>, 'pid'>
  | Omit<Extract<FromWorker, { kind: 'log' }>, 'pid'>
  | Omit<Extract<FromWorker, { kind: 'request-grant' }>, 'pid'>
  | Omit<Extract<FromWorker, { kind: 'abandon' }>, 'pid'>
  | Omit<Extract<FromWorker, { kind: 'unanswered' }>, 'pid'>
  | Omit<Extract<FromWorker, { kind: 'delivered' }>, 'pid'>
  | { readonly kind: 'pull-input' }
  /** A message was taken out since the last that found no room. */
  | { readonly kind: 'room' }
  /** Body: the bytes, where it says some. */
  | { readonly kind: 'exchange'; readonly say: HeadExchange }
  /** Body: the bytes, where it says some. */
  | { readonly kind: 'network'; readonly say: HeadNetwork }
  | Omit<Extract<FromWorker, { kind: 'host-calls' }>, 'pid'>
  /** Body: the bytes. */
  | { readonly kind: 'recorded' }
  | Omit<Extract<FromWorker, { kind: 'kept' }>, 'pid'>
  /** Body: the bytes. */
  | { readonly kind: 'output'; readonly stream: StreamName }
  /** Body: the payload, text in UTF-8. */
  | {
      readonly kind: 'send';
      readonly id: number;
      readonly to: Address;
      readonly body: Body;
      readonly waitMs: number | null;
      readonly payload: Payload['tag'];
    }
  /** Body: what is published, where something is. */
  | { readonly kind: 'ask'; readonly id: number; readonly question: HeadQuestion }
  /** Body: the arguments, JSON in UTF-8. */
  | { readonly kind: 'tool'; readonly id: number; readonly name: string }
  /** Body: the request as JSON, its 64-bit numbers as texts. */
  | { readonly kind: 'spawn'; readonly id: number }
  /** Body: the bytes that are written, where something is. */
  | { readonly kind: 'file'; readonly id: number; readonly request: object }
  /** Body: the bytes that are written, or those of all datagrams one after another. */
  | { readonly kind: 'socket'; readonly id: number; readonly request: object };
