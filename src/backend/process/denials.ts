/** Denials of an agent in a process of its own: what its gate there says, and what was denied here. */

/** Kinds of denials that are kept apart; a gate has fewer. */
const KINDS_MAX = 512;

interface Denial {
  readonly capability: string;
  readonly operation: string;
  /** As its own gate counts them: a total. */
  told: number;
  /** Denied here, after its own gate had let them pass. */
  here: number;
}

/** The denials of one agent, by what was denied: bounded, and told as they come. */
export class Denials {
  readonly #denials = new Map<string, Denial>();
  readonly #report: (capability: string, operation: string, count: number) => void;

  constructor(report: (capability: string, operation: string, count: number) => void) {
    this.#report = report;
  }

  /** Its gate has denied a call so many times in all. */
  told(capability: string, operation: string, count: number): void {
    this.#change(capability, operation, (denial) => {
      denial.told = Math.max(denial.told, count);
    });
  }

  /** A call was denied here. */
  add(capability: string, operation: string): void {
    this.#change(capability, operation, (denial) => {
      denial.here += 1;
    });
  }

  #change(capability: string, operation: string, change: (denial: Denial) => void): void {
    const key = `${capability} ${operation}`;
    let denial = this.#denials.get(key);
    if (denial === undefined) {
      if (this.#denials.size >= KINDS_MAX) {
        return;
      }
      denial = { capability, operation, told: 0, here: 0 };
      this.#denials.set(key, denial);
    }
    change(denial);
    this.#report(capability, operation, denial.told + denial.here);
  }
}
