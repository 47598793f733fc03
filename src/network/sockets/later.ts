/** An answer that comes later. */

import type { Awaited } from './request.ts';

/** Something that is under way, and somebody waits for. */
export class Later<Value> implements Awaited<Value> {
  #outcome: { readonly tag: 'ok'; readonly val: Value } | null = null;
  readonly #wakes = new Set<() => void>();

  get outcome(): { readonly tag: 'ok'; readonly val: Value } | null {
    return this.#outcome;
  }

  readonly onSettled = (wake: () => void): (() => void) => {
    if (this.#outcome !== null) {
      queueMicrotask(wake);
      return () => {};
    }
    this.#wakes.add(wake);
    return () => this.#wakes.delete(wake);
  };

  /** It is through; only the first time counts. */
  settle(value: Value): void {
    if (this.#outcome === null) {
      this.#outcome = { tag: 'ok', val: value };
      for (const wake of [...this.#wakes]) {
        this.#wakes.delete(wake);
        wake();
      }
    }
  }

  abandon(): void {
    this.#wakes.clear();
  }
}
