/**
 * What a process is told and has to answer: that grants were revoked, that its agent is suspended, and
 * whether it is there.
 */

import { answerTimer } from '../deadline.ts';

/** How long it has to answer. */
const TOLD_MS_MAX = 2_000;

/** What the process of one agent was told and has not answered yet. */
export class Tellings {
  readonly #underWay = new Map<number, () => void>();
  #nextId = 1;

  /**
   * Resolves when it has answered, or all are over; `silent` is called when it does not answer in time.
   * `heard` is called at once, before what it says next is looked at.
   */
  async tell(
    send: (id: number) => void,
    silent: () => void = () => {},
    heard: () => void = () => {},
  ): Promise<void> {
    const id = this.#nextId;
    this.#nextId += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay.set(id, () => {
      heard();
      resolve();
    });
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
