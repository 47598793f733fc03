/** What was denied to an agent, and how often: told to the kernel without flooding it. */

/** One kind of denial, as it is told: `count` is how many there were in all. */
export interface DenialCount {
  readonly capability: string;
  readonly operation: string;
  readonly count: number;
}

/** Counts the denials of one agent. There are as many kinds as its host functions have. */
export class DenialCounts {
  readonly #counts = new Map<string, { capability: string; operation: string; count: number }>();
  readonly #tell: (denial: DenialCount) => void;

  constructor(tell: (denial: DenialCount) => void) {
    this.#tell = tell;
  }

  /** A call was denied. */
  add(capability: string, operation: string): void {
    const key = `${capability} ${operation}`;
    let denial = this.#counts.get(key);
    if (denial === undefined) {
      denial = { capability, operation, count: 0 };
      this.#counts.set(key, denial);
    }
    denial.count += 1;
    // A guest that asks in a loop must not flood the port: the rest is told at its end.
    if ((denial.count & (denial.count - 1)) === 0) {
      this.#tell({ ...denial });
    }
  }

  /** Tells all as they are now; for the agent's end. */
  flush(): void {
    for (const denial of this.#counts.values()) {
      this.#tell({ ...denial });
    }
  }
}
