/**
 * Lets few calls of `sync` be under way at a time, whoever asks: each takes one of the few threads that
 * do the host program's own reading of files and looking up of names.
 */

/** Calls of `sync` under way at a time, of all agents that share a queue. */
const UNDER_WAY_MAX = 1;

/** Starts work of the system; calls back once, later, when it is through. */
type Work = (done: () => void) => void;

/** Calls of `sync` in their order. */
export class SyncQueue {
  /** At most one of each agent, so it is bounded. */
  readonly #waiting: Work[] = [];
  #underWay = 0;

  add(work: Work): void {
    this.#waiting.push(work);
    this.#next();
  }

  #next(): void {
    if (this.#underWay >= UNDER_WAY_MAX) {
      return;
    }
    const work = this.#waiting.shift();
    if (work !== undefined) {
      this.#underWay += 1;
      work(() => {
        this.#underWay -= 1;
        this.#next();
      });
    }
  }
}
