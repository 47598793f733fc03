/** The wasm backend: runs agents in threads that many share, in threads or in processes of their own. */

import { availableParallelism } from 'node:os';
import { RingfenceError } from '../errors.ts';
import type { EngineRoom } from '../resource/engine-room.ts';
import type { QuietAgents } from '../wasm/worker/quiet.ts';
import type { TimeMoment } from '../wasm/worker/virtual-time.ts';
import type { Backend, BackendAgent, BackendEvents, BackendStart, Isolation } from './backend.ts';
import type { WallsPolicy } from './process/launcher.ts';
import type { Processes } from './process/processes.ts';
import type { ProcessWalls, WallTools } from './process/walls.ts';
import { Starts, type StartTurn } from './starts.ts';
import { memoriesOf, type WasmModule } from './wasm/module.ts';
import { OwnThreads } from './wasm/own-threads.ts';
import {
  SharedThreads,
  type SharedThreadsOptions,
  type ThreadCounts,
} from './wasm/shared-threads.ts';

/** How the wasm backend runs agents. */
export interface WasmBackendOptions extends SharedThreadsOptions {
  /** What the agents of this process may take of it. */
  readonly room: EngineRoom;
  /** Whether an agent's process may run without the system's own walls. */
  readonly processWalls: WallsPolicy;
  /** The system's programs. Only tests give others than there are. */
  readonly wallTools?: WallTools | undefined;
}

/** Runs components, each in the isolation that it is spawned with. */
export class WasmBackend implements Backend {
  readonly name = 'wasm';
  readonly #shared: SharedThreads;
  readonly #threads: OwnThreads;
  readonly #modules = new Map<string, WasmModule>();
  readonly #options: WasmBackendOptions;
  readonly #starts = new Starts(Math.max(2, availableParallelism()));
  #loading: Promise<Processes> | null = null;
  #processes: Processes | null = null;
  #isClosed = false;

  constructor(options: WasmBackendOptions) {
    this.#options = options;
    this.#shared = new SharedThreads(options);
    this.#threads = new OwnThreads(options, this.#starts);
  }

  /** Makes a module known; agents name it by its digest. */
  addModule(module: WasmModule): void {
    this.#modules.set(module.digest, module);
  }

  start(start: BackendStart, events: BackendEvents): BackendAgent {
    const { moduleDigest } = start;
    const module = moduleDigest === null ? undefined : this.#modules.get(moduleDigest);
    if (module === undefined) {
      throw new Error(`the module ${moduleDigest} was not added to the backend`);
    }
    if (module.plan.features.gc && start.isolation !== 'process') {
      // The kernel has refused it before: nobody else's agents may share such a heap.
      throw new Error('an agent with a heap of the garbage collector is started beside others');
    }
    if (module.isPlain === true && start.isolation !== 'process') {
      // The kernel has refused it before: nothing would ever stop it, and it would stop everybody else.
      throw new Error('an agent that counts nothing is started beside others');
    }
    if (start.isolation === 'process') {
      if (this.#processes === null) {
        throw new Error('an agent is started in a process before that was prepared');
      }
      return this.#processes.start(start, module, events);
    }
    return this.#startInThread(start, module, events);
  }

  #startInThread(start: BackendStart, module: WasmModule, events: BackendEvents): BackendAgent {
    const { room } = this.#options;
    const share = room.take(start.agentId, memoriesOf(module.plan));
    const threads = start.isolation === 'thread' ? this.#threads : this.#shared;
    try {
      return threads.start(start, module, {
        ...events,
        exited: (end) => {
          room.give(share);
          events.exited(end);
        },
      });
    } catch (error) {
      room.give(share);
      throw error;
    }
  }

  /**
   * Resolves when an agent can be started in an isolation: a few threads and processes of agents' own
   * start at a time. The turn ends when the agent was started, or is not.
   *
   * @throws {RingfenceError} `RF_BACKEND_NOT_AVAILABLE` when no process can be started, or not within
   * the walls that are required; `RF_CLOSED`
   */
  async turn(isolation: Exclude<Isolation, 'shared'>): Promise<StartTurn> {
    this.#requireOpen();
    if (isolation === 'process') {
      const processes = await this.#loadProcesses();
      await processes.prepare();
      this.#processes = processes;
    }
    return this.#starts.turn();
  }

  /** Which walls are in force around each agent's process. @throws {RingfenceError} as `prepare` */
  async walls(): Promise<ProcessWalls> {
    this.#requireOpen();
    return (await this.#loadProcesses()).walls();
  }

  /** What is started after its close nobody would ever end. */
  #requireOpen(): void {
    if (this.#isClosed) {
      throw new RingfenceError(
        'RF_CLOSED',
        'Cannot start a thread or a process as the kernel is closed: open another.',
      );
    }
  }

  /** Only who uses processes loads what they need. */
  #loadProcesses(): Promise<Processes> {
    const { sliceFuel, processWalls, wallTools, network, onWarning } = this.#options;
    this.#loading ??= import('./process/processes.ts').then(
      ({ Processes }) =>
        new Processes({
          sliceFuel,
          network,
          policy: processWalls,
          tools: wallTools,
          starts: this.#starts,
          onWarning: (text) => onWarning(text),
          onWorkerLost: (lost) => this.#options.onWorkerLost?.(lost),
        }),
    );
    return this.#loading;
  }

  /**
   * Resolves when the workers that agents share take them, so that no start waits for a thread.
   *
   * @throws {RingfenceError} `RF_INTERNAL` when a worker can't be started.
   */
  ready(): Promise<void> {
    return this.#shared.ready();
  }

  /** Which of the threads that agents share answer within a time. */
  answering(withinMs: number): Promise<ThreadCounts> {
    return this.#shared.answering(withinMs);
  }

  /**
   * Resolves when all agents of its threads wait, in virtual time: for mail, or for the next moment that one of
   * them waits for.
   */
  async quiet(): Promise<QuietAgents> {
    const links = [...this.#shared.links, ...this.#threads.links];
    const told = (await Promise.all(links.map((link) => link.quiet()))).filter(
      (each) => each !== null,
    );
    const moments = told.flatMap(({ nextMs }) => (nextMs === null ? [] : [nextMs]));
    return {
      runs: told.reduce((sum, { runs }) => sum + runs, 0),
      nextMs: moments.length === 0 ? null : Math.min(...moments),
    };
  }

  /** The virtual time is there: what is due by it rings. */
  moveTime(moment: TimeMoment): void {
    for (const link of [...this.#shared.links, ...this.#threads.links]) {
      link.post({ kind: 'move-time', moment });
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([
      this.#shared.close(),
      this.#threads.close(),
      this.#loading?.then((processes) => processes.close()),
    ]);
  }
}
