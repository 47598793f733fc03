/** Calls of clients that run at a time, and those that wait for their turn, in order: both are bounded. */

/** As many calls run and wait as may. */
export class NoTurnError extends Error {
  constructor() {
    super('as many calls run and wait as may');
    this.name = 'NoTurnError';
  }
}

interface Waiting {
  readonly bytes: number;
  readonly start: () => void;
}

/** How many calls may run and wait. */
export interface CallBounds {
  readonly running: number;
  readonly waiting: number;
  /** What is kept of all that wait, in bytes. */
  readonly waitingBytes: number;
}

/** Hands out turns: of an operator's own tools to clients that it trusts alike, so that who asks first is first. */
export class CallTurns {
  readonly #bounds: CallBounds;
  #running = 0;
  readonly #waiting = new Set<Waiting>();
  #waitingBytes = 0;

  constructor(bounds: CallBounds) {
    this.#bounds = bounds;
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
   * Resolves with how to give the turn back, once it has come. `bytes` is asked only where it has to wait: what is
   * kept of the call until then.
   *
   * @throws {NoTurnError} when as many wait as may, or as many bytes of them
   * @throws the signal's reason, once that is aborted
   */
  async take(signal: AbortSignal, bytes: () => number): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#running >= this.#bounds.running) {
      await this.#wait(signal, bytes);
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

  #wait(signal: AbortSignal, bytesOf: () => number): Promise<void> {
    if (this.#waiting.size >= this.#bounds.waiting) {
      throw new NoTurnError();
    }
    const bytes = bytesOf();
    if (this.#waitingBytes + bytes > this.#bounds.waitingBytes) {
      throw new NoTurnError();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancelled = (): void => {
      this.#leave(waiting);
      reject(signal.reason);
    };
    const waiting: Waiting = {
      bytes,
      start: () => {
        signal.removeEventListener('abort', cancelled);
        resolve();
      },
    };
    signal.addEventListener('abort', cancelled, { once: true });
    this.#waiting.add(waiting);
    this.#waitingBytes += bytes;
    return promise;
  }

  #leave(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    this.#waitingBytes -= waiting.bytes;
  }

  #giveBack(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running -= 1;
    } else {
      // The turn goes from hand to hand.
      this.#leave(next);
      next.start();
    }
  }
}
