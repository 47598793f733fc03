/** Children that agents ask for: started with what their parent may give them, again where it wants that. */

import type { CallOutcome, ChildRequest } from '../backend/backend.ts';
import { parseGrants } from '../capability/input.ts';
import { RingfenceError } from '../errors.ts';
import type { Pid } from '../process/state.ts';
import type { Process } from '../supervisor/process.ts';
import { FIRST, type Lineage } from '../supervisor/specification.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import type { Supervised } from '../supervisor/tree.ts';
import { Agent } from './agent.ts';
import { readChild, requireBounded } from './child-spawn.ts';
import { outcomeForGuest } from './for-guests.ts';
import { LoopTurns } from './loop-turns.ts';
import type { Modules } from './modules.ts';
import { RestartedChildren } from './restarted-children.ts';
import { shareRoots } from './roots.ts';
import type { Spawner } from './spawner.ts';

/** What children are started with. */
export interface ChildrenOptions {
  readonly supervisor: Supervisor;
  readonly modules: Modules;
  readonly spawner: Spawner;
  warn(text: string): void;
  /** It was decided whether a child of this agent is started again. Must not throw. */
  told(parent: Pid, decided: Supervised): void;
}

/** The children of all agents of a kernel. */
export class Children {
  readonly #options: ChildrenOptions;
  readonly #restarted: RestartedChildren;
  /** A spawn is half a millisecond of the program's thread. */
  readonly #turns = new LoopTurns();

  constructor(options: ChildrenOptions) {
    this.#options = options;
    this.#restarted = new RestartedChildren(options.warn, options.told);
  }

  /** Starts what an agent asks for; answers its pid, or why not as the agent is told it. */
  async spawn(parent: Process, request: ChildRequest): Promise<CallOutcome<number>> {
    try {
      // What waits for its turn is kept here, and who asks can be a process that keeps no bounds itself.
      requireBounded(request);
      const start = (lineage: Lineage): Promise<Agent> => this.#start(parent, request, lineage);
      const { restart } = request;
      const pid =
        restart === 'temporary'
          ? (await start(FIRST)).pid
          : await this.#restarted.start({ type: restart, parent, start });
      return { tag: 'ok', val: pid };
    } catch (error) {
      return outcomeForGuest(error, (why) =>
        this.#options.warn(`a spawn that pid ${parent.pid} asked for failed: ${why}`),
      );
    }
  }

  async #start(parent: Process, request: ChildRequest, lineage: Lineage): Promise<Agent> {
    const begins = this.#turns.take();
    if (begins !== null) {
      await begins;
    }
    const { supervisor, modules, spawner } = this.#options;
    const { isolation, features, roots } = parent.request;
    const waiting = spawner.turnIn(isolation);
    const turn = waiting === null ? null : await waiting;
    try {
      // What its parent may give now, not when it began to wait.
      const granted = supervisor.grants.of(parent.pid);
      const { specs, limits } = readChild(request, {
        limits: parent.request.limits,
        files: granted.flatMap((grant) => (grant.kind === 'files' ? [grant.scope] : [])),
        tools: granted.flatMap((grant) => (grant.kind === 'tools' ? [grant.scope] : [])),
      });
      const { tag, val } = request.module;
      const module = tag === 'digest' ? modules.ofDigest(val) : modules.ofName(val);
      if (module === undefined) {
        throw new RingfenceError(
          'RF_PROCESS_NOT_FOUND',
          'Cannot spawn the child as the kernel has loaded no such module: load it first.',
        );
      }
      // As at any spawn: clocks and random, unless it says something else of them.
      const untold = parseGrants({}).filter(({ kind }) =>
        specs.every((spec) => spec.kind !== kind),
      );
      const child = {
        module,
        agentId: request.agentId,
        parent: new Agent(parent, supervisor),
        arguments: request.arguments,
        environment: Object.fromEntries(request.environment),
        isolation,
        features,
      };
      const opened = shareRoots([...specs, ...untold], roots);
      return spawner.spawnOpened(child, limits, opened, lineage, request.linked);
    } finally {
      turn?.end();
    }
  }

  /** Its parent, or the program, has stopped a child: it is not started again. */
  stopped(pid: Pid): void {
    this.#restarted.stopped(pid);
  }

  /** Nobody is started again any more. */
  close(): void {
    this.#restarted.close();
  }
}
