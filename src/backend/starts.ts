/**
 * Starts of threads and processes of agents' own, a few at a time: each loads our code for itself, and
 * sixty at once would hold up everybody, themselves included.
 */

/** A place among those that start; given back when the start has been made, or not. */
export interface StartTurn {
  end(): void;
}

/** Gives turns to start, at most so many at a time. */
export class Starts {
  readonly #most: number;
  /** Turns that were given and have not ended, and starts that are under way. */
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves when another may start, in the order of asking. */
  async turn(): Promise<StartTurn> {
    if (this.#taken >= this.#most) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#taken += 1;
    }
    let ended = false;
    return {
      end: () => {
        if (!ended) {
          ended = true;
          this.#giveBack();
        }
      },
    };
  }

  /** Counts a start until it is over, however that comes out. */
  count(over: Promise<unknown>): void {
    this.#taken += 1;
    const giveBack = (): void => this.#giveBack();
    over.then(giveBack, giveBack);
  }

  #giveBack(): void {
    const next = this.#taken <= this.#most ? this.#waiting.shift() : undefined;
    if (next === undefined) {
      this.#taken -= 1;
    } else {
      // The place is the next one's.
      next();
    }
  }
}
