/** The rest of a process while its agent is suspended: it says that it has heard, and does nothing more. */

import type { ToChild } from '../../wasm/worker/child/messages.ts';
import type { ReadHead } from './from-child.ts';
import type { Tellings } from './tellings.ts';
import type { ProcessWatch } from './watch.ts';

/** What only an agent that runs asks for; what it had written before may still come out of its process. */
const ACTS: ReadonlySet<ReadHead['kind']> = new Set([
  'send',
  'ask',
  'tool',
  'spawn',
  'request-grant',
  'file',
  'socket',
]);

/** Whether only an agent that runs asks for it. */
export const isAct = ({ kind }: ReadHead): boolean => ACTS.has(kind);

/** What is known of the agent and its process. */
export interface RestOptions {
  readonly pid: number;
  readonly tellings: Tellings;
  watch(): ProcessWatch | null;
  send(message: ToChild): void;
  /** The process has not said that it has heard. */
  silent(): void;
}

/** Whether one process is at rest. */
export class Rest {
  readonly #options: RestOptions;
  /** Goes up at each change: an answer to an earlier one says nothing. */
  #round = 0;
  #isResting = false;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /** It is told, and at rest once it has answered. */
  begin(): void {
    const { tellings, send, silent, watch } = this.#options;
    this.#round += 1;
    const round = this.#round;
    const heard = (): void => {
      if (round === this.#round) {
        this.#isResting = true;
        watch()?.beginRest();
      }
    };
    void tellings.tell((id) => send({ kind: 'suspended', id }), silent, heard);
  }

  end(): void {
    const { pid, send, watch } = this.#options;
    this.#round += 1;
    this.#isResting = false;
    watch()?.endRest();
    send({ kind: 'resumed', pid });
  }

  /** Whether what it says breaks its rest. */
  isBrokenBy({ kind }: ReadHead): boolean {
    return this.#isResting && ACTS.has(kind);
  }
}
