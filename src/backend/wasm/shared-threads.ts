/** Isolation `shared`: threads that each run one long task, the scheduler of many agents. */

import { availableParallelism } from 'node:os';
import { RingfenceError } from '../../errors.ts';
import { Attention } from '../../wasm/worker/attention.ts';
import { BusyThreads } from '../../wasm/worker/busy-threads.ts';
import type { BackendAgent, BackendEvents, BackendStart } from '../backend.ts';
import type { WasmModule } from './module.ts';
import { poolOfOne } from './one-thread.ts';
import { Routes } from './routes.ts';
import { WorkerLink, type WorkerLinkOptions } from './worker-link.ts';

/** How threads are shared. */
export interface SharedThreadsOptions extends WorkerLinkOptions {
  readonly workers: number;
}

/** How many threads answer, have not started yet, and do neither. */
export interface ThreadCounts {
  readonly answering: number;
  readonly starting: number;
  readonly silent: number;
}

type Answer = 'answers' | 'starts' | 'silent';

async function answerOf(worker: WorkerLink, late: Promise<void>): Promise<Answer> {
  const isStarted = await Promise.race([worker.ready, late]);
  if (isStarted === undefined) {
    return 'starts';
  }
  if (!isStarted || worker.gone) {
    return 'silent';
  }
  return Promise.race([
    worker.answers().then((): Answer => 'answers'),
    late.then((): Answer => 'silent'),
  ]);
}

/** Threads that are started in a row in one place, where none of them comes to take agents. */
const STARTS_MAX = 3;

/** How long workers have to end their tasks at a close. */
const CLOSE_MS = 2_000;

/** The threads of one kernel that many agents share; one that dies is replaced. */
export class SharedThreads {
  readonly #options: SharedThreadsOptions;
  readonly #workers: WorkerLink[] = [];
  /** Resolve when each of them is gone and another is in its place, or none will be. */
  readonly #replaced: Promise<void>[] = [];
  readonly #routes = new Routes();
  readonly #busy: BusyThreads;
  /** Of the program's thread. */
  readonly #attention: Attention;
  #closed = false;

  constructor(options: SharedThreadsOptions) {
    this.#options = options;
    const busy = BusyThreads.of(options.workers, availableParallelism());
    this.#busy = busy;
    this.#attention = new Attention({ isCoreFree: () => busy.isCoreFree(null) });
    for (let index = 0; index < options.workers; index += 1) {
      this.#addWorker(index);
    }
  }

  /** @throws {RingfenceError} `RF_INTERNAL` when no thread could be started. */
  start(start: BackendStart, module: WasmModule, events: BackendEvents): BackendAgent {
    const [worker] = this.#workers
      .filter((candidate) => !candidate.gone)
      .sort((a, b) => a.agents.size - b.agents.size);
    if (worker === undefined) {
      throw new RingfenceError(
        'RF_INTERNAL',
        'Cannot start the agent as no worker thread could be started: see the warnings, and open another kernel.',
      );
    }
    return worker.start(start, module, events);
  }

  /**
   * Resolves when all workers take agents, so that no start waits for a thread.
   *
   * @throws {RingfenceError} `RF_INTERNAL` when a worker can't be started.
   */
  async ready(): Promise<void> {
    const started = await Promise.all(this.#workers.map((_, index) => this.#isReady(index)));
    if (started.includes(false) && !this.#closed) {
      throw new RingfenceError(
        'RF_INTERNAL',
        'Cannot start a worker thread: see the warnings, and check that the installation is complete.',
      );
    }
  }

  /** One that dies while it starts is followed by another, a few times. */
  async #isReady(index: number): Promise<boolean> {
    for (;;) {
      const worker = this.#workers[index];
      if (await worker?.ready) {
        return true;
      }
      await this.#replaced[index];
      if (this.#workers[index] === worker) {
        return false;
      }
    }
  }

  /** Those that there are. */
  get links(): readonly WorkerLink[] {
    return this.#workers;
  }

  /** Which of the threads answer within a time. */
  async answering(withinMs: number): Promise<ThreadCounts> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    const answers = await Promise.all(this.#workers.map((worker) => answerOf(worker, late)));
    clearTimeout(timer);
    const count = (wanted: Answer): number => answers.filter((answer) => answer === wanted).length;
    return { answering: count('answers'), starting: count('starts'), silent: count('silent') };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const worker of this.#workers) {
      worker.close();
    }
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_MS);
    await Promise.race([Promise.all(this.#workers.map(({ ended }) => ended)), late]);
    clearTimeout(timer);
    await Promise.all(this.#workers.map((worker) => worker.destroy()));
  }

  /** `failures`: how many in a row could not be started in its place. */
  #addWorker(index: number, failures = 0): void {
    const worker = new WorkerLink(poolOfOne(), this.#options, {
      routes: this.#routes,
      attention: this.#attention,
      busy: this.#busy.placeOf(index),
    });
    this.#routes.add(worker);
    this.#workers[index] = worker;
    this.#replaced[index] = worker.ended.then(async () => {
      // One that dies while it starts may have been ended for another's fault; one that can't start dies again.
      const failed = (await worker.ready) ? 0 : failures + 1;
      void worker.destroy();
      this.#busy.set(index, false);
      if (!this.#closed && failed < STARTS_MAX) {
        this.#addWorker(index, failed);
      }
    });
  }
}
