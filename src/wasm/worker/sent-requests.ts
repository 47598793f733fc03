/** The HTTP requests that an agent sends, on the agent's side of whoever performs them. */

import type { FromNetwork, SendHead, ToNetwork } from '../../network/exchange.ts';
import type { NetworkHost, SentExchange } from '../host/agent.ts';

/** Performs an agent's requests: in this thread, or on the other side of a pipe. */
export interface NetworkLink {
  take(say: ToNetwork): void;
  /** Grants may be gone. */
  revoked(): void;
  /** The agent has ended. */
  close(): void;
}

/** The network of a worker that has none. */
export const noNetwork = (hear: (say: FromNetwork) => void): NetworkLink => ({
  take: ({ step, id }) => {
    if (step === 'send') {
      queueMicrotask(() =>
        hear({ step: 'failed', id, failure: { tag: 'destination-unavailable' } }),
      );
    }
  },
  revoked: () => {},
  close: () => {},
});

/** Who hears of each request that is under way. */
export class SentRequests implements NetworkHost {
  readonly #link: NetworkLink;
  readonly #hearers = new Map<number, (say: FromNetwork) => void>();
  #lastId = 0;
  #closed = false;

  /** `open` makes the link; what it hears it hands to `hear`. */
  constructor(open: (hear: (say: FromNetwork) => void) => NetworkLink) {
    this.#link = open((say) => this.hear(say));
  }

  send(head: SendHead, hear: (say: FromNetwork) => void): SentExchange {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#hearers.set(id, hear);
    this.#say({ step: 'send', id, head });
    return {
      bytes: (bytes) => this.#say({ step: 'bytes', id, bytes }),
      end: (trailers) => this.#say({ step: 'end', id, trailers }),
      broken: () => this.#forget({ step: 'broken', id }),
      pull: () => this.#say({ step: 'pull', id }),
      drop: () => this.#forget({ step: 'drop', id }),
    };
  }

  /** What is said of a request; nobody hears it of one that was given up. */
  hear(say: FromNetwork): void {
    const hearer = this.#hearers.get(say.id);
    if (say.step === 'end' || say.step === 'failed') {
      this.#hearers.delete(say.id);
    }
    hearer?.(say);
  }

  revoked(): void {
    this.#link.revoked();
  }

  close(): void {
    this.#closed = true;
    this.#hearers.clear();
    this.#link.close();
  }

  /** A body that will not be whole: whoever sent it is told as of any other failure. */
  #forget(say: Extract<ToNetwork, { step: 'broken' | 'drop' }>): void {
    this.#say(say);
    if (say.step === 'drop') {
      this.#hearers.delete(say.id);
    }
  }

  #say(say: ToNetwork): void {
    if (!this.#closed && this.#hearers.has(say.id)) {
      this.#link.take(say);
    }
  }
}
