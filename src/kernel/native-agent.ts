/** An agent that is a function of the program: it has a result besides. */

import type { Process } from '../supervisor/process.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { Agent } from './agent.ts';

/** What a function has returned; kept for who has its agent in hand. */
export interface WorkResult<Value> {
  value: Value | undefined;
}

/** An agent that is a function of the program, from the outside. */
export class NativeAgent<Value = unknown> extends Agent {
  readonly #result: WorkResult<Value>;

  /** Made by {@link Kernel.spawn}. */
  constructor(process: Process, supervisor: Supervisor, result: WorkResult<Value>) {
    super(process, supervisor);
    this.#result = result;
  }

  /** What its function has returned. Undefined until it has ended, and where it has not ended normally. */
  get result(): Value | undefined {
    return this.#result.value;
  }
}
