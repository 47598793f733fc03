/** The mail of the program that runs the kernel: what agents send to it, and what it asks them. */

import type { CallOutcome, Sending } from '../backend/backend.ts';
import type { Payload } from '../ipc/message.ts';
import type { Pid } from '../process/state.ts';
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

/** What the program is sent, and what it waits for. */
export class ProgramMail {
  readonly #onMessage: OnMessage | null;
  readonly #warn: (text: string) => void;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  constructor(onMessage: OnMessage | null, warn: (text: string) => void) {
    this.#onMessage = onMessage;
    this.#warn = warn;
  }

  /** Hands a message to the program: it is taken over when this returns. */
  take(
    { body, payload }: Sending,
    { pid, agentId }: Process,
    reply: (correlation: number, payload: Payload) => Promise<CallOutcome<number>>,
  ): CallOutcome<number> {
    if (this.#onMessage === null) {
      return {
        tag: 'err',
        error: 'unavailable',
        message: 'the host takes no messages: send to an agent, or call a tool',
      };
    }
    const answer = body.tag === 'request' ? (sent: Payload) => reply(body.correlation, sent) : null;
    try {
      this.#onMessage({ from: pid, agentId, payload, reply: answer });
    } catch (error) {
      this.#warn(`onMessage failed: ${error instanceof Error ? error.message : String(error)}`);
    }
    return { tag: 'ok', val: 0 };
  }

  /** A request goes out: its correlation id, and what comes of it. */
  ask(to: Pid): { readonly correlation: number; readonly reply: Promise<Payload | NoReply> } {
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
