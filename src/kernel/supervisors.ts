/** The supervisors of a kernel: what they start, and what the program sees and does of them. */

import type { StartTurn } from '../backend/starts.ts';
import type { GrantId } from '../capability/grant.ts';
import { RingfenceError } from '../errors.ts';
import type { Pid } from '../process/state.ts';
import { Alarm } from '../resource/alarm.ts';
import type { Limits } from '../resource/limits.ts';
import type { EndReason } from '../supervisor/decisions.ts';
import { isNormal, type RestartType } from '../supervisor/restart.ts';
import {
  type ChildEnd,
  type ChildSpecification,
  type ChildStarter,
  DEFAULT_SHUTDOWN_MS,
  DEPTH_MAX,
  type Lineage,
  type StartedChild,
  type SupervisedChild,
  type TreeSpecification,
} from '../supervisor/specification.ts';
import { type Supervised, SupervisorTree } from '../supervisor/tree.ts';
import type { Agent } from './agent.ts';
import { closeRoots, type OpenedGrants, shareRoots } from './roots.ts';
import type { Spawnable } from './spawn-request.ts';
import {
  type AgentChild,
  type ChildOptions,
  type ReadSupervisor,
  readChildOptions,
  readSupervisor,
  type SuperviseOptions,
  type WorkChild,
} from './supervise-options.ts';

/** What supervisors ask the rest of the kernel for. */
export interface SupervisorsOptions {
  /** @throws {RingfenceError} as `Kernel.spawn` does for what can't be understood. */
  check(options: Spawnable): Limits;
  turn(options: Spawnable): Promise<StartTurn> | null;
  open(options: Spawnable): OpenedGrants;
  spawn(options: Spawnable, limits: Limits, opened: OpenedGrants, lineage: Lineage): Agent;
  /** A clock that is never set back, in milliseconds since 1970. */
  now(): number;
  warn(text: string): void;
  /** A supervisor is started; answers who is told what it decides, undefined: nobody. */
  follow?(specification: TreeSpecification): ((decided: Supervised) => void) | undefined;
}

/** A supervisor, and whoever follows it. */
function treeOf(specification: TreeSpecification, options: SupervisorsOptions): SupervisorTree {
  const { now, warn } = options;
  const told = options.follow?.(specification);
  return new SupervisorTree(specification, { now, warn, told });
}

/** How a supervisor has ended. */
export interface SupervisorEnd {
  /**
   * `stopped` by the program; `exhausted`: its children were restarted too often; `finished`: its
   * significant children have ended; `closed`: its kernel was.
   */
  readonly reason: EndReason;
  /** The child that ended it. */
  readonly childId: string | null;
}

/** A supervisor, from the outside. */
export class SupervisorHandle implements AsyncDisposable {
  readonly #tree: SupervisorTree;
  readonly #read: (given: ChildOptions) => ChildSpecification;

  /** Made by {@link Kernel.supervise}. */
  constructor(tree: SupervisorTree, read: (given: ChildOptions) => ChildSpecification) {
    this.#tree = tree;
    this.#read = read;
  }

  /** Resolves when it has ended, for whatever reason: none of its children runs then. Never rejects. */
  get ended(): Promise<SupervisorEnd> {
    return this.#tree.ended;
  }

  /** Its children in their start order: where each is, its pid, how often it was started again. */
  children(): SupervisedChild[] {
    return this.#tree.children();
  }

  /**
   * Starts a child more, the last in order. Resolves with its pid, or null where it is a supervisor. One
   * that can't be started is forgotten.
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_FILE`, `RF_CHILD_START`, `RF_CLOSED`
   */
  async start(child: ChildOptions): Promise<Pid | null> {
    return this.#tree.start(this.#read(child));
  }

  /**
   * Stops a child: it has its shutdown time, then it is ended by force. A restart that waits is
   * cancelled. It stays listed and can be restarted, unless it is temporary.
   *
   * @throws {RingfenceError} `RF_CHILD_NOT_FOUND`
   */
  stop(id: string): Promise<void> {
    return this.#tree.stop(id);
  }

  /** Stops a child and forgets it. @throws {RingfenceError} `RF_CHILD_NOT_FOUND` */
  remove(id: string): Promise<void> {
    return this.#tree.remove(id);
  }

  /**
   * Starts a child anew, at once: who runs under it is stopped first. It counts towards no intensity.
   * Resolves with the new pid, or null where it is a supervisor.
   *
   * @throws {RingfenceError} `RF_CHILD_NOT_FOUND`, `RF_CHILD_START`, `RF_CLOSED`
   */
  restart(id: string): Promise<Pid | null> {
    return this.#tree.restart(id);
  }

  /** Stops all children, the last first, each with its shutdown time. Resolves when none runs. */
  close(): Promise<SupervisorEnd> {
    return this.#tree.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Agents of one specification whose grants are known: who revokes a grant of one that has ended
 * meanwhile, on purpose or not, means the next one's too.
 */
const GENERATIONS_MAX = 16;

/** Starts agents under one specification. */
class AgentStarter implements ChildStarter {
  readonly kind = 'agent';
  readonly #options: SupervisorsOptions;
  readonly #spawn: Spawnable;
  readonly #limits: Limits;
  /** Opened once: by the time of a restart, their names can lead elsewhere. */
  readonly #opened: OpenedGrants;
  readonly #issued: Map<GrantId, () => void>;
  readonly #generations: GrantId[][] = [];
  /** Of what was granted, what was taken back: a restart does not bring it back. */
  readonly #withdrawn = new Set<OpenedGrants['specs'][number]>();

  constructor(spawn: Spawnable, options: SupervisorsOptions, issued: Map<GrantId, () => void>) {
    this.#options = options;
    this.#spawn = spawn;
    this.#issued = issued;
    this.#limits = options.check(spawn);
    this.#opened = options.open(spawn);
  }

  start(lineage: Lineage): StartedChild {
    let agent: Agent | null = null;
    let isCancelled = false;
    const begin = async (): Promise<Pid> => {
      const waiting = this.#options.turn(this.#spawn);
      const turn = waiting === null ? null : await waiting;
      try {
        if (isCancelled) {
          throw new RingfenceError('RF_CLOSED', 'It was stopped before it was started.');
        }
        agent = this.#spawnOne(lineage);
        return agent.pid;
      } finally {
        turn?.end();
      }
    };
    const ready = begin();
    const message = 'its supervisor has stopped it';
    const kill = (): void => {
      isCancelled = true;
      agent?.kill(message);
    };
    return {
      ready,
      ended: ready.then(
        () =>
          (agent as Agent).exited.then(
            (report): ChildEnd => ({ normally: isNormal(report.exit.reason), report }),
          ),
        () => new Promise<never>(() => {}),
      ),
      children: null,
      stop: (shutdownMs) => {
        isCancelled = true;
        agent?.stop({ shutdownMs, message });
      },
      kill,
    };
  }

  #spawnOne(lineage: Lineage): Agent {
    const specs = this.#opened.specs.filter((spec) => !this.#withdrawn.has(spec));
    const agent = this.#options.spawn(
      this.#spawn,
      this.#limits,
      shareRoots(specs, this.#opened.roots),
      lineage,
    );
    this.#followRevocations(agent, specs);
    return agent;
  }

  #followRevocations(agent: Agent, specs: OpenedGrants['specs']): void {
    const ids: GrantId[] = [];
    for (const { id, kind, scope } of agent.grants()) {
      const spec = specs.find((given) => given.kind === kind && given.scope === scope);
      if (spec !== undefined) {
        ids.push(id);
        this.#issued.set(id, () => this.#withdrawn.add(spec));
      }
    }
    this.#generations.push(ids);
    if (this.#generations.length > GENERATIONS_MAX) {
      this.#forget(this.#generations.shift());
    }
  }

  #forget(ids: readonly GrantId[] | undefined): void {
    for (const id of ids ?? []) {
      this.#issued.delete(id);
    }
  }

  release(): void {
    closeRoots(this.#opened.roots);
    this.#generations.splice(0).forEach((ids) => {
      this.#forget(ids);
    });
  }
}

/** Starts supervisors under one specification: each begins anew, with its own budget. */
class SupervisorStarter implements ChildStarter {
  readonly kind = 'supervisor';
  readonly #specification: TreeSpecification;
  readonly #options: SupervisorsOptions;

  constructor(specification: TreeSpecification, options: SupervisorsOptions) {
    this.#specification = specification;
    this.#options = options;
  }

  start(): StartedChild {
    const tree = treeOf(withoutRelease(this.#specification), this.#options);
    const stop = (shutdownMs: number): void => {
      void tree.close();
      if (Number.isFinite(shutdownMs)) {
        const { now } = this.#options;
        const alarm = new Alarm({ atMs: now() + shutdownMs, now, ring: () => void tree.abandon() });
        void tree.ended.then(() => alarm.clear());
      }
    };
    return {
      // Those that were started before one that can't be have ended again when this is known.
      ready: tree.opened.then(
        () => null,
        (error) => tree.ended.then(() => Promise.reject(error)),
      ),
      ended: tree.ended.then(({ reason }) => ({
        // To give up is no normal end: unlike in OTP, a transient supervisor is restarted then.
        normally: reason !== 'exhausted',
        report: null,
      })),
      children: () => tree.children(),
      stop,
      kill: () => void tree.abandon(),
    };
  }

  release(): void {
    releaseAll(this.#specification.children);
  }
}

function releaseAll(children: readonly ChildSpecification[]): void {
  for (const { starter } of children) {
    starter.release();
  }
}

/** What a supervisor keeps for its children it keeps for the one that is started after it, too. */
function withoutRelease(specification: TreeSpecification): TreeSpecification {
  const children = specification.children.map((child) => ({
    ...child,
    starter: {
      kind: child.starter.kind,
      start: (lineage: Lineage) => child.starter.start(lineage),
      release: () => {},
    },
  }));
  return { ...specification, children };
}

/** All supervisors of a kernel. */
export class Supervisors {
  readonly #options: SupervisorsOptions;
  readonly #trees = new Set<SupervisorTree>();
  /** Grants of supervised agents: what their revocation means for the specification. */
  readonly #issued = new Map<GrantId, () => void>();
  #closed = false;

  constructor(options: SupervisorsOptions) {
    this.#options = options;
  }

  /** @throws {RingfenceError} see {@link Kernel.supervise} */
  async open(given: SuperviseOptions): Promise<SupervisorHandle> {
    if (this.#closed) {
      throw new RingfenceError(
        'RF_CLOSED',
        'Cannot supervise anybody as the kernel is closed: open another.',
      );
    }
    const read = readSupervisor(given);
    const tree = treeOf(this.#readTree(given, read, 1), this.#options);
    this.#trees.add(tree);
    void tree.ended.then(() => this.#trees.delete(tree));
    try {
      await tree.opened;
    } catch (error) {
      await tree.ended;
      throw error;
    }
    return new SupervisorHandle(tree, (child) => this.#readChild(child, read, 1));
  }

  #readTree(given: SuperviseOptions, read: ReadSupervisor, depth: number): TreeSpecification {
    const children: ChildSpecification[] = [];
    try {
      const ids = new Set<string>();
      for (const child of given.children) {
        const specification = this.#readChild(child, read, depth);
        children.push(specification);
        if (ids.has(specification.id)) {
          throw usage(`has two children '${specification.id}': each has an id of its own`);
        }
        ids.add(specification.id);
      }
      return { rules: read.rules, children, onExit: read.onExit };
    } catch (error) {
      releaseAll(children);
      throw error;
    }
  }

  #readChild(given: ChildOptions, above: ReadSupervisor, depth: number): ChildSpecification {
    const { kind, child } = readChildOptions(given);
    const { id, restart = above.restart, significant = false, shutdownMs } = child;
    requireUseful(id, { significant, restart, above });
    if (kind === 'agent') {
      const starter = new AgentStarter(spawnOf(child), this.#options, this.#issued);
      return { id, restart, significant, shutdownMs: shutdownMs ?? DEFAULT_SHUTDOWN_MS, starter };
    }
    if (depth >= DEPTH_MAX) {
      throw usage(`has supervisors in ${DEPTH_MAX} others: that is the most`);
    }
    const read = readSupervisor(child.supervisor);
    const onExit = read.onExit ?? above.onExit;
    const tree = this.#readTree(child.supervisor, { ...read, onExit }, depth + 1);
    return {
      id,
      restart,
      significant,
      shutdownMs: shutdownMs ?? Number.POSITIVE_INFINITY,
      starter: new SupervisorStarter(tree, this.#options),
    };
  }

  /** Ids of the children, of supervisors in supervisors too, that wait to be started again. */
  waiting(): string[] {
    return waitingIn([...this.#trees].flatMap((tree) => tree.children()));
  }

  /** A grant was taken back: it is no part of its specification any more. */
  revoked(id: GrantId): void {
    this.#issued.get(id)?.();
  }

  /** Nobody is started any more, and who runs is ended. Resolves when nobody runs. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#trees].map((tree) => tree.abandon()));
  }
}

function waitingIn(children: readonly SupervisedChild[]): string[] {
  return children.flatMap(({ id, state, children: below }) => [
    ...(state === 'waiting' ? [id] : []),
    ...waitingIn(below ?? []),
  ]);
}

function usage(what: string): RingfenceError {
  return new RingfenceError('RF_USAGE', `Cannot supervise as the supervisor ${what}.`);
}

/** As in OTP, what could never have a meaning is an error. */
function requireUseful(
  id: string,
  {
    significant,
    restart,
    above,
  }: {
    readonly significant: boolean;
    readonly restart: RestartType;
    readonly above: ReadSupervisor;
  },
): void {
  if (significant && restart === 'permanent') {
    throw usage(
      `has a significant child '${id}' that is permanent, and so never ends: make it transient or temporary`,
    );
  }
  if (significant && above.rules.autoShutdown === 'never') {
    throw usage(`has a significant child '${id}', and an 'autoShutdown' of never: choose another`);
  }
}

/** What is left of a child's options is what its agents are spawned with. */
function spawnOf(child: AgentChild | WorkChild): Spawnable {
  const { id, restart: _, significant: __, shutdownMs: ___, agentId, ...spawn } = child;
  return { ...spawn, agentId: agentId ?? id } as Spawnable;
}
