/** Whom a listening socket of UDP has heard: it may answer them. */

import type { Endpoint } from './request.ts';

/** So many are known, those that were heard last. */
const PEERS_MAX = 256;

/** The last peers of one socket. */
export class Peers {
  readonly #heard = new Set<string>();

  heard(from: Endpoint): void {
    const key = keyOf(from);
    // Whoever was heard last stands last.
    this.#heard.delete(key);
    this.#heard.add(key);
    if (this.#heard.size > PEERS_MAX) {
      const [oldest] = this.#heard;
      this.#heard.delete(oldest as string);
    }
  }

  has(endpoint: Endpoint): boolean {
    return this.#heard.has(keyOf(endpoint));
  }
}

const keyOf = ({ address, port }: Endpoint): string => `${address} ${port}`;
