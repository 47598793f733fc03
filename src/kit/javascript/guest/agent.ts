// An agent that receives messages until it is told to stop.

import { AgentError } from './errors.ts';
import { type Filter, mailbox, type Received } from './mailbox.ts';
import type { Payload } from './payload.ts';

/** What arrives under a tag. */
export type Arrived<Tag extends Received['tag']> = Extract<Received, { readonly tag: Tag }>;

/**
 * An agent: what it does at which message. A class extends it, and `run` of the world is `new Mine().run()`.
 *
 * @example
 * ```ts
 * class Echo extends Agent {
 *   override onRequest({ payload }: Arrived<'request'>) {
 *     return payload;
 *   }
 * }
 * export const run = () => new Echo().run();
 * ```
 */
export class Agent {
  #stopped = false;

  /** How long it waits for a message before {@link onIdle}. @default for ever */
  idleMs: number | null = null;

  onStart(): void {}
  onMessage(_message: Arrived<'message'>): void {}
  /** What it answers is the reply; `undefined`: the reply comes later, by `mailbox.reply`, or never. */
  onRequest(_request: Arrived<'request'>): Payload | undefined {
    return undefined;
  }
  /** Of a request that nobody waited for by `mailbox.ask`. */
  onReply(_reply: Arrived<'reply'>): void {}
  onTopic(_message: Arrived<'topic'>): void {}
  /** Of a linked agent, where exits are trapped. */
  onExit(_exit: Arrived<'exit'>): void {}
  /** Of an agent that is monitored. */
  onDown(_down: Arrived<'down'>): void {}
  onWarning(_warning: Arrived<'warning'>): void {}
  onTimer(_timer: Arrived<'timer'>): void {}
  /** The host asks it to stop: it ends after this. */
  onCancelled(_reason: string): void {}
  /** No message came for {@link idleMs}: it ends, unless this says something else. */
  onIdle(): void {
    this.stop();
  }

  /**
   * The reply of {@link onRequest} was not delivered: whoever asked has ended or waits no more, or has no room. Says
   * so in the log, and goes on: nobody can end an agent by going away.
   */
  onUndelivered(error: AgentError): void {
    console.warn(`cannot reply: ${error.message}`);
  }

  /**
   * Nothing can be received, as it is not granted to: its last words. It fails, unless this says something else: with
   * a method that does nothing it ends as `normal`.
   */
  onFailure(error: AgentError): void {
    throw error;
  }

  /** Lets {@link run} end after the message that is at hand. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Receives until it is stopped.
   *
   * @throws what a handler throws, which ends the agent
   */
  run(): void {
    this.#attempt(() => this.onStart());
    while (!this.#stopped) this.#step();
  }

  #step(): void {
    const filter: Filter = this.idleMs === null ? {} : { timeoutMs: this.idleMs };
    let received: Received;
    try {
      received = mailbox.receive(filter);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      if (error.code === 'timeout') {
        this.#attempt(() => this.onIdle());
      } else {
        this.stop();
        this.onFailure(error);
      }
      return;
    }
    this.#attempt(() => this.#handle(received));
  }

  /** Calls a handler. The host may ask the agent to stop while that waits for something: it hears why next. */
  #attempt(handler: () => void): void {
    try {
      handler();
    } catch (error) {
      if (!(error instanceof AgentError && error.code === 'cancelled')) throw error;
    }
  }

  #reply(correlation: number, answer: Payload): void {
    try {
      mailbox.reply(correlation, answer);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.onUndelivered(error);
    }
  }

  #handle(received: Received): void {
    switch (received.tag) {
      case 'message':
        this.onMessage(received);
        break;
      case 'request': {
        const answer = this.onRequest(received);
        if (answer !== undefined) this.#reply(received.correlation, answer);
        break;
      }
      case 'reply':
        this.onReply(received);
        break;
      case 'topic':
        this.onTopic(received);
        break;
      case 'exit':
        this.onExit(received);
        break;
      case 'down':
        this.onDown(received);
        break;
      case 'warning':
        this.onWarning(received);
        break;
      case 'timer':
        this.onTimer(received);
        break;
      case 'cancelled':
        this.stop();
        this.onCancelled(received.reason);
    }
  }
}
