/** Revocations that a process is told of, and answers. */

import { answerTimer } from '../deadline.ts';

/** How long it has to answer. */
const TOLD_MS_MAX = 2_000;

/** The revocations of one agent that its process has not answered yet. */
export class Tellings {
  readonly #underWay = new Map<number, () => void>();
  #nextId = 1;

  /** Resolves when it has answered, or all are over; `silent` is called when it does not answer. */
  async tell(send: (id: number) => void, silent: () => void): Promise<void> {
    const id = this.#nextId;
    this.#nextId += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay.set(id, resolve);
    const timer = answerTimer(TOLD_MS_MAX, silent);
    send(id);
    await promise;
    timer.clear();
  }

  /** It knows. */
  told(id: number): void {
    this.#underWay.get(id)?.();
    this.#underWay.delete(id);
  }

  /** There is nobody left to tell. */
  close(): void {
    for (const id of [...this.#underWay.keys()]) {
      this.told(id);
    }
  }
}
