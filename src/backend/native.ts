/** The native backend: runs functions of the program as agents, under the same supervision as guests. */

import type { Backend } from './backend.ts';
import type { RunningWork, WorkToRun } from './native/running-work.ts';
import { Turn } from './native/turn.ts';

/** Runs functions in the program's own thread. */
export class NativeBackend {
  readonly #turn = new Turn();
  #loading: Promise<void> | null = null;
  #RunningWork: typeof RunningWork | null = null;

  /** Resolves when functions can be started; null: they can. Only who has some loads what they need. */
  ready(): Promise<void> | null {
    if (this.#RunningWork !== null) {
      return null;
    }
    this.#loading ??= import('./native/running-work.ts').then((loaded) => {
      this.#RunningWork = loaded.RunningWork;
    });
    return this.#loading;
  }

  /** What starts this function; after {@link ready}. */
  running(toRun: Omit<WorkToRun, 'turn'>): Backend {
    const turn = this.#turn;
    const Running = this.#RunningWork;
    if (Running === null) {
      throw new Error('a function is started before that was prepared');
    }
    return {
      name: 'native',
      start: (start, events) => new Running(start, events, { ...toRun, turn }),
      // Its agents have been ended before, and it has nothing else.
      close: async () => {},
    };
  }
}
