/** Readers of a run's output that have stalled: a report waits for what was written before it. */

import { TIMER_MS_MAX } from '../index.ts';
import type { Environment } from './environment.ts';

/** How long the reader of a guest that was ended by force has to take what was written before. */
const READER_GRACE_MS = 500;
/** How often it is looked at whether all that writes has ended. */
const LOOK_INTERVAL_MS = 50;

/** Nobody holds a report up by not reading, once what writes was to end. */
export class StalledReaders {
  readonly #environment: Pick<Environment, 'stdout' | 'stderr'>;
  readonly #hasEnded: () => boolean;
  #timer: NodeJS.Timeout | null = null;

  /** `hasEnded` says whether nothing writes any more. */
  constructor(environment: Pick<Environment, 'stdout' | 'stderr'>, hasEnded: () => boolean) {
    this.#environment = environment;
    this.#hasEnded = hasEnded;
  }

  /** As soon as nothing writes any more, from so many milliseconds on. */
  giveUpAfter(milliseconds: number): void {
    this.clear();
    this.#timer = setTimeout(() => this.#look(), Math.min(milliseconds, TIMER_MS_MAX));
  }

  #look(): void {
    if (!this.#hasEnded()) {
      this.giveUpAfter(LOOK_INTERVAL_MS);
      return;
    }
    this.#timer = setTimeout(() => {
      this.#environment.stdout.abandonIfStalled();
      this.#environment.stderr.abandonIfStalled();
    }, READER_GRACE_MS);
  }

  clear(): void {
    clearTimeout(this.#timer ?? undefined);
  }
}
