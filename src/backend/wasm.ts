/** The wasm backend: runs agents in threads that many share, in threads or in processes of their own. */

import { RingfenceError } from '../errors.ts';
import type { Backend, BackendAgent, BackendEvents, BackendStart } from './backend.ts';
import { memoriesOf, type WasmModule } from './wasm/module.ts';
import { OwnThreads } from './wasm/own-threads.ts';
import { SharedThreads, type SharedThreadsOptions } from './wasm/shared-threads.ts';

export type WasmBackendOptions = SharedThreadsOptions;

/**
 * Memories that all agents of this process may have at a time: at some 16,300 V8 has no addresses
 * left, and ends the thread that asks for one more.
 */
const MEMORIES_MAX = 14_000;

export class WasmBackend implements Backend {
  readonly name = 'wasm';
  readonly #shared: SharedThreads;
  readonly #threads: OwnThreads;
  readonly #modules = new Map<string, WasmModule>();
  /** Memories of the agents of this process that have not exited. */
  #memories = 0;

  constructor(options: WasmBackendOptions) {
    this.#shared = new SharedThreads(options);
    this.#threads = new OwnThreads(options);
  }

  /** Makes a module known; agents name it by its digest. */
  addModule(module: WasmModule): void {
    this.#modules.set(module.digest, module);
  }

  start(start: BackendStart, events: BackendEvents): BackendAgent {
    const module = this.#modules.get(start.moduleDigest);
    if (module === undefined) {
      throw new Error(`the module ${start.moduleDigest} was not added to the backend`);
    }
    const memories = memoriesOf(module.plan);
    if (this.#memories + memories > MEMORIES_MAX) {
      throw new RingfenceError(
        'RF_PROCESS_TABLE_FULL',
        `Cannot spawn the agent as the agents of this process have ${this.#memories} memories, and ${MEMORIES_MAX} are the most: wait for agents to exit.`,
        { max: MEMORIES_MAX },
      );
    }
    const threads = start.isolation === 'thread' ? this.#threads : this.#shared;
    const agent = threads.start(start, module, {
      ...events,
      exited: (end) => {
        this.#memories -= memories;
        events.exited(end);
      },
    });
    this.#memories += memories;
    return agent;
  }

  /**
   * Resolves when the workers that agents share take them, so that no start waits for a thread.
   *
   * @throws {RingfenceError} `RF_INTERNAL` when a worker can't be started.
   */
  ready(): Promise<void> {
    return this.#shared.ready();
  }

  async close(): Promise<void> {
    await Promise.all([this.#shared.close(), this.#threads.close()]);
  }
}
