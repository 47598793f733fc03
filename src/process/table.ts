/** The process table: a row for each agent, with a capacity, and a bounded history of the exited. */

import { RingfenceError } from '../errors.ts';
import { TurnoverMap } from '../turnover-map.ts';
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

/** What a table has, keeps and tells. */
export interface ProcessTableOptions<Row, Past> {
  /** Rows that have not exited, at most. */
  readonly capacity: number;
  /** What is kept of a row that has exited: nothing that the agent held. */
  remember(row: Row): Past;
  /** Told of each row that was added, `from` is null then, and of each that has changed its state. */
  changed(row: Row, from: ProcessState | null): void;
}

/** All agents of a kernel, and who has exited lately. */
export class ProcessTable<Row extends ProcessRow, Past extends ProcessRow> {
  readonly #options: ProcessTableOptions<Row, Past>;
  readonly #live = new TurnoverMap<Pid, Row>();
  readonly #history = new Map<Pid, Past>();
  /** Whose rows these are, in a ring: the oldest is where the next goes. */
  readonly #exited: Pid[] = [];
  #oldest = 0;
  #nextPid: Pid = 1;

  constructor(options: ProcessTableOptions<Row, Past>) {
    this.#options = options;
  }

  /** Rows that were ever added. */
  get added(): number {
    return this.#nextPid - 1;
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
    const { capacity } = this.#options;
    if (this.#live.size >= capacity) {
      throw new RingfenceError(
        'RF_PROCESS_TABLE_FULL',
        `Cannot spawn the agent as the process table is full: its capacity is ${capacity}; wait for an agent to exit, or open the kernel with a larger capacity.`,
        { max: capacity },
      );
    }
    const row = make(this.#nextPid);
    this.#nextPid += 1;
    this.#live.set(row.pid, row);
    this.#options.changed(row, null);
    return row;
  }

  /** The row of an agent, exited or not. @throws {RingfenceError} `RF_PROCESS_NOT_FOUND` */
  get(pid: Pid): Row | Past {
    const row = this.find(pid);
    if (row === undefined) {
      throw new RingfenceError(
        'RF_PROCESS_NOT_FOUND',
        `Cannot find an agent with pid ${pid}: it was never spawned, or it exited too long ago.`,
        { pid },
      );
    }
    return row;
  }

  /** The row of an agent, exited or not; undefined: there never was one, or it exited too long ago. */
  find(pid: Pid): Row | Past | undefined {
    return this.#live.get(pid) ?? this.#history.get(pid);
  }

  /** The row of an agent that has not exited. */
  findLive(pid: Pid): Row | undefined {
    return this.#live.get(pid);
  }

  /** All agents that have not exited, in the order of their pids. */
  list(): Row[] {
    return this.#live.values();
  }

  /** Who has exited lately, in the order of their exits. */
  history(): Past[] {
    return [...this.#history.values()];
  }

  /**
   * Moves an agent to another state; `exited` frees its place at once.
   *
   * @throws {RingfenceError} `RF_INVALID_STATE_TRANSITION`, `RF_PROCESS_NOT_FOUND`
   */
  transition(pid: Pid, to: ProcessState): void {
    const row = this.#live.get(pid);
    const from = this.get(pid).state;
    checkTransition(pid, from, to);
    if (row === undefined) {
      return;
    }
    (row as { state: ProcessState }).state = to;
    if (to === 'exited') {
      this.#live.delete(pid);
      this.#history.set(pid, this.#options.remember(row));
      this.#forgetOldest(pid);
    }
    this.#options.changed(row, from);
  }

  /** Forgets who exited the longest ago. The first key of a map that much was deleted from is far to find. */
  #forgetOldest(pid: Pid): void {
    const oldest = this.#exited[this.#oldest];
    if (oldest !== undefined) {
      this.#history.delete(oldest);
    }
    this.#exited[this.#oldest] = pid;
    this.#oldest = (this.#oldest + 1) % HISTORY_MAX;
  }
}
