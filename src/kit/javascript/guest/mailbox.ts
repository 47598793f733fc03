// Messages between agents: what arrives, and what is sent.

import * as ipc from 'ringfence:agent/ipc';
import { NONE, u64 } from 'ringfence/javascript/engine';
import { AgentError, attempt } from './errors.ts';
import { liftPayload, lowerPayload, type Payload } from './payload.ts';

/** The name of a running agent. */
export type Pid = number;

/** Where a message goes. */
export type Target =
  | Pid
  | 'broadcast'
  | 'kernel'
  | { readonly service: string; readonly method?: string }
  | { readonly node: string; readonly pid: Pid };

/** Why an agent ended. */
export type ExitReason =
  | { readonly tag: 'normal' | 'killed' | 'timeout' }
  | { readonly tag: 'crash'; readonly val: string };

/** What arrives, by its `tag`. */
export type Received =
  | { readonly tag: 'message'; readonly sender: Pid; readonly payload: Payload }
  | {
      readonly tag: 'request';
      readonly sender: Pid;
      readonly correlation: number;
      /** The method that was asked for; null: none. */
      readonly method: string | null;
      readonly payload: Payload;
    }
  | {
      readonly tag: 'reply';
      readonly sender: Pid;
      readonly correlation: number;
      readonly payload: Payload;
    }
  | {
      readonly tag: 'topic';
      readonly sender: Pid;
      readonly topic: string;
      readonly payload: Payload;
    }
  | { readonly tag: 'exit'; readonly pid: Pid; readonly reason: ExitReason }
  | {
      readonly tag: 'down';
      readonly monitor: number;
      readonly pid: Pid;
      readonly reason: ExitReason;
    }
  | {
      readonly tag: 'warning';
      readonly pid: Pid;
      /** What is used up: `fuel`, `memory`, `cpu-time`, `messages`, `tool-calls`, `disk`. */
      readonly kind: string;
      readonly used: number;
      readonly limit: number;
    }
  | { readonly tag: 'timer'; readonly timer: number; readonly payload: Payload }
  | { readonly tag: 'cancelled'; readonly reason: string };

/** Which messages are received; the others keep their order and wait. Of these one may be given. */
export interface Filter {
  readonly sender?: Pid;
  readonly topic?: string;
  /** Of the request whose reply it is. */
  readonly correlation?: number;
  /** @default for ever; with 0 it never waits */
  readonly timeoutMs?: number;
}

/** Messages between agents. */
export const mailbox = {
  /**
   * Takes the first message that fits.
   *
   * @throws AgentError `timeout` when the time has passed, `denied` without the grant of messages
   */
  receive(filter: Filter = {}): Received {
    const taken = attempt(() => ipc.receive(lowerFilter(filter), optional(filter.timeoutMs)));
    return liftReceived(taken);
  },

  /** Sends a message. With `waitMs` it waits so long for room in a full mailbox. */
  send(to: Target, payload: Payload, { waitMs }: { readonly waitMs?: number } = {}): void {
    const text = lowerPayload(payload);
    attempt(() => ipc.send(lowerTarget(to), text, optional(waitMs)));
  },

  /** Sends a request; its reply is received under the number that is answered. */
  request(to: Target, payload: Payload): number {
    const text = lowerPayload(payload);
    return Number(attempt(() => ipc.request(lowerTarget(to), text)));
  },

  /**
   * Sends a request and waits for its reply.
   *
   * @throws AgentError `timeout` when the time has passed, `cancelled` when the agent is asked to stop
   */
  ask(to: Target, payload: Payload, { timeoutMs }: { readonly timeoutMs?: number } = {}): Payload {
    const correlation = mailbox.request(to, payload);
    const received = mailbox.receive({
      correlation,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    if (received.tag === 'reply') return received.payload;
    const why = received.tag === 'cancelled' ? received.reason : `${received.tag} came instead`;
    throw new AgentError('cancelled', why);
  },

  /** Answers a request that was received. */
  reply(correlation: number, payload: Payload): void {
    const text = lowerPayload(payload);
    attempt(() => ipc.reply(u64(correlation), text));
  },

  publish(topic: string, payload: Payload): void {
    const text = lowerPayload(payload);
    attempt(() => ipc.publish(topic, text));
  },
  subscribe(topic: string): void {
    attempt(() => ipc.subscribe(topic));
  },
  unsubscribe(topic: string): void {
    attempt(() => ipc.unsubscribe(topic));
  },
} as const;

const optional = (value: number | undefined) => (value === undefined ? NONE : u64(value));

function lowerTarget(to: Target): { tag: string; val?: unknown } {
  if (typeof to === 'number') return { tag: 'process', val: u64(to) };
  if (typeof to === 'string') return { tag: to };
  if ('node' in to) return { tag: 'remote', val: { node: to.node, pid: u64(to.pid) } };
  const { service, method } = to;
  if (method === undefined) return { tag: 'service', val: service };
  return { tag: 'service-method', val: { service, method } };
}

function lowerFilter({ sender, topic, correlation }: Filter): { tag: string; val?: unknown } {
  if (sender !== undefined) return { tag: 'sender', val: u64(sender) };
  if (topic !== undefined) return { tag: 'topic', val: topic };
  if (correlation !== undefined) return { tag: 'correlation', val: u64(correlation) };
  return { tag: 'any' };
}

/** Fields of records that are numbers of 64 bits, which engines show differently. */
const NUMBERS = ['sender', 'correlation', 'pid', 'monitor', 'used', 'limit', 'timer'];

function liftReceived({ tag, val }: { tag: string; val?: unknown }): Received {
  if (tag === 'cancelled') return { tag, reason: String(val) };
  const fields: Record<string, unknown> = { ...(val as Record<string, unknown>) };
  for (const name of NUMBERS) {
    if (name in fields) fields[name] = Number(fields[name]);
  }
  if ('payload' in fields) fields.payload = liftPayload(fields.payload as { tag: string });
  if (tag === 'request') fields.method ??= null;
  return { tag, ...fields } as unknown as Received;
}
