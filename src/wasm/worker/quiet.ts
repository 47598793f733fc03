/** Tells when the agents of a worker do nothing until something comes, or the virtual time is moved on. */

import type { Scheduler } from './scheduler.ts';
import type { TimeMoment, VirtualTime } from './virtual-time.ts';

/** What is said of agents that all wait. */
export interface QuietAgents {
  /** How often any of them has run so far: who is told the same twice knows that nothing happened between. */
  readonly runs: number;
  /** The next moment of the virtual time that one waits for; null: none does. */
  readonly nextMs: number | null;
}

/** What has to be quiet. */
export interface QuietOptions {
  readonly time: VirtualTime;
  readonly scheduler: Scheduler;
  agents(): Iterable<{ readonly isQuiet: boolean }>;
  tell(quiet: QuietAgents): void;
}

/** Answers once each time that it is asked. */
export class Quiet {
  readonly #options: QuietOptions;
  #isAsked = false;
  #look: NodeJS.Immediate | null = null;

  constructor(options: QuietOptions) {
    this.#options = options;
  }

  ask(): void {
    this.#isAsked = true;
    this.#lookSoon();
  }

  /** Nobody runs now. */
  idle(): void {
    this.#lookSoon();
  }

  /** What is due rings, and may wake nobody: that is looked at, too. */
  moveTo(moment: TimeMoment): void {
    this.#options.time.moveTo(moment);
    this.#lookSoon();
  }

  /** When those have run that were woken in this turn. */
  #lookSoon(): void {
    if (this.#isAsked) {
      this.#look ??= setImmediate(() => {
        this.#look = null;
        this.#answer();
      });
    }
  }

  #answer(): void {
    const { time, scheduler, agents, tell } = this.#options;
    if (scheduler.isBusy) {
      return;
    }
    if (time.isRinging) {
      this.#lookSoon();
      return;
    }
    for (const { isQuiet } of agents()) {
      if (!isQuiet) return;
    }
    this.#isAsked = false;
    tell({ runs: scheduler.runs, nextMs: time.nextMs });
  }
}
