/** Isolation `thread`: a worker thread for each agent, ended with it. */

import { RingfenceError } from '../../errors.ts';
import type { BackendAgent, BackendEvents, BackendStart } from '../backend.ts';
import type { Starts } from '../starts.ts';
import type { WasmModule } from './module.ts';
import { poolOfOne } from './one-thread.ts';
import { WorkerLink, type WorkerLinkOptions } from './worker-link.ts';

/** Threads of agents' own that live at a time: each takes some 10 MB and a place at the cores. */
export const OWN_THREADS_MAX = 64;

const MIB = 1024 * 1024;

/** JavaScript's heap of a thread, beside what the host may hold for its agent. */
const HEAP_BASE_MIB = 128;
/** What is held takes so many times its bytes in JavaScript's heap, at the most. */
const HEAP_PER_HELD_BYTE = 4;

/** An agent's heap of JavaScript objects ends its own thread when it is full, not the program. */
function heapMebibytes({ limits }: BackendStart): { maxOldGenerationSizeMb?: number } {
  return limits.hostBytes === 0
    ? {}
    : {
        maxOldGenerationSizeMb:
          HEAP_BASE_MIB + Math.ceil((limits.hostBytes * HEAP_PER_HELD_BYTE) / MIB),
      };
}

/** All threads of agents that have one of their own, of one kernel. */
export class OwnThreads {
  readonly #options: WorkerLinkOptions;
  readonly #starts: Starts;
  readonly #most: number;
  readonly #ending = new Set<Promise<void>>();
  /** Threads that have not ended. */
  readonly #links = new Set<WorkerLink>();

  /** Only tests allow less than {@link OWN_THREADS_MAX}. */
  constructor(options: WorkerLinkOptions, starts: Starts, most = OWN_THREADS_MAX) {
    this.#options = options;
    this.#starts = starts;
    this.#most = most;
  }

  /** @throws {RingfenceError} `RF_LIMIT_EXCEEDED` when as many agents have a thread as may. */
  start(start: BackendStart, module: WasmModule, events: BackendEvents): BackendAgent {
    if (this.#links.size >= this.#most) {
      throw new RingfenceError(
        'RF_LIMIT_EXCEEDED',
        `Cannot spawn '${start.agentId}' in a thread of its own as ${this.#most} agents have one: wait for one to exit, or spawn it with another isolation.`,
        { max: this.#most },
      );
    }
    const link = this.#startThread(start);
    try {
      return link.start(start, module, {
        ...events,
        exited: (end) => {
          link.close();
          events.exited(end);
        },
      });
    } catch (error) {
      // Nobody else would ever end its thread.
      link.close();
      throw error;
    }
  }

  #startThread(start: BackendStart): WorkerLink {
    const link = new WorkerLink(poolOfOne(heapMebibytes(start)), this.#options);
    this.#links.add(link);
    this.#starts.count(link.ready);
    const ended = link.ended
      .then(() => link.destroy())
      .finally(() => {
        this.#links.delete(link);
        this.#ending.delete(ended);
      });
    this.#ending.add(ended);
    return link;
  }

  /** Those that have not ended. */
  get links(): Iterable<WorkerLink> {
    return this.#links;
  }

  /** Resolves when the threads are gone; their agents have been ended before. */
  async close(): Promise<void> {
    await Promise.all([...this.#ending]);
  }
}
