/** Hostile agents of each kind, for the measurements beside them. */

import type { Agent, Kernel, LoadedModule } from '../src/index.ts';

/** What a hostile agent does, and as what. */
export interface Hostile {
  readonly title: string;
  readonly guest: string;
  readonly arguments: readonly string[];
}

const storm = (title: string, kind: string): Hostile => ({
  title,
  guest: 'storm',
  arguments: ['storm', kind],
});
const calls = (title: string, name: string): Hostile => ({
  title,
  guest: 'host-calls',
  arguments: ['host-calls', name, '2147483647'],
});
const alone = (title: string, guest: string): Hostile => ({ title, guest, arguments: [guest] });

/** All kinds. */
export const HOSTILE: readonly Hostile[] = [
  alone('endless loops', 'endless-loop'),
  alone('memory bombs', 'memory-bomb'),
  alone('table bombs', 'table-bomb'),
  storm('fills of 16 MiB', 'fills'),
  alone('mailbox floods', 'mailbox-flood'),
  storm('senders of a MiB to themselves', 'sends of a MiB'),
  storm('publishers to one topic', 'publishes'),
  storm('askers of themselves', 'requests'),
  storm('settings of timers', 'timers'),
  storm('wakers that compute', 'wakes'),
  storm('spawners', 'spawns'),
  storm('monitors', 'monitors'),
  storm('writers of log lines', 'log lines'),
  alone('stdout floods', 'stdout-flood'),
  calls('storms of host calls', 'clock'),
  calls('storms of denied calls', 'denied'),
];

const UNLIMITED = { fuel: 0, cpuTimeMs: 0, wallTimeMs: 0, messages: 0 } as const;
const GRANTS = { ipc: 'all', spawn: 4, clocks: 'exact' } as const;

/** Hostile agents that are there until they are ended: one that ends by itself is spawned anew. */
export class Crowd {
  readonly #agents = new Set<Agent>();
  readonly #lives: Promise<void>[] = [];
  #ended = false;

  /** `child`: what is spawned by those that spawn. */
  constructor(kernel: Kernel, { kind, module, child, count }: CrowdOptions) {
    const spawn = (): Promise<Agent> =>
      kernel.spawn({
        module,
        arguments: [...kind.arguments, child.digest],
        limits: UNLIMITED,
        grants: GRANTS,
        stdout: async () => {},
        onLog: () => {},
      });
    for (let index = 0; index < count; index += 1) this.#lives.push(this.#live(spawn));
  }

  async #live(spawn: () => Promise<Agent>): Promise<void> {
    while (!this.#ended) {
      const agent = await spawn();
      this.#agents.add(agent);
      if (this.#ended) agent.kill();
      await agent.exited;
      this.#agents.delete(agent);
    }
  }

  async end(): Promise<void> {
    this.#ended = true;
    for (const agent of this.#agents) agent.kill();
    await Promise.all(this.#lives);
  }
}

/** Who is in a crowd. */
export interface CrowdOptions {
  readonly kind: Hostile;
  readonly module: LoadedModule;
  readonly child: LoadedModule;
  readonly count: number;
}
