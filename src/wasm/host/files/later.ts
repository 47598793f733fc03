/** An answer that comes later. */

import type { Operation, Outcome, Subscribe } from '../operation.ts';
import type { FileAnswer, FileOperationName } from './request.ts';

/** Work of the system that is under way. */
export class Later<Name extends FileOperationName> implements Operation<FileAnswer<Name>> {
  #outcome: Outcome<FileAnswer<Name>> | null = null;
  readonly #wakes = new Set<() => void>();

  get outcome(): Outcome<FileAnswer<Name>> | null {
    return this.#outcome;
  }

  readonly onSettled: Subscribe = (wake) => {
    if (this.#outcome !== null) {
      queueMicrotask(wake);
      return () => {};
    }
    this.#wakes.add(wake);
    return () => this.#wakes.delete(wake);
  };

  /** It is through. */
  settle(answer: FileAnswer<Name>): void {
    this.#outcome = { tag: 'ok', val: answer };
    for (const wake of [...this.#wakes]) {
      this.#wakes.delete(wake);
      wake();
    }
  }

  /** Nobody waits for it any more; the system finishes it all the same. */
  abandon(): void {
    this.#wakes.clear();
  }
}
