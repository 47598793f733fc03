/** Ctrl-C and SIGTERM: the first ends the run in order, the second ends the process at once. */

import type { Environment } from './environment.ts';
import { type EndingSignal, STATUS_OF_SIGNAL } from './exit-status.ts';

/** Watches for signals from when it is made until it is told to stop. */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #stopListening: () => void;
  #received: EndingSignal | null = null;
  #exitAtNext = false;

  constructor(environment: Pick<Environment, 'onSignal' | 'exit'>) {
    this.#stopListening = environment.onSignal((signal) => {
      if (this.#exitAtNext) {
        environment.exit(STATUS_OF_SIGNAL[signal]);
        return;
      }
      this.#received = signal;
      this.#exitAtNext = true;
      this.#controller.abort();
    });
  }

  /** The signal that came first; null while none has. */
  get received(): EndingSignal | null {
    return this.#received;
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** One sentence for reports; only once a signal was received. */
  get message(): string {
    return this.#received === 'SIGTERM' ? 'it was stopped by SIGTERM' : 'it was stopped by Ctrl-C';
  }

  /** Nothing is left to be ended in order: the next signal, be it the first, ends the process. */
  exitAtNext(): void {
    this.#exitAtNext = true;
  }

  /** Leaves signals to the system again. */
  stopListening(): void {
    this.#stopListening();
  }
}
