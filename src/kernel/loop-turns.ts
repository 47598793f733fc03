/**
 * What many agents ask of the program's thread at once, one in each turn of the event loop: between two of them go
 * the program's own work and everybody's messages. Who asks waits for the answer, so that no agent has many here.
 */
export class LoopTurns {
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  /** Null: it may begin at once. Else resolves when it is its turn. */
  take(): Promise<void> | null {
    if (!this.#isTaken) {
      this.#isTaken = true;
      setImmediate(this.#next);
      return null;
    }
    return new Promise((begin) => this.#waiting.push(begin));
  }

  readonly #next = (): void => {
    const begin = this.#waiting.shift();
    if (begin === undefined) {
      this.#isTaken = false;
      return;
    }
    setImmediate(this.#next);
    begin();
  };
}
