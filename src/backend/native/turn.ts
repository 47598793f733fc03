/**
 * The turn of the event loop that functions share with the program.
 *
 * What they call is mostly answered in microtasks: two that talk to each other would go on without end,
 * and no timer, kill or message of anybody else would have its turn.
 */

/** How long functions go on in one turn; a worker's scheduler gives its event loop as much. */
const TURN_MS = 2;

/** What remains of a turn. */
export class Turn {
  #next: Promise<void> | null = null;
  #beganAtMs = 0;

  /** Null: there is time left. Otherwise it resolves in the next turn. */
  over(): Promise<void> | null {
    if (this.#next === null) {
      this.#beganAtMs = performance.now();
      this.#next = new Promise((resolve) => {
        setImmediate(() => {
          this.#next = null;
          resolve();
        });
      });
    }
    return performance.now() - this.#beganAtMs < TURN_MS ? null : this.#next;
  }
}
