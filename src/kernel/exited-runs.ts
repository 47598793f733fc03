/**
 * What is kept of agents that have exited: who they were, and what their receipts say. It is kept in columns, as
 * agents end all the time: objects would be copied and looked at again by the garbage collector as often as that.
 */

import type { Pid } from '../process/state.ts';
import { DEFAULT_LIMITS, type Limits } from '../resource/limits.ts';
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

const LIMIT_NAMES = Object.keys(DEFAULT_LIMITS) as readonly (keyof Limits)[];

/** Numbers of a run: first event and code, what it has used, its limits. */
const FIRST = 0;
const CODE = 1;
const USAGE = 2;
const LIMITS = USAGE + USAGE_NAMES.length;
const NUMBERS = LIMITS + LIMIT_NAMES.length;

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
  readonly #denied: (readonly Denial[])[] = [];
  #count = 0;

  /** Keeps one; of more than 10,000 the first goes. */
  add({ pid, exit, usage, limits, ...run }: ExitedRun): void {
    const place = this.#count % RECEIPTS_MAX;
    this.#count += 1;
    this.#pids[place] = pid;
    this.#agentIds[place] = run.agentId;
    this.#modules[place] = run.module;
    this.#deterministic[place] = run.deterministic;
    this.#grants[place] = run.grants;
    this.#reasons[place] = exit.reason;
    this.#messages[place] = exit.message;
    this.#denied[place] = run.denied;
    const at = place * NUMBERS;
    this.#numbers[at + FIRST] = run.first;
    this.#numbers[at + CODE] = exit.code ?? Number.NaN;
    USAGE_NAMES.forEach((name, index) => {
      this.#numbers[at + USAGE + index] = usage[name];
    });
    LIMIT_NAMES.forEach((name, index) => {
      this.#numbers[at + LIMITS + index] = limits[name];
    });
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
      usage: named(USAGE_NAMES, numbers, USAGE),
      limits: named(LIMIT_NAMES, numbers, LIMITS),
      denied: this.#denied[place] as readonly Denial[],
    };
  }
}

function named<Name extends string>(
  names: readonly Name[],
  numbers: Float64Array,
  at: number,
): Record<Name, number> {
  const entries = names.map((name, index) => [name, numbers[at + index] as number]);
  return Object.fromEntries(entries) as Record<Name, number>;
}
