/**
 * What is kept of agents that have exited: who they were, and what their receipts say. It is kept in columns, as
 * agents end all the time: objects would be copied and looked at again by the garbage collector as often as that.
 */

import type { Pid } from '../process/state.ts';
import type { Limits } from '../resource/limits.ts';
import { NOTHING_USED, type Usage } from '../resource/usage.ts';
import type { Denial, Exit } from '../supervisor/report.ts';

/** Agents that have exited and of which receipts can still be given: the last ones. */
export const RECEIPTS_MAX = 10_000;

/** An agent that has exited. */
export interface ExitedRun {
  readonly pid: Pid;
  readonly agentId: string;
  /** Its module's digest; null: it was a function. */
  readonly module: string | null;
  readonly deterministic: boolean;
  /** None of its events is before this one. */
  readonly first: number;
  /** As canonical JSON. */
  readonly grants: string;
  readonly exit: Exit;
  readonly usage: Usage;
  readonly limits: Limits;
  readonly denied: readonly Denial[];
}

const USAGE_NAMES = Object.keys(NOTHING_USED) as readonly (keyof Usage)[];

/** Numbers of a run: its first event, its code, what it has used. */
const FIRST = 0;
const CODE = 1;
const USAGE = 2;
const NUMBERS = USAGE + USAGE_NAMES.length;

const NOBODY = -1;

/** The last agents that have exited. */
export class ExitedRuns {
  readonly #pids = new Float64Array(RECEIPTS_MAX).fill(NOBODY);
  readonly #numbers = new Float64Array(RECEIPTS_MAX * NUMBERS);
  readonly #agentIds: string[] = [];
  readonly #modules: (string | null)[] = [];
  readonly #deterministic: boolean[] = [];
  readonly #grants: string[] = [];
  readonly #reasons: Exit['reason'][] = [];
  readonly #messages: (string | null)[] = [];
  readonly #limits: Limits[] = [];
  readonly #denied: (readonly Denial[])[] = [];
  #count = 0;

  /** Keeps one; of more than 10,000 the first goes. */
  add(run: ExitedRun): void {
    const { pid, exit, usage } = run;
    const place = this.#count % RECEIPTS_MAX;
    this.#count += 1;
    this.#pids[place] = pid;
    this.#agentIds[place] = run.agentId;
    this.#modules[place] = run.module;
    this.#deterministic[place] = run.deterministic;
    this.#grants[place] = run.grants;
    this.#reasons[place] = exit.reason;
    this.#messages[place] = exit.message;
    // Mostly the same as those of others: the defaults.
    this.#limits[place] = run.limits;
    this.#denied[place] = run.denied;
    const at = place * NUMBERS;
    this.#numbers[at + FIRST] = run.first;
    this.#numbers[at + CODE] = exit.code ?? Number.NaN;
    for (let index = 0; index < USAGE_NAMES.length; index += 1) {
      this.#numbers[at + USAGE + index] = usage[USAGE_NAMES[index] as keyof Usage];
    }
  }

  /** One by its pid; null: it has not exited, or too long ago. It is looked for, as few are asked for. */
  find(pid: Pid): ExitedRun | null {
    const place = this.#pids.indexOf(pid);
    if (pid === NOBODY || place < 0) {
      return null;
    }
    const numbers = this.#numbers.subarray(place * NUMBERS, (place + 1) * NUMBERS);
    const code = numbers[CODE] as number;
    return {
      pid,
      agentId: this.#agentIds[place] as string,
      module: this.#modules[place] as string | null,
      deterministic: this.#deterministic[place] as boolean,
      first: numbers[FIRST] as number,
      grants: this.#grants[place] as string,
      exit: {
        code: Number.isNaN(code) ? null : code,
        reason: this.#reasons[place] as Exit['reason'],
        message: this.#messages[place] as string | null,
      },
      usage: usageOf(numbers.subarray(USAGE)),
      limits: this.#limits[place] as Limits,
      denied: this.#denied[place] as readonly Denial[],
    };
  }
}

const usageOf = (numbers: Float64Array): Usage =>
  Object.fromEntries(USAGE_NAMES.map((name, index) => [name, numbers[index]])) as unknown as Usage;
