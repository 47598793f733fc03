/** What a function that runs as an agent is given: all that it can do as this agent. */

import type { Payload } from '../../ipc/message.ts';
import type { MessageInput } from '../../ipc/payload.ts';

/** Why an agent ended. */
export interface Ending {
  readonly reason: 'normal' | 'crash' | 'killed' | 'timeout';
  /** Of a crash: what went wrong. */
  readonly message: string | null;
}

/** What can arrive. A sender is who the kernel knows it to be; 0 is the program. */
export type Received =
  | { readonly tag: 'message'; readonly sender: number; readonly payload: Payload }
  /** It wants a `reply` under its correlation. */
  | {
      readonly tag: 'request';
      readonly sender: number;
      readonly correlation: number;
      /** Which method of a service; null: none was named. */
      readonly method: string | null;
      readonly payload: Payload;
    }
  | {
      readonly tag: 'topic';
      readonly sender: number;
      readonly topic: string;
      readonly payload: Payload;
    }
  /** A linked agent has ended, and this one traps exits. */
  | { readonly tag: 'exit'; readonly pid: number; readonly end: Ending }
  /** A monitored agent has ended. */
  | {
      readonly tag: 'down';
      readonly monitor: number;
      readonly pid: number;
      readonly end: Ending;
    }
  | { readonly tag: 'timer'; readonly timer: number; readonly payload: Payload }
  /** 80 % of a limit are used up, by this agent or a child of it. */
  | {
      readonly tag: 'warning';
      readonly pid: number;
      readonly kind: string;
      readonly used: number;
      readonly limit: number;
    }
  /** It is asked to stop; `signal` is aborted then, too. */
  | { readonly tag: 'cancelled'; readonly reason: string };

/** Which messages are taken, and how long they are waited for. */
export interface ReceiveOptions {
  /** Only what this pid has sent; the rest keeps its order and waits. @default whoever has */
  readonly sender?: number | undefined;
  /** Only what was published there; instead of `sender`. @default whatever comes */
  readonly topic?: string | undefined;
  /** 0 takes only what is there. @default as long as the agent lives */
  readonly timeoutMs?: number | undefined;
}

/**
 * One who can be asked: a pid; the program that runs the kernel; or whoever provides a service now. A
 * request tells that one its `method`, too.
 */
export type RequestTarget =
  | number
  | 'kernel'
  | { readonly service: string; readonly method?: string | undefined };

/** Whom a message can go to; `broadcast`: everybody whom the scope of its `ipc` reaches. */
export type MessageTarget = RequestTarget | 'broadcast';

/** How a request is made. */
export interface WorkRequestOptions {
  /** How long to wait for the reply. @default as long as both live */
  readonly timeoutMs?: number | undefined;
}

/** A tool that may be called. */
export interface AvailableTool {
  readonly name: string;
  readonly description: string;
  /** A JSON schema of the arguments. */
  readonly parameters: unknown;
}

/** How a message is sent. */
export interface SendOptions {
  /** How long to wait for room in a full mailbox. @default not at all */
  readonly waitMs?: number | undefined;
}

/** How much a line of the log matters. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
/** How much a line of the log matters. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * The agent, as its function sees it. Each call passes the gate that guests' calls pass: what it may not
 * is refused as `RF_CAPABILITY_DENIED` and counted, what it has used up as `RF_LIMIT_EXCEEDED`, and all of
 * them as `RF_CLOSED` once the agent has ended. Await what you call, as with any promise.
 */
export interface WorkContext {
  readonly pid: number;
  /** The agent that it is a child of; 0: the program's. */
  readonly parent: number;
  /** Aborted when the agent is asked to stop (`RF_STOPPED`), or has ended (`RF_CLOSED`). */
  readonly signal: AbortSignal;

  /**
   * Takes the first message that fits, or waits for one. Replies go to the `request` that waits for them.
   * Needs `ipc`.
   *
   * @throws {RingfenceError} `RF_TIMEOUT` when none has come in time; `RF_CANCELLED` where only some fit
   * and it is asked to stop; `RF_USAGE`
   */
  receive(options?: ReceiveOptions): Promise<Received>;

  /**
   * Sends a message. Needs `ipc` with the receiver in its scope, for a service `services`, too; counts as
   * one message, a broadcast to all as well. Who has no room for a broadcast misses it.
   *
   * @throws {RingfenceError} `RF_CLOSED` or `RF_PROCESS_NOT_FOUND` when nobody is there, `RF_UNAVAILABLE`
   * when nobody provides the service, `RF_MAILBOX_FULL`, `RF_LIMIT_EXCEEDED` for more than 16 MiB or than
   * the host may hold, `RF_USAGE`
   */
  send(to: MessageTarget, message: MessageInput, options?: SendOptions): Promise<void>;

  /**
   * Asks, and answers the reply. Needs what `send` needs.
   *
   * @throws {RingfenceError} as `send`; `RF_CLOSED` also when who was asked has ended without a reply, or
   * was asked too much besides;
   * `RF_TIMEOUT`, after which a reply reaches nobody; `RF_CANCELLED` where this agent is asked to stop:
   * it can ask again when it has received that
   */
  request(to: RequestTarget, message: MessageInput, options?: WorkRequestOptions): Promise<Payload>;

  /**
   * Replies to a request that was received, once. Needs `ipc`, whatever its scope.
   *
   * @throws {RingfenceError} `RF_CLOSED` when nobody waits for it (any more), `RF_MAILBOX_FULL`: it can
   * be tried again, `RF_LIMIT_EXCEEDED`, `RF_USAGE`
   */
  reply(correlation: number, message: MessageInput): Promise<void>;

  /**
   * Sends to all who have subscribed, but itself. Needs `ipc` with the topic in its scope. Who has no
   * room misses it.
   */
  publish(topic: string, message: MessageInput): Promise<void>;

  /** Receives what is published there; again is the same. Needs `ipc` with the topic in its scope. */
  subscribe(topic: string): Promise<void>;

  /** False: it had not subscribed. Needs `ipc` with the topic in its scope. */
  unsubscribe(topic: string): Promise<boolean>;

  /**
   * Has the end of another agent told, once, as `down`; answers the id of the monitor. Where there is no
   * such agent (any more) that is told at once. May be its parent, a child, or within the scope of its
   * `ipc`.
   *
   * @throws {RingfenceError} `RF_LIMIT_EXCEEDED` for more than 1,024 links and monitors, and while as much
   * that the host has told waits to be received
   */
  monitor(pid: number): Promise<number>;

  /** False: it has no such monitor, or that has told already. */
  demonitor(monitor: number): Promise<boolean>;

  /**
   * Asks a child to end, at once with `force`: as `Agent.stop` and `Agent.kill`. Needs `spawn`. One that
   * is started again after its ends is not any more.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND` when there is no such agent (any more),
   * `RF_CAPABILITY_DENIED` for one that is no child; `RF_USAGE`
   */
  stop(pid: number, options?: { readonly force?: boolean | undefined }): Promise<void>;

  /**
   * Links a child with it: when one ends other than normally, the other is ended as `killed`, or is told
   * `exit` where it traps exits.
   *
   * @throws {RingfenceError} `RF_PROCESS_NOT_FOUND` when the child has ended, `RF_LIMIT_EXCEEDED` for more
   * than 1,024 links and monitors
   */
  link(pid: number): Promise<void>;

  /** Does nothing where they are not linked. */
  unlink(pid: number): Promise<void>;

  /** Whether the ends of linked agents are told to this one as `exit`, instead of ending it. */
  trapExit(enabled: boolean): Promise<void>;

  /**
   * Sends itself a message later, received as `timer`; answers the timer's id. Needs `ipc`. The payload is
   * held by the host until then.
   *
   * @throws {RingfenceError} `RF_LIMIT_EXCEEDED` for more than 256 timers, or than the host may hold
   */
  after(milliseconds: number, message: MessageInput): Promise<number>;

  /** As `after`, again and again; rings that come while one waits to be received are left out. */
  every(milliseconds: number, message: MessageInput): Promise<number>;

  /** False: it has no such timer, or that has rung for the last time. */
  cancelTimer(timer: number): Promise<boolean>;

  /** The tools that it may call. Needs `tools`. */
  tools(): Promise<readonly AvailableTool[]>;

  /**
   * Calls a tool; `args` and the answer are what JSON can say. Needs `tools` with its name, and counts
   * as one call.
   *
   * @throws {RingfenceError} `RF_TOOL_NOT_FOUND`, `RF_UNAVAILABLE` when the tool has failed,
   * `RF_LIMIT_EXCEEDED`, `RF_USAGE` for what is no JSON
   */
  callTool(name: string, args?: unknown): Promise<unknown>;

  /** A line for the operator, cut at 8,192 characters. @throws {RingfenceError} `RF_USAGE` */
  log(level: LogLevel, text: string): void;
}

/** A function that runs as an agent: what it returns is its result, what it throws its failure. */
export type Work<Value = unknown> = (context: WorkContext) => Value | PromiseLike<Value>;
