/** What a supervisor needs of a child: what it decides by, and how somebody is started for it. */

import type { Pid } from '../process/state.ts';
import type { ChildRules, Rules } from './decisions.ts';
import type { Report } from './report.ts';

/** Children of one supervisor: no more agents than these can live in one kernel. */
export const CHILDREN_MAX = 12_000;

/** How deep supervisors can be in each other. */
export const DEPTH_MAX = 16;

/** How long a child has to end when it is asked to: OTP's number for workers. */
export const DEFAULT_SHUTDOWN_MS = 5_000;

/** Who was there before, under the same specification. */
export interface Lineage {
  /** The pid before; null: this is the first. */
  readonly restartedFrom: Pid | null;
  /** How often the specification was started again, this time included. */
  readonly restarts: number;
}

/** The lineage of an agent that no supervisor restarts. */
export const FIRST: Lineage = { restartedFrom: null, restarts: 0 };

/** How a child has ended. */
export interface ChildEnd {
  readonly normally: boolean;
  /** Null: it was a supervisor. */
  readonly report: Report | null;
}

/** Where a child is. */
export type ChildPhase = 'starting' | 'running' | 'stopping' | 'waiting' | 'ended' | 'stopped';

/** A child, as its supervisor's owner sees it. */
export interface SupervisedChild {
  readonly id: string;
  readonly kind: 'agent' | 'supervisor';
  /**
   * `waiting`: it has ended and is started again at `restartDueMs`, or when those before it run; `ended`:
   * it has ended, and is not started again by itself; `stopped`: the program has stopped it.
   */
  readonly state: ChildPhase;
  /** Of who runs under it now; null: nobody does, or it is a supervisor. */
  readonly pid: Pid | null;
  /** Of who ran under it before. */
  readonly restartedFrom: Pid | null;
  /** How often it was started again. */
  readonly restarts: number;
  /** When a restart that waits is due, in milliseconds since 1970. */
  readonly restartDueMs: number | null;
  /** Of a supervisor that runs. */
  readonly children: readonly SupervisedChild[] | null;
}

/** A child that was asked to start. */
export interface StartedChild {
  /** Resolves with its pid, or null where it is a supervisor; rejects when it could not be started. */
  readonly ready: Promise<Pid | null>;
  /** Resolves when it has ended; never where it could not be started. */
  readonly ended: Promise<ChildEnd>;
  /** Of a supervisor. */
  readonly children: (() => readonly SupervisedChild[]) | null;
  /** Asks it to end, and ends it by force when the time has passed. */
  stop(shutdownMs: number): void;
  /** Ends it by force. */
  kill(): void;
}

/** Starts what a specification says, as often as it is asked to. */
export interface ChildStarter {
  readonly kind: 'agent' | 'supervisor';
  start(lineage: Lineage): StartedChild;
  /** Gives back what it keeps for the next start. */
  release(): void;
}

/** A child's specification: it has no pid, and outlives all that run under it. */
export interface ChildSpecification extends ChildRules {
  /** How long it has to end when it is asked to. */
  readonly shutdownMs: number;
  readonly starter: ChildStarter;
}

/** A supervisor's own. */
export interface TreeSpecification {
  readonly rules: Rules;
  readonly children: readonly ChildSpecification[];
  /** Told of each agent that has ended. */
  readonly onExit: ((id: string, report: Report) => void) | undefined;
}
