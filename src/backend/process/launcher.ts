/** Starts the processes of agents within the strongest walls that work here, and keeps one ready. */

import { RingfenceError } from '../../errors.ts';
import type { Starts } from '../starts.ts';
import { ChildLink } from './child-link.ts';
import { CHILD_ENTRY, type ChildCommand, childCommand, limitingCommand } from './command.ts';
import { confine, UNBOUNDED } from './confine.ts';
import {
  findTools,
  type ProcessWalls,
  type WallPlan,
  type WallTools,
  wallPlans,
  wallsOf,
} from './walls.ts';

/** How long the end of what is left may take. */
const CLOSE_MS_MAX = 5_000;

/** Whether an agent's process may run without the system's own walls. */
export type WallsPolicy = 'require' | 'if-available';

/** How processes are started. */
export interface LauncherOptions {
  readonly policy: WallsPolicy;
  /** Where its starts are counted. */
  readonly starts: Starts;
  onWarning(text: string): void;
  /** The system's programs. Only tests give others than there are. */
  readonly tools?: WallTools | undefined;
  /** The program of the processes. Only tests give another. */
  readonly entry?: string | undefined;
}

/** A process that is ready for an agent, or will be. */
export interface Launched {
  readonly link: ChildLink;
  readonly plan: WallPlan;
}

/** What works here. */
interface Found {
  readonly plan: WallPlan;
  readonly walls: ProcessWalls;
}

/** Starts processes; which walls work here is found out by a trial, once. */
export class Launcher {
  readonly #options: LauncherOptions;
  readonly #tools: WallTools;
  readonly #links = new Set<ChildLink>();
  readonly #commands = new Map<WallPlan, ChildCommand>();
  #finding: Promise<Found> | null = null;
  #found: Found | null = null;
  #spare: ChildLink | null = null;
  #closed = false;

  constructor(options: LauncherOptions) {
    this.#options = options;
    this.#tools = options.tools ?? findTools();
  }

  /** Which walls are in force, found out by a trial the first time. */
  async walls(): Promise<ProcessWalls> {
    return (await this.#find()).walls;
  }

  /**
   * Resolves when processes can be started.
   *
   * @throws {RingfenceError} `RF_BACKEND_NOT_AVAILABLE` when walls that are required are missing, or no
   * process can be started at all.
   */
  async prepare(): Promise<void> {
    const { namespaces, systemCalls, resourceLimits, missing } = await this.walls();
    if (this.#options.policy === 'require' && !(namespaces && systemCalls && resourceLimits)) {
      throw new RingfenceError(
        'RF_BACKEND_NOT_AVAILABLE',
        `Cannot run an agent in a process within the system's own walls, as they are required: ${missing.join('; ')}.`,
      );
    }
  }

  /** A process for an agent; {@link prepare} has resolved. */
  launch(): Launched {
    if (this.#found === null) {
      throw new Error('a process is started before it is known how');
    }
    const { plan } = this.#found;
    const link = this.#spare ?? this.#start(plan);
    this.#spare = null;
    link.holdsProgram = true;
    return { link, plan };
  }

  /** Starts one ahead, so that the next agent does not wait for Node. */
  keepSpare(): void {
    if (this.#spare === null && this.#found !== null && !this.#closed) {
      this.#setSpare(this.#start(this.#found.plan));
    }
  }

  #setSpare(spare: ChildLink): void {
    spare.holdsProgram = false;
    this.#spare = spare;
    void spare.gone.then(() => {
      if (this.#spare === spare) {
        this.#spare = null;
      }
    });
  }

  /** Ends what is left. Resolves when nothing is. */
  async close(): Promise<void> {
    this.#closed = true;
    const links = [...this.#links];
    for (const link of links) {
      link.holdsProgram = true;
      link.kill();
    }
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_MS_MAX);
    await Promise.race([Promise.all(links.map(({ gone }) => gone)), late]);
    clearTimeout(timer);
  }

  #start(plan: WallPlan): ChildLink {
    let command = this.#commands.get(plan);
    if (command === undefined) {
      command = childCommand(plan, this.#options.entry ?? CHILD_ENTRY);
      this.#commands.set(plan, command);
    }
    const link = new ChildLink(command);
    this.#options.starts.count(link.ready);
    this.#links.add(link);
    void link.gone.then(() => this.#links.delete(link));
    return link;
  }

  #find(): Promise<Found> {
    if (this.#finding !== null) {
      return this.#finding;
    }
    this.#finding = this.#try();
    this.#finding.then(
      (found) => this.#tell(found),
      () => {
        // What did not work for want of something may work later.
        this.#finding = null;
      },
    );
    return this.#finding;
  }

  #tell({ walls }: Found): void {
    if (walls.missing.length > 0 && this.#options.policy === 'if-available') {
      this.#options.onWarning(
        `isolation 'process' runs without some of the system's own walls: ${walls.missing.join('; ')}`,
      );
    }
  }

  async #try(): Promise<Found> {
    let failed: string | null = null;
    for (const plan of wallPlans(this.#tools)) {
      if (this.#closed) {
        throw new RingfenceError('RF_CLOSED', 'Cannot start a process as the kernel is closed.');
      }
      const link = this.#start(plan);
      const problem = await trial(link, plan);
      if (problem === null) {
        this.#found = { plan, walls: wallsOf(plan, this.#tools, failed) };
        this.#setSpare(link);
        return this.#found;
      }
      link.kill();
      failed ??= problem;
    }
    throw new RingfenceError(
      'RF_BACKEND_NOT_AVAILABLE',
      `Cannot start a process for an agent: ${failed ?? 'there is no way to'}.`,
    );
  }
}

/** Null: a process within these walls gets ready, and can be limited. */
async function trial(link: ChildLink, plan: WallPlan): Promise<string | null> {
  if (!(await link.ready)) {
    return 'a process within it does not start';
  }
  const systemPid = await link.systemPid;
  const limiting = limitingCommand(plan);
  if (limiting === null || systemPid === null) {
    return null;
  }
  const done = await confine(limiting, systemPid, UNBOUNDED, plan.bwrap !== null);
  return done ? null : 'its limits can not be set';
}
