/** The modules that are served: opened with their grants and limits checked, closed with the kernel. */

import { RingfenceError } from '../errors.ts';
import type { ServedCounts } from '../metrics/definitions.ts';
import type { Process } from '../supervisor/process.ts';
import { FIRST } from '../supervisor/specification.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { HttpService } from './http-service.ts';
import { closeRoots, type OpenedGrants } from './roots.ts';
import { readServe, type ServeOptions } from './serve-options.ts';
import type { Spawner } from './spawner.ts';
import type { TelemetryFeed } from './telemetry-feed.ts';

/** What serving needs of the rest of the kernel. */
export interface HttpServicesOptions {
  readonly supervisor: Supervisor;
  readonly spawner: Spawner;
  /** Aborted when the kernel is closed. */
  readonly closing: AbortSignal;
  /** Who traces requests; null: nobody does. */
  readonly feed: Pick<TelemetryFeed, 'request'> | null;
  warn(text: string): void;
  /** The module with this digest is served, or no longer. Must not throw. */
  opened(module: string): void;
  closed(module: string): void;
}

/** All services of a kernel. */
export class HttpServices {
  readonly #options: HttpServicesOptions;
  readonly #open = new Set<HttpService>();
  /** By the class of the status, of those that are closed too. */
  readonly #served = new Map<string, number>();

  constructor(options: HttpServicesOptions) {
    this.#options = options;
  }

  /** @throws {RingfenceError} see {@link Kernel.serve} */
  open(options: ServeOptions): HttpService {
    const { closing, spawner, supervisor, warn } = this.#options;
    if (closing.aborted) {
      throw new RingfenceError(
        'RF_CLOSED',
        'Cannot serve the module as the kernel is closed: open another.',
      );
    }
    const { settings, spawn } = readServe(options);
    const limits = spawner.check(spawn, 'wasi:http');
    const opened = (): OpenedGrants => spawner.open(spawn);
    // What is wrong with them is said here, and not to the first client.
    closeRoots(opened().roots);
    const start = (): Process => spawner.spawnProcess(spawn, limits, opened(), FIRST);
    const service: HttpService = new HttpService(settings, {
      spawn: () => {
        const waiting = spawner.turnIn(spawn.isolation);
        if (waiting === null) {
          return start();
        }
        return waiting.then((turn) => {
          try {
            return start();
          } finally {
            turn.end();
          }
        });
      },
      kill: (pid, message) => supervisor.commands.kill(pid, message),
      warn,
      request: (head) => this.#options.feed?.request(head) ?? null,
      over: (status) => this.#count(status),
      closed: () => {
        if (this.#open.delete(service)) {
          this.#options.closed(spawn.module.digest);
        }
      },
    });
    this.#open.add(service);
    this.#options.opened(spawn.module.digest);
    return service;
  }

  #count(status: number | null): void {
    const name = status === null ? 'none' : `${Math.trunc(status / 100)}xx`;
    this.#served.set(name, (this.#served.get(name) ?? 0) + 1);
  }

  /** What was served, and what is under way. */
  counts(): ServedCounts {
    let [active, idle] = [0, 0];
    for (const service of this.#open) {
      active += service.active;
      idle += service.idle;
    }
    return { requests: this.#served, active, idle };
  }

  /** Ends them all, whatever they are handling. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((service) => service.close()));
  }
}
