/** The HTTP requests of an agent that handles them: one after another, as the program hands them over. */

import type { FromExchange, ToExchange } from '../../http/exchange.ts';
import type { HostAgent, Subscribe, Unsubscribe } from '../host/agent.ts';
import { ServedExchange } from '../host/wasi/http/served.ts';

/** An agent, as far as waiting for its next request needs it. */
export interface Waiting extends Pick<HostAgent, 'wait'> {
  readonly ended: boolean;
  readonly park: () => Promise<void> | undefined;
}

/** What is to be handled, what is being handled, and whether more will come. */
export class HandledRequests {
  readonly #post: (say: FromExchange) => void;
  /** The program hands over the next when it has heard that the last is done: one, or two at most. */
  readonly #next: ServedExchange[] = [];
  #current: ServedExchange | null = null;
  #isLast = false;
  #wake: (() => void) | null = null;

  constructor(post: (say: FromExchange) => void) {
    this.#post = post;
  }

  take(say: ToExchange): void {
    switch (say.step) {
      case 'request':
        this.#isLast ||= say.isLast;
        this.#next.push(new ServedExchange(say, this.#post));
        this.#wake?.();
        return;
      case 'last':
        this.#isLast = true;
        this.#wake?.();
        return;
      default:
        [this.#current, ...this.#next].find((each) => each?.id === say.id)?.take(say);
    }
  }

  /** The next request, when it is there; null: there is no other. Its handler is called at once. */
  async next(agent: Waiting): Promise<ServedExchange | null> {
    while (!agent.ended) {
      const next = this.#next.shift();
      if (next !== undefined) {
        this.#current = next;
        return next;
      }
      if (this.#isLast) {
        return null;
      }
      agent.wait(this.#onNext);
      await agent.park();
    }
    return null;
  }

  /** The handler of the request has returned. */
  returned(): void {
    this.#current?.returned();
    this.#current = null;
  }

  /** The agent has ended: what it was handling is over. */
  close(): void {
    this.#current?.close();
    this.#current = null;
    this.#next.length = 0;
  }

  readonly #onNext: Subscribe = (wake): Unsubscribe => {
    this.#wake = wake;
    return () => {
      this.#wake = null;
    };
  };
}
