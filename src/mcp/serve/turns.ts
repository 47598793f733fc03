/** Calls that run at a time, and those that wait for their turn, in order: both are bounded. */

/** As many calls run and wait as may. */
export class NoTurnError extends Error {
  constructor() {
    super('as many calls run and wait as may');
    this.name = 'NoTurnError';
  }
}

interface Waiting {
  readonly start: () => void;
}

/** Hands out turns. */
export class Turns {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  #running = 0;
  readonly #waiting = new Set<Waiting>();

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  /** Turns that were taken and not given back. */
  get running(): number {
    return this.#running;
  }

  /** Who waits for a turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Resolves with how to give the turn back, once it has come.
   *
   * @throws {NoTurnError} when as many wait as may
   * @throws the signal's reason, once that is aborted
   */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#running >= this.#runningMax) {
      await this.#wait(signal);
    } else {
      this.#running += 1;
    }
    let isGivenBack = false;
    return () => {
      if (!isGivenBack) {
        isGivenBack = true;
        this.#giveBack();
      }
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#waitingMax) {
      throw new NoTurnError();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancelled = (): void => {
      this.#waiting.delete(waiting);
      reject(signal.reason);
    };
    const waiting: Waiting = {
      start: () => {
        signal.removeEventListener('abort', cancelled);
        resolve();
      },
    };
    signal.addEventListener('abort', cancelled, { once: true });
    this.#waiting.add(waiting);
    return promise;
  }

  #giveBack(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running -= 1;
    } else {
      // The turn goes from hand to hand.
      this.#waiting.delete(next);
      next.start();
    }
  }
}
