/** Bounds how many modules are prepared at a time: each takes a process of its own, up to a gigabyte. */

/** Runs so many pieces of work at a time, the others in the order in which they came. */
export class WorkQueue {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Runs the work when it is its turn. Where `signal` is aborted before, rejects with its reason. */
  async run<Value>(work: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
    if (this.#running >= this.#most) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#running -= 1;
      } else {
        next();
      }
    }
  }
}
