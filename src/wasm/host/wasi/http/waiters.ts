/** Those who wait for something of HTTP to change. */

import type { Subscribe } from '../../agent.ts';

/** Each is woken once, when something has changed. */
export class Waiters {
  readonly #wakes = new Set<() => void>();

  readonly subscribe: Subscribe = (wake) => {
    this.#wakes.add(wake);
    return () => this.#wakes.delete(wake);
  };

  notify(): void {
    for (const wake of [...this.#wakes]) {
      this.#wakes.delete(wake);
      wake();
    }
  }
}
