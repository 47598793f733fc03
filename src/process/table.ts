/** The process table: a row for each agent, with a capacity, and a bounded history of the exited. */

import { RingfenceError } from '../errors.ts';
import { checkTransition, type Pid, type ProcessState } from './state.ts';

/** What every row has; the supervisor adds what it needs. */
export interface ProcessRow {
  readonly pid: Pid;
  readonly agentId: string;
  readonly parentPid: Pid;
  /** Whom it was started again for; null: nobody was there before. */
  readonly restartedFrom: Pid | null;
  readonly state: ProcessState;
}

/** Rows of agents that exited stay readable, up to so many. */
const HISTORY_MAX = 10_000;

/** All agents of a kernel, and who has exited lately. */
export class ProcessTable<Row extends ProcessRow> {
  readonly #capacity: number;
  readonly #live = new Map<Pid, Row>();
  /** What is kept of who exited: the row alone, nothing that the agent held. */
  readonly #history = new Map<Pid, ProcessRow>();
  /** Whose rows these are, in a ring: the oldest is where the next goes. */
  readonly #exited: Pid[] = [];
  #oldest = 0;
  #nextPid: Pid = 1;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Agents that have not exited. */
  get size(): number {
    return this.#live.size;
  }

  /**
   * Adds a row in state `starting` under the next pid.
   *
   * @throws {RingfenceError} `RF_PROCESS_TABLE_FULL`
   */
  insert(make: (pid: Pid) => Row): Row {
    if (this.#live.size >= this.#capacity) {
      throw new RingfenceError(
        'RF_PROCESS_TABLE_FULL',
        `Cannot spawn the agent as the process table is full: its capacity is ${this.#capacity}; wait for an agent to exit, or open the kernel with a larger capacity.`,
        { max: this.#capacity },
      );
    }
    const row = make(this.#nextPid);
    this.#nextPid += 1;
    this.#live.set(row.pid, row);
    return row;
  }

  /** The row of an agent, exited or not. @throws {RingfenceError} `RF_PROCESS_NOT_FOUND` */
  get(pid: Pid): ProcessRow {
    const row = this.#live.get(pid) ?? this.#history.get(pid);
    if (row === undefined) {
      throw new RingfenceError(
        'RF_PROCESS_NOT_FOUND',
        `Cannot find an agent with pid ${pid}: it was never spawned, or it exited too long ago.`,
        { pid },
      );
    }
    return row;
  }

  /** The row of an agent that has not exited. */
  findLive(pid: Pid): Row | undefined {
    return this.#live.get(pid);
  }

  /** All agents that have not exited, in the order of their pids. */
  list(): Row[] {
    return [...this.#live.values()];
  }

  /**
   * Moves an agent to another state; `exited` frees its place at once.
   *
   * @throws {RingfenceError} `RF_INVALID_STATE_TRANSITION`, `RF_PROCESS_NOT_FOUND`
   */
  transition(pid: Pid, to: ProcessState): void {
    const row = this.#live.get(pid);
    checkTransition(pid, this.get(pid).state, to);
    if (row === undefined) {
      return;
    }
    (row as { state: ProcessState }).state = to;
    if (to === 'exited') {
      this.#live.delete(pid);
      const { agentId, parentPid, restartedFrom } = row;
      this.#history.set(pid, { pid, agentId, parentPid, restartedFrom, state: 'exited' });
      this.#remember(pid);
    }
  }

  /** Forgets who exited the longest ago. The first key of a map that much was deleted from is far to find. */
  #remember(pid: Pid): void {
    const oldest = this.#exited[this.#oldest];
    if (oldest !== undefined) {
      this.#history.delete(oldest);
    }
    this.#exited[this.#oldest] = pid;
    this.#oldest = (this.#oldest + 1) % HISTORY_MAX;
  }
}
