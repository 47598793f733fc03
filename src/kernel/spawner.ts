/** Spawns what was asked for: checks it, waits for its turn, opens its directories, and has it supervised. */

import type { Backend, Isolation } from '../backend/backend.ts';
import type { NativeBackend } from '../backend/native.ts';
import type { StartTurn } from '../backend/starts.ts';
import type { WasmBackend } from '../backend/wasm.ts';
import { readGrants } from '../capability/input.ts';
import { RingfenceError } from '../errors.ts';
import type { Keeping } from '../recording/kept.ts';
import type { Limits } from '../resource/limits.ts';
import type { Process, SpawnRequest } from '../supervisor/process.ts';
import { FIRST, type Lineage } from '../supervisor/specification.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { Agent } from './agent.ts';
import { type ApartPath, requireApart } from './apart.ts';
import type { LogTaps } from './log-taps.ts';
import type { Modules } from './modules.ts';
import { NativeAgent, type WorkResult } from './native-agent.ts';
import { closeRoots, type OpenedGrants, openRoots } from './roots.ts';
import type { SpawnOptions } from './spawn-options.ts';
import { checkSpawnable, isWork, requestOf, type Spawnable } from './spawn-request.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { WorkOptions } from './work-options.ts';

/** Nobody else waits for who has it. */
const NO_TURN: StartTurn = { end: () => {} };

/** What spawns are made with. */
export interface SpawnerOptions {
  readonly supervisor: Supervisor;
  readonly modules: Modules;
  readonly wasm: WasmBackend;
  /** What starts modules: `wasm`, or what waits before it does. */
  readonly starting: Backend;
  readonly native: NativeBackend;
  readonly logTaps: LogTaps;
  /** Null: agents live in the machine's time. */
  readonly clock: VirtualClock | null;
  /** What no agent may have mounted. */
  readonly apart: readonly ApartPath[];
  warn(text: string): void;
}

/** Spawns modules and functions, for the program, for supervisors and for agents. */
export class Spawner {
  readonly #options: SpawnerOptions;

  constructor(options: SpawnerOptions) {
    this.#options = options;
  }

  /** @throws {RingfenceError} see {@link Kernel.spawn} */
  async spawn(options: Spawnable): Promise<Agent> {
    const limits = this.check(options);
    const waiting = this.turn(options);
    const turn = waiting === null ? null : await waiting;
    try {
      return this.spawnOpened(options, limits, this.open(options));
    } finally {
      turn?.end();
    }
  }

  /** Spawns a module whose host calls are answered by what `keeping` says, and by no host. */
  async spawnKept(options: SpawnOptions, keeping: Keeping): Promise<Agent> {
    const limits = this.check(options);
    const waiting = this.turn(options);
    const turn = waiting === null ? null : await waiting;
    try {
      const { supervisor, wasm } = this.#options;
      const opened = this.open(options);
      const request = requestOf(options, limits, opened, FIRST, false);
      return new Agent(supervisor.spawn({ ...request, keeping }, wasm), supervisor);
    } finally {
      turn?.end();
    }
  }

  /** Checks what is to be spawned, but for its grants; answers its limits. `world`: what it has to be. */
  check(options: Spawnable, world?: 'wasi:http'): Limits {
    const limits = checkSpawnable(options, (module) => this.#options.modules.has(module), world);
    if (!isWork(options) && options.isolation !== 'process') {
      this.#requireMetered(options);
    }
    if (this.#options.clock !== null && !isWork(options) && options.isolation === 'process') {
      throw new RingfenceError(
        'RF_USAGE',
        "Cannot spawn the agent with isolation 'process' as its kernel has a virtual clock: processes live in the machine's time; give it another isolation, or open another kernel.",
      );
    }
    return limits;
  }

  #requireMetered({ module }: SpawnOptions): void {
    if (this.#options.modules.isPlain(module)) {
      throw new RingfenceError(
        'RF_USAGE',
        "Cannot run a module without metering beside others, as nothing but the end of its process stops it: give it isolation 'process'.",
      );
    }
  }

  /**
   * Opens the directories that are to be mounted.
   *
   * @throws {RingfenceError} `RF_FILE`; `RF_USAGE` for grants that are none, and for a directory that something lies in that is
   * kept apart, the audit chain or its key for instance, or that lies in such a one
   */
  open({ grants }: Pick<Spawnable, 'grants'>): OpenedGrants {
    const opened = openRoots(readGrants(grants));
    return closingRoots(opened, () => {
      requireApart(opened.specs, this.#options.apart);
      return opened;
    });
  }

  /**
   * A thread or a process of an agent's own waits for its turn to start, the first function for what it
   * needs; null: nobody waits.
   */
  turn(options: Spawnable): Promise<StartTurn> | null {
    if (isWork(options)) {
      return this.#options.native.ready()?.then(() => NO_TURN) ?? null;
    }
    return this.turnIn(options.isolation);
  }

  /** The turn of a module in an isolation; null: it waits for none. */
  turnIn(isolation: Isolation = 'shared'): Promise<StartTurn> | null {
    return isolation === 'shared' ? null : this.#options.wasm.turn(isolation);
  }

  /** Spawns at once, with directories that are open: they are closed again where it fails. */
  spawnOpened(
    options: Spawnable,
    limits: Limits,
    opened: OpenedGrants,
    lineage: Lineage = FIRST,
    linked = false,
  ): Agent {
    const { supervisor } = this.#options;
    if (!isWork(options)) {
      return new Agent(this.spawnProcess(options, limits, opened, lineage, linked), supervisor);
    }
    return closingRoots(opened, () =>
      this.#startWork(options, requestOf(options, limits, opened, lineage, linked)),
    );
  }

  /** The same for a module, as the kernel itself knows what it has spawned. */
  spawnProcess(
    options: SpawnOptions,
    limits: Limits,
    opened: OpenedGrants,
    lineage: Lineage,
    linked = false,
  ): Process {
    const { supervisor, starting, logTaps } = this.#options;
    const process = closingRoots(opened, () =>
      supervisor.spawn(requestOf(options, limits, opened, lineage, linked), starting),
    );
    if (options.onLog !== undefined) {
      // Nothing of it arrives before this has returned.
      logTaps.open(process.pid, options.onLog);
    }
    return process;
  }

  #startWork({ work }: WorkOptions, request: SpawnRequest): NativeAgent {
    const { supervisor, native, warn } = this.#options;
    const result: WorkResult<unknown> = { value: undefined };
    const backend = native.running({
      work,
      returned: (value) => {
        result.value = value;
      },
      failed: (text) => warn(text),
    });
    return new NativeAgent(supervisor.spawn(request, backend), supervisor, result);
  }
}

/** Does what takes directories over; they are closed again where it fails. */
function closingRoots<Spawned>({ roots }: OpenedGrants, spawn: () => Spawned): Spawned {
  try {
    return spawn();
  } catch (error) {
    closeRoots(roots);
    throw error;
  }
}
