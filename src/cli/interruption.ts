/** Ctrl-C and SIGTERM: the first ends the run in order, the second ends the process at once. */

import type { Environment } from './environment.ts';
import { type EndingSignal, STATUS_OF_SIGNAL } from './exit-status.ts';

/** Watches for signals from when it is made until it is disposed of. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #stopListening: () => void;
  #received: EndingSignal | null = null;

  constructor(environment: Pick<Environment, 'onSignal' | 'exit'>) {
    this.#stopListening = environment.onSignal((signal) => {
      if (this.#received !== null) {
        environment.exit(STATUS_OF_SIGNAL[signal]);
        return;
      }
      this.#received = signal;
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

  [Symbol.dispose](): void {
    this.#stopListening();
  }
}
