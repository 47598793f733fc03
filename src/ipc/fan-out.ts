/**
 * Mail to many, a few at a time. Whoever publishes pays for one call, and the program's thread and the workers for
 * as many deliveries as there are receivers: a hundred agents that publish to each other without end would have
 * ten thousand under way, and whatever else goes through these threads would wait behind them.
 */

/** No other mail to many begins while so many deliveries are under way. */
export const DELIVERIES_UNDER_WAY_MAX = 128;

/**
 * Deliveries count as under way no longer than this, in milliseconds: a process that takes its mail late, on
 * purpose, must not hold up what others publish.
 */
export const COUNTED_MS_MAX = 10;

interface Waiting {
  readonly deliveries: number;
  begin(): void;
}

/** What goes to many, of all agents and of the program. */
export class FanOut {
  #underWay = 0;
  /** Those of agents, in order: each agent waits until its own has come out, so none has many. */
  readonly #waiting: Waiting[] = [];
  /** Those of the program. */
  readonly #ofProgram: Waiting[] = [];

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.length + this.#ofProgram.length;
  }

  /** Does `work`, of so many deliveries, at once or when it is its turn: the program's comes first. */
  async run<Value>(
    deliveries: number,
    isOfProgram: boolean,
    work: () => Promise<Value>,
  ): Promise<Value> {
    if (this.#underWay >= DELIVERIES_UNDER_WAY_MAX) {
      const queue = isOfProgram ? this.#ofProgram : this.#waiting;
      await new Promise<void>((begin) => queue.push({ deliveries, begin }));
    } else {
      this.#underWay += deliveries;
    }
    let isCounted = true;
    const settle = (): void => {
      if (isCounted) {
        isCounted = false;
        this.#underWay -= deliveries;
        this.#beginNext();
      }
    };
    const late = setTimeout(settle, COUNTED_MS_MAX);
    try {
      return await work();
    } finally {
      clearTimeout(late);
      settle();
    }
  }

  #beginNext(): void {
    while (this.#underWay < DELIVERIES_UNDER_WAY_MAX) {
      const next = this.#ofProgram.shift() ?? this.#waiting.shift();
      if (next === undefined) {
        return;
      }
      this.#underWay += next.deliveries;
      next.begin();
    }
  }
}
