/** The mail of the program that runs the kernel: what agents send to it, and what it asks them. */

import type { CallOutcome, Sending } from '../backend/backend.ts';
import type { DeadLetterReason } from '../ipc/dead-letters.ts';
import type { Mail, Payload } from '../ipc/message.ts';
import { KERNEL_PID, type Pid } from '../process/state.ts';
import type { Process } from './process.ts';

/** A message of an agent for the program. */
export interface ProgramMessage {
  readonly from: Pid;
  readonly agentId: string;
  readonly payload: Payload;
  /** Answers it where it is a request; null: it wants no answer. */
  readonly reply: ((payload: Payload) => Promise<CallOutcome<number>>) | null;
}

/** Takes what agents send to the program; what it throws is for the operator. */
export type OnMessage = (message: ProgramMessage) => void;

/** Why a request of the program's has no reply. */
export type NoReply = 'closed' | 'timeout' | 'cancelled';

interface Waiting {
  readonly from: Pid;
  settle(reply: Payload | NoReply): void;
}

/** What the program's mail needs of the rest. */
export interface ProgramMailOptions {
  /** Takes what agents send; null: nothing does. */
  readonly onMessage: OnMessage | null;
  /** Sends as the program. */
  route(sending: Sending, signal?: AbortSignal): Promise<CallOutcome<number>>;
  /** The program no longer waits for this reply. */
  gaveUp(correlation: number): void;
  /** Mail of the program's that reached nobody. */
  undelivered(to: Pid, mail: Mail, why: DeadLetterReason): void;
  /** Agents that were ever spawned: their pids go up to it. */
  spawned(): number;
  warn(text: string): void;
}

/** What the program sends, what it is sent, and what it waits for. */
export class ProgramMail {
  readonly #options: ProgramMailOptions;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  constructor(options: ProgramMailOptions) {
    this.#options = options;
  }

  /** Sends a message of the program's. */
  async send(to: Pid, payload: Payload, waitMs: number | null): Promise<CallOutcome<number>> {
    const outcome = await this.#options.route({
      to: { tag: 'process', pid: to },
      body: { tag: 'message' },
      payload,
      waitMs,
    });
    const why = outcome.tag === 'err' ? this.whyUndelivered(to, outcome.error) : null;
    if (why !== null) {
      const mail: Mail = { tag: 'message', sender: KERNEL_PID, payload };
      this.#options.undelivered(to, mail, why);
    }
    return outcome;
  }

  /** Why nobody received what was sent to a pid; null: it is not the receiver that was missing. */
  whyUndelivered(to: Pid, error: string): DeadLetterReason | null {
    switch (error) {
      case 'mailbox-full':
        return 'mailbox_full';
      case 'closed':
      case 'not-found':
        return to > 0 && to <= this.#options.spawned() ? 'exited' : 'not_found';
      default:
        return null;
    }
  }

  /** Sends a request of the program's, and waits for the reply. */
  async request(
    to: Pid,
    payload: Payload,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<CallOutcome<never> | { tag: 'reply'; val: Payload | NoReply }> {
    const { correlation, reply } = this.#ask(to);
    const end = (why: NoReply) => (): void => this.end(correlation, why);
    const cancel = end('cancelled');
    const timer = setTimeout(end('timeout'), timeoutMs);
    signal?.addEventListener('abort', cancel, { once: true });
    const given = new AbortController();
    try {
      const sending = {
        to: { tag: 'process', pid: to },
        body: { tag: 'request', correlation },
        payload,
        waitMs: null,
      } as const;
      const sent = this.#options.route(sending, given.signal);
      if (signal?.aborted) {
        cancel();
      }
      // Its time is that of the delivery too: a thread that hangs, or never starts, takes nothing.
      const outcome = await Promise.race([sent, reply.then(() => null)]);
      if (outcome?.tag === 'err') {
        this.end(correlation, 'closed');
        return outcome;
      }
      return { tag: 'reply', val: await reply };
    } finally {
      given.abort();
      this.#options.gaveUp(correlation);
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** Hands a message to the program: it is taken over when this returns. */
  take(
    { body, payload }: Sending,
    { pid, agentId }: Process,
    reply: (correlation: number, payload: Payload) => Promise<CallOutcome<number>>,
  ): CallOutcome<number> {
    const { onMessage } = this.#options;
    if (onMessage === null) {
      return {
        tag: 'err',
        error: 'unavailable',
        message: 'the host takes no messages: send to an agent, or call a tool',
      };
    }
    const answer = body.tag === 'request' ? (sent: Payload) => reply(body.correlation, sent) : null;
    try {
      onMessage({ from: pid, agentId, payload, reply: answer });
    } catch (error) {
      this.#options.warn(
        `onMessage failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    return { tag: 'ok', val: 0 };
  }

  /** A request goes out: its correlation id, and what comes of it. */
  #ask(to: Pid): { readonly correlation: number; readonly reply: Promise<Payload | NoReply> } {
    const correlation = this.#next;
    this.#next += 1;
    const { promise, resolve } = Promise.withResolvers<Payload | NoReply>();
    this.#waiting.set(correlation, { from: to, settle: resolve });
    return { correlation, reply: promise };
  }

  /** False: nobody waits for this reply of this agent's. */
  replied(correlation: number, from: Pid, payload: Payload): boolean {
    const waiting = this.#waiting.get(correlation);
    if (waiting?.from !== from) {
      return false;
    }
    this.#waiting.delete(correlation);
    waiting.settle(payload);
    return true;
  }

  /** There will be no reply. */
  end(correlation: number, why: NoReply): void {
    const waiting = this.#waiting.get(correlation);
    this.#waiting.delete(correlation);
    waiting?.settle(why);
  }
}
