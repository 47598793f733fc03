/**
 * The scores of a kernel's agents, by the names that they were spawned under. Whom an agent has spawned is
 * scored under the name of the agent that the program spawned first: no guest can give a child another's
 * name and spoil, or mend, what is said of that one.
 */

import type { ExitReason } from '../process/exit.ts';
import { KERNEL_PID, type Pid } from '../process/state.ts';
import { blend, NEUTRAL, observationOf, type Score } from './score.ts';

/** Names that the program has given; the one that came first goes first. */
export const NAMES_MAX = 10_000;
/** Names of descendants that are scored under one of these; further ones are not. */
export const DESCENDANTS_MAX = 16;

/** What the exits of agents of one name have said of them. */
export interface AgentScore {
  readonly agentId: string;
  /** The name of the agent that it descends from; null: the program has spawned it. */
  readonly under: string | null;
  readonly score: Score;
  /** Exits that it was made of. */
  readonly exits: number;
  /** The last of them, in milliseconds since 1970. */
  readonly atMs: number;
}

interface Named {
  own: AgentScore | null;
  readonly descendants: Map<string, AgentScore>;
}

/** An agent, as it is scored. */
export interface ScoredAgent {
  readonly pid: Pid;
  readonly agentId: string;
  readonly parentPid: Pid;
}

/** All scores of a kernel. */
export class ScoreBook {
  readonly #now: () => number;
  readonly #named = new Map<string, Named>();
  /** Of agents that have not exited, the name that they are scored under. */
  readonly #roots = new Map<Pid, string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** All scores, those of descendants after the one that they are under. */
  list(): AgentScore[] {
    return [...this.#named.values()].flatMap(({ own, descendants }) => [
      ...(own === null ? [] : [own]),
      ...descendants.values(),
    ]);
  }

  spawned({ pid, agentId, parentPid }: ScoredAgent): void {
    this.#roots.set(pid, this.#roots.get(parentPid) ?? agentId);
  }

  exited({ pid, agentId, parentPid }: ScoredAgent, reason: ExitReason): void {
    const root = this.#roots.get(pid) ?? agentId;
    this.#roots.delete(pid);
    const observed = observationOf(reason);
    if (observed === null) {
      return;
    }
    const named = this.#name(root);
    const isOwn = parentPid === KERNEL_PID;
    const before = isOwn ? named.own : (named.descendants.get(agentId) ?? null);
    const after: AgentScore = {
      agentId,
      under: isOwn ? null : root,
      score: blend(before?.score ?? NEUTRAL, observed),
      exits: (before?.exits ?? 0) + 1,
      atMs: this.#now(),
    };
    if (isOwn) {
      named.own = after;
    } else if (before !== null || named.descendants.size < DESCENDANTS_MAX) {
      named.descendants.set(agentId, after);
    }
  }

  #name(root: string): Named {
    let named = this.#named.get(root);
    if (named === undefined) {
      named = { own: null, descendants: new Map() };
      this.#named.set(root, named);
      const [oldest] = this.#named.keys();
      if (this.#named.size > NAMES_MAX && oldest !== undefined) {
        this.#named.delete(oldest);
      }
    }
    return named;
  }
}
