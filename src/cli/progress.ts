/** The line on a terminal that says what is being done while a module is prepared. */

import type { Environment } from './environment.ts';
import { printableLine } from './printable.ts';

/** What is done faster than this is not worth a line. */
const DELAY_MS = 150;

/** Empties the line and goes back to its beginning. */
const ERASE = '\u001b[2K\r';

/** Shows one line on a terminal's standard error and erases it again; elsewhere nothing. */
export class ProgressLine {
  readonly #stderr: Environment['stderr'];
  readonly #enabled: boolean;
  readonly #what: string;
  #stage = '';
  #timer: NodeJS.Timeout | null = null;
  #shown = false;

  constructor(environment: Pick<Environment, 'stderr' | 'variables'>, what: string) {
    const { variables } = environment;
    this.#stderr = environment.stderr;
    // The line is made of escape sequences, which these three ask to be spared.
    this.#enabled =
      environment.stderr.isTerminal &&
      !variables.NO_COLOR &&
      !variables.CI &&
      variables.TERM !== 'dumb';
    this.#what = what;
  }

  /** Shows what is being done now, unless it is over in a moment. */
  update(stage: string): void {
    if (!this.#enabled) {
      return;
    }
    this.#stage = stage;
    if (this.#shown) {
      this.#draw();
    } else {
      this.#timer ??= setTimeout(() => this.#draw(), DELAY_MS).unref();
    }
  }

  #draw(): void {
    this.#shown = true;
    const line = printableLine(`${this.#what}: ${this.#stage}`);
    this.#stderr.print(`${ERASE}${line.slice(0, Math.max(0, this.#stderr.columns - 1))}`);
  }

  /** Takes the line away. */
  erase(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
    }
    if (this.#shown) {
      this.#shown = false;
      this.#stderr.print(ERASE);
    }
    this.#timer = null;
  }
}
