/** Who hears what a single agent logs, beside the operator. */

import type { Pid } from '../process/state.ts';
import type { LogLine } from '../supervisor/options.ts';

/** The listeners of agents that run, by pid. */
export class LogTaps {
  readonly #taps = new Map<Pid, (line: LogLine) => void>();
  readonly #failed: (error: unknown) => void;

  /** `failed` is told what a listener threw. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** From now on until the agent has exited. */
  open(pid: Pid, listener: (line: LogLine) => void): void {
    this.#taps.set(pid, listener);
  }

  /** Hands a line to who listens to its agent. */
  take(line: LogLine): void {
    try {
      this.#taps.get(line.pid)?.(line);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Nobody listens to an agent that has exited. */
  exited(pid: Pid): void {
    this.#taps.delete(pid);
  }
}
