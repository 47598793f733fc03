/** What an agent has asked for and waits for: messages that are sent, tools that are called. */

import type { Answer } from '../ipc/question.ts';
import type { CallOutcome } from './backend.ts';

/** How an operation came out, whatever it was. */
export type OperationOutcome = CallOutcome<string | Answer>;

/** ringfence itself failed at it. */
export const FAILED: CallOutcome<never> = {
  tag: 'err',
  error: 'unavailable',
  message: 'the host failed: its operator knows why',
};

/** The operations under way of one agent, by the ids that whoever runs it has given them. */
export class Operations {
  /** Null until the first begins: most agents ask for nothing. */
  #underWay: Map<number, AbortController> | null = null;
  #working = 0;
  readonly #settled: (id: number, outcome: OperationOutcome) => void;

  /** `settled` is told how one came out that nobody has abandoned meanwhile. */
  constructor(settled: (id: number, outcome: OperationOutcome) => void) {
    this.#settled = settled;
  }

  /** How many are under way. */
  get size(): number {
    return this.#underWay?.size ?? 0;
  }

  /** How many are being worked on, those that were abandoned and go on all the same included. */
  get working(): number {
    return this.#working;
  }

  has(id: number): boolean {
    return this.#underWay?.has(id) ?? false;
  }

  begin(id: number, work: (signal: AbortSignal) => Promise<OperationOutcome>): void {
    const controller = new AbortController();
    this.#underWay ??= new Map();
    this.#underWay.set(id, controller);
    this.#working += 1;
    void work(controller.signal)
      .catch(() => FAILED)
      .then((outcome) => {
        this.#working -= 1;
        // The id of one that was abandoned may be another's by now.
        if (this.#underWay?.get(id) === controller) {
          this.#underWay.delete(id);
          this.#settled(id, outcome);
        }
      });
  }

  /** Stops one that is under way: it has come out as we say. */
  cancel(id: number, outcome: OperationOutcome): void {
    if (this.has(id)) {
      this.abandon(id);
      this.#settled(id, outcome);
    }
  }

  /** Nobody waits for it any more. */
  abandon(id: number): void {
    this.#underWay?.get(id)?.abort();
    this.#underWay?.delete(id);
  }

  abandonAll(): void {
    for (const id of [...(this.#underWay?.keys() ?? [])]) {
      this.abandon(id);
    }
  }
}
