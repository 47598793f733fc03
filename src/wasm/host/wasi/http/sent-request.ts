/** A request that is on its way: what the network says of it, for the guest's future and bodies. */

import type { FromNetwork, SendHead } from '../../../../network/exchange.ts';
import type { HostAgent, SentExchange } from '../../agent.ts';
import { BodySource } from './incoming-body.ts';
import type { BodySink } from './outgoing-body.ts';
import { Waiters } from './waiters.ts';

/** What a request that was sent is answered by. */
export type NetworkAnswer = Extract<FromNetwork, { step: 'head' | 'failed' }>;

/** One request, from when it is sent until its response is whole, has failed, or is not wanted any more. */
export class SentRequest {
  /** The body of the response. */
  readonly source: BodySource;
  readonly #waiters = new Waiters();
  readonly onAnswer = this.#waiters.subscribe;
  readonly #body: BodySink | null;
  readonly #exchange: SentExchange;
  #answer: NetworkAnswer | null = null;
  #over = false;

  /** Sends it. `body`: null, it has none. */
  constructor(agent: HostAgent, head: SendHead, body: BodySink | null) {
    this.#body = body;
    this.source = new BodySource(() => this.#exchange.pull());
    this.#exchange = agent.network.send(head, (say) => this.#take(say));
    body?.attach(this.#exchange);
  }

  /** The head of its response, or why there is none; null: neither has come yet. */
  get answer(): NetworkAnswer | null {
    return this.#answer;
  }

  /** Nobody wants the response any more. */
  drop(): void {
    if (!this.#over) {
      this.#over = true;
      this.#exchange.drop();
    }
    this.#body?.close();
  }

  #take(say: FromNetwork): void {
    switch (say.step) {
      case 'taken':
        this.#body?.taken(say.bytes);
        return;
      case 'head':
        this.#answer = say;
        this.#waiters.notify();
        return;
      case 'bytes':
        this.source.arrived(say.bytes);
        return;
      case 'end':
        this.#over = true;
        this.source.ended({ trailers: say.trailers });
        return;
      case 'failed':
        this.#over = true;
        this.#body?.close();
        this.source.ended({ failed: say.failure });
        if (this.#answer === null) {
          this.#answer = say;
          this.#waiters.notify();
        }
        return;
    }
  }
}
