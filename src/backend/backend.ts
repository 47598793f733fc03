/** What a backend is: something that runs agents. One table of the names. */

import type { HeldGrant } from '../capability/held.ts';
import type { WordedGrant } from '../capability/words.ts';
import type { FromExchange, ToExchange } from '../http/exchange.ts';
import type { Address, Body, Mail, Payload, Signal } from '../ipc/message.ts';
import type { Answer, Question } from '../ipc/question.ts';
import type { Diagnosis, Findings, HostCall } from '../process/diagnosis.ts';
import type { BackendEndReason } from '../process/exit.ts';
import type { KeepEnd, KeepStart } from '../recording/kept.ts';
import type { ControlBlock } from '../resource/control-blocks.ts';
import type { Limits } from '../resource/limits.ts';

export type { Features } from '../wasm/metering/features.ts';

/** The backends by name; one that isn't configured is refused by its name. */
export const BACKEND_NAMES = ['native', 'wasm', 'container', 'remote', 'tee'] as const;
/** The name of a backend. */
export type BackendName = (typeof BACKEND_NAMES)[number];

/** How far an agent is kept apart from the others. */
export const ISOLATIONS = ['shared', 'thread', 'process'] as const;
/** How far an agent is kept apart from the others: docs/isolation.md. */
export type Isolation = (typeof ISOLATIONS)[number];

/** What a backend needs to start an agent; the supervisor has checked it. */
export interface BackendStart {
  readonly pid: number;
  readonly parentPid: number;
  readonly agentId: string;
  /** Null: it runs no module. */
  readonly moduleDigest: string | null;
  readonly block: ControlBlock;
  readonly grants: readonly HeldGrant[];
  /** The directories that are mounted: the index of the grant, and the open directory; null: in memory. */
  readonly mounts: readonly { readonly index: number; readonly root: number | null }[];
  readonly isolation: Isolation;
  readonly limits: Limits;
  readonly arguments: readonly string[];
  readonly environment: readonly (readonly [string, string])[];
  /** What it reads as `wasi:config`. */
  readonly config: readonly (readonly [string, string])[];
  readonly terminal: {
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
  };
  readonly spawnedAtMs: number;
  /** What servers that may know are told of its span; null: nothing. */
  readonly traceparent: string | null;
  /** What is found out of it; null: nothing. */
  readonly diagnosis: Diagnosis | null;
  /** What of its host calls is kept, or what they are answered out of; null: neither. */
  readonly keep: KeepStart | null;
}

/** A child as an agent asks for it. */
export interface ChildRequest {
  readonly agentId: string;
  readonly module: { readonly tag: 'digest' | 'name'; readonly val: string };
  readonly arguments: readonly string[];
  readonly environment: readonly (readonly [string, string])[];
  readonly grants: readonly WordedGrant[];
  /** What is absent is taken from the parent's own. */
  readonly limits: {
    readonly fuel: bigint | undefined;
    readonly memoryBytes: bigint | undefined;
    readonly cpuTimeMs: bigint | undefined;
    readonly wallTimeMs: bigint | undefined;
    readonly messages: bigint | undefined;
    readonly toolCalls: bigint | undefined;
    readonly diskBytes: bigint | undefined;
  };
  readonly restart: 'permanent' | 'transient' | 'temporary';
  readonly linked: boolean;
}

/** How an agent ended, as its backend saw it. */
export interface BackendEnd {
  readonly code: number | null;
  readonly reason: BackendEndReason;
  readonly message: string | null;
  /** Mail that it never took out of its mailbox. */
  readonly undelivered: readonly Mail[];
  /** How many besides: what ran it has died with them, or keeps them. */
  readonly lost: number;
  /** What was found out of it, where that was asked for and its backend can. */
  readonly findings?: Findings | null;
}

/** How a message or a tool call came out. */
export type CallOutcome<Value> =
  | { readonly tag: 'ok'; readonly val: Value }
  | { readonly tag: 'err'; readonly error: string; readonly message: string };

/** What an agent sends, and whom to. */
export interface Sending {
  readonly to: Address;
  readonly body: Body;
  readonly payload: Payload;
  /** How long it waits for room; null: not at all. */
  readonly waitMs: number | null;
}

/** What a backend tells of an agent, and asks for it. */
export interface BackendEvents {
  running(): void;
  exited(end: BackendEnd): void;
  /** What was counted in its control block may have come near a limit. */
  counted(): void;
  denied(capability: string, operation: string, count: number): void;
  log(level: string, message: string): void;
  /** Host calls that it has made, in their order. Resolves when they were taken. */
  hostCalls(calls: readonly HostCall[]): Promise<void>;
  /** A piece of its recording. */
  recorded(bytes: Uint8Array): void;
  /** All of its recording, or of its replay, was said. */
  kept(end: KeepEnd): void;
  /** Of a request that it handles. What it says is of the right form, and in no order that is promised. */
  exchange(say: FromExchange): void;
  /** Resolves when the bytes were taken over; `'closed'` when nobody reads any more. */
  output(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<'taken' | 'closed'>;
  /** The next bytes of the agent's input; null: there are no more. */
  input(): Promise<Uint8Array | null>;
  /** Sends as the agent; answers to whom it came. */
  send(sending: Sending, signal: AbortSignal): Promise<CallOutcome<number>>;
  /** It will not reply to this one: it has ended, or was asked too much besides. */
  unanswered(asker: number, correlation: number): void;
  /** It waits no longer for the reply to a request of its own. */
  gaveUp(correlation: number): void;
  /** Asks as the agent. */
  ask(question: Question): Promise<CallOutcome<Answer>>;
  callTool(name: string, argumentsJson: string, signal: AbortSignal): Promise<CallOutcome<string>>;
  /** Spawns a child of the agent; answers its pid. */
  spawn(request: ChildRequest): Promise<CallOutcome<number>>;
  /** Asks whoever runs the kernel for a grant more. */
  requestGrant(
    grant: WordedGrant,
    reason: string,
  ): Promise<CallOutcome<'permitted' | 'deferred' | 'denied'>>;
}

/** An agent that a backend runs. */
export interface BackendAgent {
  /** Whether it hears that it is to end, `cancelled`, also without a grant of `ipc`. @default false */
  readonly alwaysHears?: boolean;
  /** The command stands in the control block: act on it. */
  command(message: string): void;
  /** Resolves when what runs it has answered, in its event loop; never where that hangs. */
  answers(): Promise<void>;
  /** Ends what runs it, at once, and all that it runs. The command stands in the control block. */
  reap(): void;
  /** Its control block says that it is suspended: it stops at the end of its slice. */
  suspended(): void;
  /** Its control block says so no longer. */
  resumed(): void;
  /** It holds a grant more. */
  granted(grant: HeldGrant): void;
  /**
   * The revocation bits in its control block have changed. Resolves when no check that begins later
   * can miss it, and who waits under such a grant was told.
   */
  revoked(): Promise<void>;
  deliver(mail: Mail, waitMs: number | null, signal?: AbortSignal): Promise<CallOutcome<number>>;
  /** Tells it what always finds room. */
  signal(signal: Signal): void;
  /** Of a request that it handles, or is to handle. Absent: it handles none. */
  exchange?(say: ToExchange): void;
}

/** What runs agents. */
export interface Backend {
  readonly name: BackendName;
  start(start: BackendStart, events: BackendEvents): BackendAgent;
  /** Ends its workers; the agents have been ended before. */
  close(): Promise<void>;
}
