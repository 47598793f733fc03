/** Isolation `process`: a child process for each agent, ended with it. */

import { RingfenceError } from '../../errors.ts';
import { HttpClient } from '../../network/http-client.ts';
import { NETWORK_SETTINGS_DEFAULT, type NetworkSettings } from '../../network/settings.ts';
import type { BackendAgent, BackendEvents, BackendStart } from '../backend.ts';
import type { LostWorker } from '../lost.ts';
import type { WasmModule } from '../wasm/module.ts';
import { ChildAgent } from './child-agent.ts';
import { type Launched, Launcher, type LauncherOptions } from './launcher.ts';
import type { ProcessWalls } from './walls.ts';

/** Processes of agents that live at a time: each takes some 60 MB before its agent has anything. */
export const PROCESSES_MAX = 64;

/** How agents are run in processes. */
export interface ProcessesOptions extends LauncherOptions {
  readonly sliceFuel: number;
  /** @default as the network's own defaults are */
  readonly network?: NetworkSettings | undefined;
  /** Only tests allow less than {@link PROCESSES_MAX}. */
  readonly most?: number;
  /** A process has died. Must not throw. */
  readonly onWorkerLost?: ((lost: LostWorker) => void) | undefined;
}

/** All processes of agents of one kernel. */
export class Processes {
  readonly #options: ProcessesOptions;
  readonly #launcher: Launcher;
  /** Sends what agents in processes ask for. */
  readonly #client: HttpClient;
  #live = 0;

  constructor(options: ProcessesOptions) {
    this.#options = options;
    this.#launcher = new Launcher(options);
    this.#client = new HttpClient(options.network ?? NETWORK_SETTINGS_DEFAULT);
  }

  /**
   * Resolves when agents can be started.
   *
   * @throws {RingfenceError} `RF_BACKEND_NOT_AVAILABLE`
   */
  prepare(): Promise<void> {
    return this.#launcher.prepare();
  }

  /** Which walls are in force around each process. */
  walls(): Promise<ProcessWalls> {
    return this.#launcher.walls();
  }

  /** {@link prepare} has resolved. @throws {RingfenceError} `RF_LIMIT_EXCEEDED` */
  start(start: BackendStart, module: WasmModule, events: BackendEvents): BackendAgent {
    const { most = PROCESSES_MAX } = this.#options;
    if (this.#live >= most) {
      throw new RingfenceError(
        'RF_LIMIT_EXCEEDED',
        `Cannot spawn '${start.agentId}' in a process of its own as ${most} agents have one: wait for one to exit, or spawn it with another isolation.`,
        { max: most },
      );
    }
    const launched = this.#launcher.launch();
    try {
      const agent = this.#startIn(launched, start, module, events);
      this.#live += 1;
      return agent;
    } catch (error) {
      // Nobody would ever end it.
      launched.link.kill();
      throw error;
    }
  }

  #startIn(
    launched: Launched,
    start: BackendStart,
    module: WasmModule,
    events: BackendEvents,
  ): BackendAgent {
    return new ChildAgent({
      start,
      module,
      sliceFuel: this.#options.sliceFuel,
      client: this.#client,
      launched,
      onWarning: (text) => this.#options.onWarning(text),
      onLost: () => this.#options.onWorkerLost?.({ isolation: 'process', agents: 1 }),
      events: {
        ...events,
        running: () => {
          this.#launcher.keepSpare();
          events.running();
        },
        exited: (end) => {
          this.#live -= 1;
          events.exited(end);
        },
      },
    });
  }

  /** Resolves when no process is left; the agents have been ended before. */
  close(): Promise<void> {
    return this.#launcher.close();
  }
}
