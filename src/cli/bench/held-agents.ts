/**
 * What an agent takes that has started: many are held at their beginning, and it is looked by how much the
 * process has grown. It has to be a process in which nothing else has run.
 */

import { freemem } from 'node:os';
import { type Kernel, RingfenceError, type StateWatch } from '../../index.ts';

/** Agents that one kernel takes at a time (docs/limits.md). */
const CAPACITY = 12_000;
/** In how much it is looked how many fit. */
const FIT_BYTES = 1024 ** 3;
/** Spawned together, before it is looked again. */
const BATCH = 64;
/** Held before anything counts: what the first ones bring with them is the process's. */
const BEFORE = 2 * BATCH;
/** How long a batch may take to come, when the time is over. */
const BATCH_MS = 5_000;
/** Memory that is left to the machine. */
const LEFT_FREE_BYTES = 512 * 1024 ** 2;

/** The kernel that they are held in: each is at the end of its slice as soon as it has begun. */
export const HOLDING = { workers: 1, sliceFuel: 1, capacity: CAPACITY } as const;

/** What keeps more of them from being there. */
export type Bound =
  /** The memory that is looked at. */
  | 'memory'
  /** What one kernel takes. */
  | 'capacity'
  /** Something else, which was said when one more was spawned. */
  | 'refused';

/** What was found. */
export interface HeldAgents {
  /** Held at a time. */
  readonly agents: number;
  readonly residentBytesPerAgent: number;
  readonly fit: {
    readonly inBytes: number;
    readonly agents: number;
    readonly boundBy: Bound;
    /** What was said, where one was refused. */
    readonly refusal: string | null;
    /** False: it is reckoned from those that were held. */
    readonly reached: boolean;
  };
}

/** How they are made, and for how long. */
export interface Holding {
  readonly budgetMs: number;
  readonly most: number;
  readonly signal: AbortSignal;
  /** Has one started, by a spawn or by a request. */
  start(): Promise<void>;
}

/** Null: its agents end before they can be held. */
export async function holdAgents(kernel: Kernel, holding: Holding): Promise<HeldAgents | null> {
  const holder = new Holder(kernel);
  return await holdIn(holder, holding).finally(() => holder.close());
}

async function holdIn(
  holder: Holder,
  { budgetMs, most, signal, start }: Holding,
): Promise<HeldAgents | null> {
  const until = performance.now() + budgetMs;
  let refusal: string | null = null;
  let base: { readonly bytes: number; readonly agents: number } | null = null;
  let bytes = 0;
  for (;;) {
    signal.throwIfAborted();
    refusal = await startBatch(start);
    const came = await holder.came(BATCH, Math.max(BATCH_MS, until - performance.now()));
    bytes = process.memoryUsage.rss();
    const agents = holder.held;
    if (agents === 0 && refusal === null) {
      return null;
    }
    if (base === null && agents >= BEFORE) {
      base = { bytes, agents };
      continue;
    }
    const isFull = base !== null && bytes - base.bytes >= FIT_BYTES;
    const isOver = performance.now() >= until || agents >= most || agents + BATCH > CAPACITY;
    if (isFull || refusal !== null || !came || freemem() < LEFT_FREE_BYTES) {
      break;
    }
    if (isOver && (base !== null || agents < BATCH)) {
      break;
    }
  }
  const agents = holder.held;
  return base === null || agents <= base.agents
    ? null
    : foundOf({ agents, refusal, each: (bytes - base.bytes) / (agents - base.agents) });
}

/** Holds each agent of a kernel at its first instruction. */
class Holder {
  readonly #kernel: Kernel;
  readonly #watch: StateWatch;
  /** Those that have come to a first instruction or to their end since somebody has waited for them. */
  #came = 0;
  #arrived: () => void = () => {};

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#watch = kernel.watch();
    void this.#follow();
  }

  get held(): number {
    return this.#kernel.counts().suspended;
  }

  /** Resolves when so many more have come; false: they have not in time. */
  async came(count: number, withinMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), withinMs);
    this.#arrived = () => {
      if (this.#came >= count) {
        resolve(true);
      }
    };
    this.#arrived();
    const came = await promise;
    clearTimeout(timer);
    this.#came -= count;
    return came;
  }

  async close(): Promise<void> {
    await this.#watch.return();
  }

  async #follow(): Promise<void> {
    for await (const { pid, from, to } of this.#watch) {
      if (from === 'starting') {
        if (to === 'running') {
          this.#hold(pid);
        }
        this.#came += 1;
        this.#arrived();
      }
    }
  }

  #hold(pid: number): void {
    try {
      this.#kernel.suspend(pid);
    } catch {
      // It has ended meanwhile: it is not among those that are counted.
    }
  }
}

/** Answers why one was refused; null: none was. */
async function startBatch(start: Holding['start']): Promise<string | null> {
  try {
    await Promise.all(Array.from({ length: BATCH }, start));
    return null;
  } catch (error) {
    if (error instanceof RingfenceError && error.code === 'RF_PROCESS_TABLE_FULL') {
      return error.message;
    }
    throw error;
  }
}

function foundOf({
  agents,
  refusal,
  each,
}: {
  readonly agents: number;
  readonly refusal: string | null;
  readonly each: number;
}): HeldAgents {
  // What was there before has made room: it can be that nothing more is needed.
  const residentBytesPerAgent = Math.max(0, Math.round(each));
  const inMemory =
    residentBytesPerAgent === 0 ? CAPACITY : Math.floor(FIT_BYTES / residentBytesPerAgent);
  const isTableFull = refusal !== null && agents < CAPACITY - BATCH;
  const bounds: readonly (readonly [Bound, number])[] = [
    ['memory', inMemory],
    ['capacity', CAPACITY],
    ...(isTableFull ? [['refused', agents] as const] : []),
  ];
  const [boundBy, fits] = bounds.reduce((least, each) => (each[1] < least[1] ? each : least));
  return {
    agents,
    residentBytesPerAgent,
    fit: {
      inBytes: FIT_BYTES,
      agents: fits,
      boundBy,
      refusal: boundBy === 'refused' ? refusal : null,
      reached: agents >= fits - BATCH,
    },
  };
}
