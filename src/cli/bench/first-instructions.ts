/** When agents come to their first instruction, as the program hears it. */

import type { Kernel, StateWatch } from '../../index.ts';

/** Watches all agents of a kernel from when it is made until it is closed. */
export class FirstInstructions {
  readonly #watch: StateWatch;
  /** Of those that nobody has asked for yet; null: it has ended before. */
  readonly #seen = new Map<number, number | null>();
  readonly #asked = new Map<number, (atMs: number | null) => void>();

  constructor(kernel: Kernel) {
    this.#watch = kernel.watch();
    void this.#follow();
  }

  /** Resolves with its moment by the clock of `performance.now()`; null: it never came to one. */
  of(pid: number): Promise<number | null> {
    const seen = this.#seen.get(pid);
    if (seen !== undefined) {
      this.#seen.delete(pid);
      return Promise.resolve(seen);
    }
    return new Promise((resolve) => this.#asked.set(pid, resolve));
  }

  async close(): Promise<void> {
    await this.#watch.return();
  }

  async #follow(): Promise<void> {
    for await (const { pid, from, to } of this.#watch) {
      if (from === 'starting') {
        this.#tell(pid, to === 'running' ? performance.now() : null);
      }
    }
    for (const pid of [...this.#asked.keys()]) {
      this.#tell(pid, null);
    }
  }

  #tell(pid: number, atMs: number | null): void {
    const asked = this.#asked.get(pid);
    if (asked === undefined) {
      this.#seen.set(pid, atMs);
    } else {
      this.#asked.delete(pid);
      asked(atMs);
    }
  }
}
