/** What the program can see of its agents: one, all of a state, how many, and what changes. */

import * as z from 'zod';
import type { Grant } from '../capability/grant.ts';
import type { Pid, ProcessState } from '../process/state.ts';
import type { ProcessRow } from '../process/table.ts';
import type { ProcessFacts } from '../supervisor/facts.ts';
import type { Process } from '../supervisor/process.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { usageError } from '../usage-error.ts';
import { type StateChange, StateWatch } from './watch.ts';

/** Changes that are kept for one who does not read, where nothing else is said. */
const WATCH_BUFFER_DEFAULT = 1_024;
const WATCH_BUFFER_MAX = 100_000;

/** An agent, as it is listed. */
export type AgentRow = ProcessRow;

/** An agent, and all that the kernel knows of it. */
export interface AgentView extends ProcessFacts {
  /** What it was granted and still has. Empty once it has exited. */
  readonly grants: readonly Grant[];
  /** Its children that have not exited. */
  readonly children: readonly Pid[];
}

/** What is listed. */
export interface ListOptions {
  /** `exited`: the last 10,000, in the order of their exits. @default all but `exited` */
  readonly state?: ProcessState;
}

/** How changes are watched. */
export interface WatchOptions {
  /** Once it is aborted, the iteration comes to its end. */
  readonly signal?: AbortSignal;
  /** Changes that are kept while nobody reads, up to 100,000. @default 1024 */
  readonly buffer?: number;
}

const listSchema = z.strictObject({
  state: z.enum(['starting', 'running', 'suspended', 'stopping', 'exited']).optional(),
});

const watchSchema = z.strictObject({
  signal: z.instanceof(AbortSignal).optional(),
  buffer: z.int().min(1).max(WATCH_BUFFER_MAX).optional(),
});

function rowOf({ pid, agentId, parentPid, restartedFrom, state }: ProcessRow): AgentRow {
  return { pid, agentId, parentPid, restartedFrom, state };
}

/** Looks at the agents of a kernel. */
export class Views {
  readonly #supervisor: Supervisor;
  readonly #watches = new Set<StateWatch>();
  #closed = false;

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  /** @throws {RingfenceError} `RF_PROCESS_NOT_FOUND` */
  inspect(pid: Pid): AgentView {
    return {
      ...this.#supervisor.facts(pid),
      grants: this.#supervisor.grants.of(pid),
      children: this.#supervisor
        .list()
        .filter(({ parentPid }) => parentPid === pid)
        .map((child) => child.pid),
    };
  }

  /** @throws {RingfenceError} `RF_USAGE` */
  list(options: ListOptions): AgentRow[] {
    const parsed = listSchema.safeParse(options);
    if (!parsed.success) {
      throw usageError('list the agents', parsed.error);
    }
    const { state } = parsed.data;
    const rows = state === 'exited' ? this.#supervisor.history() : this.#supervisor.list();
    return rows.filter((row) => state === undefined || row.state === state).map(rowOf);
  }

  counts(): Record<ProcessState, number> {
    const counts = { starting: 0, running: 0, suspended: 0, stopping: 0, exited: 0 };
    const live = this.#supervisor.list();
    for (const { state } of live) {
      counts[state] += 1;
    }
    counts.exited = this.#supervisor.spawned - live.length;
    return counts;
  }

  /** @throws {RingfenceError} `RF_USAGE` */
  watch(options: WatchOptions): StateWatch {
    const parsed = watchSchema.safeParse(options);
    if (!parsed.success) {
      throw usageError('watch the agents', parsed.error);
    }
    const { signal, buffer = WATCH_BUFFER_DEFAULT } = parsed.data;
    const abort = (): void => watch.end();
    const watch = new StateWatch(buffer, () => {
      this.#watches.delete(watch);
      signal?.removeEventListener('abort', abort);
    });
    this.#watches.add(watch);
    signal?.addEventListener('abort', abort);
    if (this.#closed || signal?.aborted) {
      watch.end();
    }
    return watch;
  }

  /** An agent was spawned, `from` is null then, or has changed its state. */
  changed(process: Process, from: ProcessState | null): void {
    if (this.#watches.size === 0) {
      return;
    }
    const { pid, agentId, parentPid, state, exit } = process;
    const atMs = performance.timeOrigin + performance.now();
    const change: Omit<StateChange, 'lost'> = {
      pid,
      agentId,
      parentPid,
      from,
      to: state,
      atMs,
      exit,
    };
    for (const watch of this.#watches) {
      watch.tell(change);
    }
  }

  /** All who watch come to their end. */
  close(): void {
    this.#closed = true;
    for (const watch of [...this.#watches]) {
      watch.end();
    }
  }
}
