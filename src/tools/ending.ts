/** Why a call of a tool, or its stream, is given up: the first of several reasons that comes. */

import { failure, type ToolOutcome } from './outcome.ts';

/** Why nobody waits any more. */
export type EndReason = 'abandoned' | 'closed' | 'revoked' | 'timeout' | 'unregistered' | 'yielded';

/** What the agent is told; where it has ended nobody hears it. */
export function endedOutcome(reason: EndReason): ToolOutcome {
  switch (reason) {
    case 'revoked':
      return failure(
        'denied',
        'the grant under which the tool was called is gone: ask for it again',
      );
    case 'timeout':
      return failure(
        'timeout',
        'the tool has not answered in its time: ask for less, or try again',
      );
    case 'yielded':
      return failure(
        'limit-exceeded',
        'the stream has had its turn for long and others wait for theirs: call the tool again',
      );
    case 'unregistered':
      return failure('unavailable', 'the host offers the tool no longer: do without it');
    case 'abandoned':
    case 'closed':
      return failure('cancelled', 'the call was given up');
  }
}

/** Ends once, for one of the reasons that it was told to look out for. */
export class Ending {
  readonly #controller = new AbortController();
  readonly #watched: { readonly signal: AbortSignal; readonly listener: () => void }[] = [];
  readonly #told: ((reason: EndReason) => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #reason: EndReason | null = null;

  /** What a handler is given. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Null: it has not ended. */
  get reason(): EndReason | null {
    return this.#reason;
  }

  /** Ends when a signal is aborted. */
  on(signal: AbortSignal, reason: EndReason): void {
    if (signal.aborted) {
      this.end(reason);
      return;
    }
    const listener = (): void => this.end(reason);
    signal.addEventListener('abort', listener, { once: true });
    this.#watched.push({ signal, listener });
  }

  /** Looks out for a signal no longer: what was called goes on without who called. */
  forget(signal: AbortSignal): void {
    for (const watched of this.#watched) {
      if (watched.signal === signal) {
        signal.removeEventListener('abort', watched.listener);
      }
    }
  }

  /** Ends after a time; calling it again begins the time again. */
  within(timeoutMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end('timeout'), timeoutMs);
  }

  /** There is no time in which it has to be done, for now. */
  untimed(): void {
    clearTimeout(this.#timer);
  }

  /** Calls back once it has ended; at once where it has. */
  ended(told: (reason: EndReason) => void): void {
    if (this.#reason === null) {
      this.#told.push(told);
    } else {
      told(this.#reason);
    }
  }

  /** Nobody waits any more. */
  end(reason: EndReason): void {
    if (this.#reason !== null) {
      return;
    }
    this.#reason = reason;
    this.settle();
    this.#controller.abort();
    for (const told of this.#told.splice(0)) {
      told(reason);
    }
  }

  /** All is done: nothing is looked out for any more. */
  settle(): void {
    clearTimeout(this.#timer);
    for (const { signal, listener } of this.#watched.splice(0)) {
      signal.removeEventListener('abort', listener);
    }
  }
}
