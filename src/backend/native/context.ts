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
  /** It wants a reply under its correlation. */
  | {
      readonly tag: 'request';
      readonly sender: number;
      readonly correlation: number;
      /** Which method of a service; null: none was named. */
      readonly method: string | null;
      readonly payload: Payload;
    }
  | {
      readonly tag: 'reply';
      readonly sender: number;
      readonly correlation: number;
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
  /** 0 takes only what is there. @default as long as the agent lives */
  readonly timeoutMs?: number | undefined;
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
   * Takes the first message that fits, or waits for one. Needs `ipc`.
   *
   * @throws {RingfenceError} `RF_TIMEOUT` when none has come in time, `RF_USAGE`
   */
  receive(options?: ReceiveOptions): Promise<Received>;

  /**
   * Sends a message. Needs `ipc` with the receiver in its scope, and counts as one.
   *
   * @throws {RingfenceError} `RF_CLOSED` or `RF_PROCESS_NOT_FOUND` when nobody is there,
   * `RF_MAILBOX_FULL`, `RF_LIMIT_EXCEEDED` for more than 16 MiB or than the host may hold, `RF_USAGE`
   */
  send(to: number, message: MessageInput, options?: SendOptions): Promise<void>;

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
